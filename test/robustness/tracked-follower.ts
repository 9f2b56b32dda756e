/**
 * A follower as miners run it, on real connections, with a log of everything that it sees and does.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import type { Signer } from "../../core/ports.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { StartMode, type WatchEpochsResponse } from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { type Clients, type Endpoint, type TransportKind, createClients } from "../../rpc/client/client.js";
import { fromConnectError } from "../../rpc/errors.js";
import { type FollowedEvent, type SeenStream, followEpochs } from "../../rpc/follower/follower.js";
import { quietLog } from "../support/quiet-log.js";
import { NETUID, NETWORK, positionOf } from "./deployment.js";
import { closeDigest, recordDigest } from "./history.js";
import {
  type FollowerLog,
  type Life,
  type LogEvent,
  type LoggedMessage,
  type StreamEnd,
  closedAt,
  openedAt,
} from "./logs.js";

/**
 * Which way a follower's streams take: those of connect-node are handed over to the hub, and those of grpc-js; one with
 * a deadline stays with the library.
 */
export const WAYS = ["connect", "grpc-js", "deadline"] as const;

/** Short, since the library keeps a timer of this length for every call that is broken off. */
const DEADLINE_MS = 20_000;

/** Who follows, and whom. */
export interface FollowerSetup {
  readonly name: string;
  readonly way: (typeof WAYS)[number];
  readonly endpoints: readonly Endpoint[];
  readonly signer: Signer;
  /** The only hotkey that may have signed epochs. */
  readonly recordSigner: string;
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

/** What ends a life in the middle of its work, as the end of the process would. */
class Crash extends Error {}

/** A follower over all its lives. */
export class TrackedFollower {
  readonly log: FollowerLog;
  readonly #setup: FollowerSetup;
  /** What a disk would hold. */
  #kept: Uint8Array | undefined;
  #current: { readonly ending: AbortController; readonly ended: Promise<void> } | undefined;
  #crashesAtNextEvent = false;
  #stalledUntilMs = 0;

  constructor(setup: FollowerSetup) {
    this.#setup = setup;
    this.log = { name: setup.name, lives: [] };
  }

  /** Revision of the last event that it has dealt with; undefined while there is none. */
  get last(): number | undefined {
    return this.log.lives.findLast(({ delivered }) => delivered.length > 0)?.delivered.at(-1)?.revision;
  }

  /** Begins a life, with the token that is kept, unless there is one. */
  start(): void {
    if (this.#current !== undefined) return;
    const life: Life = { startedMs: Date.now(), streams: [], delivered: [], keptMs: [] };
    this.log.lives.push(life);
    this.#crashesAtNextEvent = false;
    const ending = new AbortController();
    this.#current = { ending, ended: this.#live(life, ending) };
  }

  /** Dies and starts again; after it has dealt with the next event and before it keeps the token, or at once. */
  async crash(isAtEvent: boolean, givenUpMs: number): Promise<void> {
    const life = this.#current;
    if (life === undefined) return;
    this.#crashesAtNextEvent = isAtEvent;
    if (!isAtEvent) life.ending.abort();
    const late = systemClock.sleepUntil(Date.now() + givenUpMs, life.ending.signal).then(
      () => life.ending.abort(),
      () => {}, // It is over.
    );
    await Promise.all([life.ended, late]);
    // Unless somebody has stopped it meanwhile.
    if (this.#current !== life) return;
    this.#current = undefined;
    this.start();
  }

  /** Deals with no event until the moment, and so does not read on. */
  stall(untilMs: number): void {
    this.#stalledUntilMs = untilMs;
  }

  /** Ends the life. */
  async stop(): Promise<void> {
    const life = this.#current;
    this.#current = undefined;
    life?.ending.abort();
    await life?.ended;
  }

  async #live(life: Life, ending: AbortController): Promise<void> {
    const { signal } = ending;
    const mustLive = (): void => {
      if (signal.aborted) throw new Crash("the process is gone");
    };
    const { signer, endpoints, recordSigner, random, way } = this.#setup;
    const transport: TransportKind = way === "grpc-js" ? way : "connect";
    const client = { signer, network: NETWORK, netuid: NETUID, clock: systemClock, transport };
    await followEpochs(
      {
        ...client,
        endpoints,
        recordSigner,
        random,
        verify: verifySr25519,
        log: quietLog,
        ...(way === "deadline" ? { reach: (endpoint: Endpoint) => withDeadline(createClients(endpoint, client)) } : {}),
        tokens: {
          load: async () => this.#kept,
          save: async (token) => {
            mustLive();
            this.#kept = token;
            life.keptMs.push(Date.now());
          },
        },
        onEvent: async (event) => {
          await systemClock.sleepUntil(this.#stalledUntilMs, signal).catch(() => {}); // The next line finds out.
          mustLive();
          life.delivered.push({ atMs: Date.now(), revision: revisionOf(event) });
          if (this.#crashesAtNextEvent) ending.abort();
        },
        observe: ({ stream, message }) => {
          if (!signal.aborted) life.streams[stream]?.messages.push(logged(message));
        },
        observeStream: (seen) => noteStream(life, seen),
      },
      signal,
    );
  }
}

function withDeadline(clients: Clients): Clients {
  const watchEpochs: Clients["epochs"]["watchEpochs"] = (request, call) =>
    clients.epochs.watchEpochs(request, { ...call, timeoutMs: DEADLINE_MS });
  return { ...clients, epochs: { ...clients.epochs, watchEpochs } };
}

function revisionOf(event: FollowedEvent): number {
  return event.kind === "epoch" ? openedAt(event.epoch.number) : closedAt(event.closed.epochNumber);
}

function noteStream({ streams }: Life, seen: SeenStream): void {
  if (seen.happened === "opened") {
    const presented = seen.token.length === 0 ? undefined : positionOf(seen.token);
    streams[seen.stream] = { endpoint: seen.endpoint, openedMs: Date.now(), presented, messages: [] };
    return;
  }
  const stream = streams[seen.stream];
  if (stream !== undefined) stream.ended = endOf(seen.how, seen.error);
}

function endOf(how: string, error: unknown): StreamEnd {
  const atMs = Date.now();
  if (error === undefined) return { atMs, how };
  const { reason, message: text, metadata } = fromConnectError(error);
  const token = metadata.oldest_resume_token;
  if (token === undefined) return { atMs, how, reason, text };
  return { atMs, how, reason, text, oldest: positionOf(new Uint8Array(Buffer.from(token, "base64"))) };
}

function logged({ event, resumeToken }: WatchEpochsResponse): LoggedMessage {
  const common = { atMs: Date.now(), position: positionOf(resumeToken) };
  switch (event.case) {
    case "epoch":
      return { ...common, kind: "epoch", event: epochEvent(event.value) };
    case "closed": {
      const { epochNumber } = event.value;
      return {
        ...common,
        kind: "closed",
        event: { revision: closedAt(epochNumber), digest: closeDigest(event.value) },
      };
    }
    case "started":
      return { ...common, kind: "started", isResumed: event.value.mode === StartMode.RESUMED };
    case "caughtUp":
    case "bookmark":
    case "drain":
      return { ...common, kind: event.case };
    case undefined:
      throw new Error("a message came without content");
  }
}

/** Epochs by digest: all followers see the same few, so each is parsed once. */
const parsed = new Map<string, LogEvent>();

function epochEvent(record: SignedRecord): LogEvent {
  const digest = recordDigest(record);
  const known = parsed.get(digest) ?? { digest, revision: openedAt(fromBinary(EpochSchema, record.payload).number) };
  parsed.set(digest, known);
  return known;
}
