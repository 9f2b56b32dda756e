/**
 * WatchEpochs streams that are held through interruptions, and what they have seen: one kind by our follower, one by
 * @grpc/grpc-js, whose HTTP/2 sessions, framing and reconnects are not ours.
 */
import { setTimeout as pause } from "node:timers/promises";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ClientReadableStream, Client, Metadata, credentials } from "@grpc/grpc-js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import {
  type WatchEpochsResponse,
  WatchEpochsRequestSchema,
  WatchEpochsResponseSchema,
} from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { Signer } from "../../core/ports.js";
import { messageOf } from "../../core/errors.js";
import { openRecord } from "../../core/signed-record.js";
import { authHeaders, nextNonce } from "../../rpc/auth/auth.js";
import { createClients } from "../../rpc/client/client.js";
import { followEpochs } from "../../rpc/follower/follower.js";
import { quietLog } from "../support/quiet-log.js";
import { waitUntil } from "./programs.js";

/** A server or a balancer, as callers know it. */
export interface HeldEndpoint {
  readonly url: string;
  readonly serverHotkey: string;
}

/** What one holder has seen. */
export interface HeldStream {
  /** For people. */
  readonly name: string;
  /** Numbers of the epochs that opened, as they came. */
  readonly epochs: number[];
  /** Numbers of the epochs that closed, as they came. */
  readonly closed: number[];
  /** How the last stream ended, for people. */
  how: string;
  /** Streams opened so far: one more than there were interruptions. */
  opened: number;
  /** Resolves once it has ended, after the signal; rejects when it cannot go on. */
  ended: Promise<void>;
}

const SCOPE = { network: "local", netuid: 1 };

function newStream(name: string): HeldStream {
  return { name, epochs: [], closed: [], how: "not interrupted so far", opened: 0, ended: Promise.resolve() };
}

/** Holds a stream by our follower until the signal. */
export function holdByFollower(
  name: string,
  { url, serverHotkey }: HeldEndpoint,
  signer: Signer,
  signal: AbortSignal,
): HeldStream {
  const held = newStream(name);
  let token: Uint8Array | undefined;
  held.ended = followEpochs(
    {
      endpoints: [{ url, hotkey: serverHotkey }],
      signer,
      ...SCOPE,
      recordSigner: serverHotkey,
      verify: verifySr25519,
      clock: systemClock,
      random: Math.random,
      log: quietLog,
      tokens: { load: async () => token, save: async (next) => void (token = next) },
      onEvent: async (event) => {
        if (event.kind === "epoch") held.epochs.push(event.epoch.number);
        else held.closed.push(event.closed.epochNumber);
      },
      observeStream: (seen) => {
        if (seen.happened === "opened") held.opened += 1;
        else held.how = `interrupted: ${seen.how} ${messageOf(seen.error)}`;
      },
    },
    signal,
  );
  return held;
}

const METHOD = "/zipnet.v1.EpochService/WatchEpochs";
/** What this client waits after a stream that broke without a word. */
const BROKEN_WAIT_MS = 300;

/** Holds a stream by grpc-js until the signal, as a client in another language would. */
export function holdByGrpcJs(name: string, endpoint: HeldEndpoint, signer: Signer, signal: AbortSignal): HeldStream {
  const held = newStream(name);
  held.ended = keepOpen(held, endpoint, signer, signal);
  return held;
}

async function keepOpen(held: HeldStream, endpoint: HeldEndpoint, signer: Signer, signal: AbortSignal): Promise<void> {
  // Of its own: grpc-js would put all clients of one address on one connection.
  const options = { "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0 };
  const client = new Client(new URL(endpoint.url).host, credentials.createInsecure(), options);
  let token: Uint8Array = new Uint8Array();
  try {
    while (!signal.aborted) {
      held.opened += 1;
      const stream = openStream(client, endpoint, signer, token);
      const cancel = (): void => stream.cancel();
      signal.addEventListener("abort", cancel, { once: true });
      let waitMs = BROKEN_WAIT_MS;
      try {
        for await (const message of stream as AsyncIterable<WatchEpochsResponse>) {
          note(held, message, endpoint.serverHotkey);
          token = message.resumeToken;
          if (message.event.case === "drain") waitMs = message.event.value.reconnectDelayMs;
        }
      } catch (error) {
        held.how = `interrupted: ${messageOf(error)}`;
      } finally {
        signal.removeEventListener("abort", cancel);
      }
      await pause(waitMs, undefined, { signal }).catch(() => {});
    }
  } finally {
    client.close();
  }
}

function openStream(
  client: Client,
  { serverHotkey: receiver }: HeldEndpoint,
  signer: Signer,
  resumeToken: Uint8Array,
): ClientReadableStream<WatchEpochsResponse> {
  const request = { $typeName: WatchEpochsRequestSchema.typeName, resumeToken };
  const requestBytes = Buffer.from(toBinary(WatchEpochsRequestSchema, request));
  const nonce = nextNonce(signer, systemClock);
  const headers = authHeaders({ procedure: METHOD, requestBytes, signer, scope: { receiver, ...SCOPE }, nonce });
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const read = (bytes: Buffer): WatchEpochsResponse => fromBinary(WatchEpochsResponseSchema, bytes);
  return client.makeServerStreamRequest(METHOD, (bytes: Buffer) => bytes, read, requestBytes, metadata);
}

function note(held: HeldStream, { event }: WatchEpochsResponse, recordSigner: string): void {
  if (event.case === "epoch") {
    held.epochs.push(openRecord(EpochSchema, event.value, verifySr25519, recordSigner).number);
  } else if (event.case === "closed") {
    held.closed.push(event.value.epochNumber);
  }
}

/** Numbers of all recorded epochs, ascending, as the server lists them now. */
async function recordedNumbers(endpoint: HeldEndpoint, signer: Signer): Promise<number[]> {
  const { url, serverHotkey: hotkey } = endpoint;
  const clients = createClients({ url, hotkey }, { signer, ...SCOPE, clock: systemClock });
  try {
    const { epochs } = await clients.epochs.listEpochs({ pageSize: 100, includeDecoded: true });
    return epochs.map(({ decoded }) => decoded?.number ?? Number.NaN).toReversed();
  } finally {
    clients.close();
  }
}

/** Resolves once every holder has seen the epoch that is the newest now. Rejects after timeoutMs. */
export async function untilCaughtUp(
  streams: readonly HeldStream[],
  endpoint: HeldEndpoint,
  signer: Signer,
  timeoutMs: number,
): Promise<void> {
  const newest = (await recordedNumbers(endpoint, signer)).at(-1) ?? 0;
  await waitUntil(`epoch ${newest} on every stream`, timeoutMs, async () => {
    const behind = streams.filter(
      ({ epochs, closed }) => (epochs.at(-1) ?? 0) < newest || (closed.at(-1) ?? 0) < newest - 1,
    );
    if (behind.length === 0) return true;
    throw new Error(behind.map((held) => `${held.name} is at ${held.epochs.at(-1)}, ${held.how}`).join("; "));
  });
}

/** What the holders have missed, seen twice or in another order so far, one sentence each. */
export async function lossesSoFar(
  streams: readonly HeldStream[],
  endpoint: HeldEndpoint,
  signer: Signer,
): Promise<string[]> {
  // First what was seen, then what is recorded: epochs go on meanwhile.
  const seen = streams.map((held) => ({ ...held, epochs: [...held.epochs], closed: [...held.closed] }));
  const newest = Math.max(...seen.flatMap(({ epochs }) => epochs));
  let recorded: readonly number[] = [];
  await waitUntil(`epoch ${newest} in the list`, 10_000, async () => {
    recorded = await recordedNumbers(endpoint, signer);
    return (recorded.at(-1) ?? 0) >= newest;
  });
  return seen.flatMap((held) => lossesOf(held, recorded));
}

/**
 * What a holder has missed, seen twice or in another order, one sentence each: from its first event to its last, it must
 * have seen every recorded epoch open and close, once.
 */
function lossesOf(held: HeldStream, recorded: readonly number[]): string[] {
  const problems: string[] = [];
  for (const [what, seen] of [
    ["opened", held.epochs],
    ["closed", held.closed],
  ] as const) {
    const [first, last] = [seen[0], seen.at(-1)];
    if (first === undefined || last === undefined) {
      problems.push(`${held.name} saw no epoch that ${what}`);
      continue;
    }
    const due = recorded.filter((number) => number >= first && number <= last);
    if (seen.join() !== due.join()) {
      problems.push(`${held.name} saw ${seen.join(" ")} when ${due.join(" ")} ${what}`);
    }
  }
  return problems;
}
