/** What the tests of this room share: parts that live in memory, epochs, and a server on a free port. */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { signerFromUri, verifySr25519 } from "../adapters/wallet/wallet.js";
import { epochIdOf, epochStartMs } from "../core/epoch-time.js";
import { bytesToHex, hexToBytes, sha256Of } from "../core/hash.js";
import type { Cache, Clock, ObjectStore, Signer, Wallet } from "../core/ports.js";
import { sample } from "../core/samples.test-support.js";
import { sealRecord } from "../core/signed-record.js";
import { EpochSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { EpochService } from "../gen/zipnet/v1/epoch_service_pb.js";
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import { ServerInfoService } from "../gen/zipnet/v1/server_info_service_pb.js";
import { SnapshotSchema } from "../gen/zipnet/v1/submission_pb.js";
import { quietLog } from "../test/support/quiet-log.js";
import { mapCache, mapObjects } from "./memory.test-support.js";
import type { Role } from "./auth/roles.js";
import { epochService } from "./stream/epoch-service.js";
import { type CallerLimits, DEFAULT_PORT_LIMITS } from "./serving/limits.js";
import { type RecordedEpochs, recordedEpochs } from "./epoch-log/recorded-epochs.js";
import { type ResumeTokenOptions, type ResumeTokens, resumeTokens } from "./stream/resume-token.js";
import { type RpcServerOptions, type ServerAuth, startRpcServer } from "./serving/server.js";
import { callerUsage } from "./serving/server-info.js";
import { keyPairOf } from "./auth/session.js";
import type { StreamLimits } from "./serving/stream-limits.js";

/** Length of the tests' epochs. */
export const EPOCH_SECONDS = 100;
/** Number of the tests' first epoch. */
export const FIRST = 1_000_000;
export const NETWORK = "local";
export const NETUID = 46;

export { mapCache } from "./memory.test-support.js";

/** Keys by role; made at the first use, when the signature code is ready. */
export const keys = lazy({ server: "//Server", miner: "//Miner", validator: "//Validator", stranger: "//Stranger" });

function lazy<K extends string>(uris: Record<K, string>): (name: K) => Wallet {
  const made = new Map<K, Wallet>();
  return (name) => {
    const signer = made.get(name) ?? signerFromUri(uris[name]);
    made.set(name, signer);
    return signer;
  };
}

export function idOf(number: number): string {
  return epochIdOf(epochStartMs(number, EPOCH_SECONDS));
}

/** A valid signed epoch. */
export function epochRecord(number: number, more: { signer?: Signer; network?: string } = {}): SignedRecord {
  const startMs = epochStartMs(number, EPOCH_SECONDS);
  const epoch = sample(EpochSchema);
  epoch.number = number;
  epoch.id = idOf(number);
  epoch.network = more.network ?? NETWORK;
  epoch.netuid = NETUID;
  epoch.startTime = timestampFromMs(startMs);
  epoch.closeTime = timestampFromMs(startMs + EPOCH_SECONDS * 1000);
  if (epoch.seedBlock !== undefined) epoch.seedBlock.time = timestampFromMs(startMs + 1_000);
  if (epoch.rules !== undefined) epoch.rules.speedGraceMs = 1_000;
  return sealRecord(EpochSchema, epoch, more.signer ?? keys("server"));
}

/** A valid signed snapshot without receipts. */
export function snapshotRecord(number: number): SignedRecord {
  const snapshot = sample(SnapshotSchema);
  snapshot.epochNumber = number;
  snapshot.epochId = idOf(number);
  snapshot.receipts = [];
  return sealRecord(SnapshotSchema, create(SnapshotSchema, snapshot), keys("server"));
}

/** A log over fresh memory, or over given parts. */
export function logOver(
  clock: Clock,
  more: { objects?: ObjectStore; cache?: Cache; keptEpochs?: number; isRelay?: boolean } = {},
): RecordedEpochs {
  return recordedEpochs({
    objects: more.objects ?? mapObjects(),
    cache: more.cache ?? mapCache(clock),
    clock,
    epochLengthSeconds: EPOCH_SECONDS,
    keptEpochs: more.keptEpochs ?? 10,
    trust: { signer: keys("server").hotkey, verify: verifySr25519 },
    log: quietLog,
    isRelay: more.isRelay ?? false,
  });
}

/** Records epochs first to last, each predecessor's snapshot right after, as the keeper does. */
export async function recordThrough(log: RecordedEpochs, first: number, last: number): Promise<void> {
  for (let number = first; number <= last; number += 1) {
    await log.recordEpoch(epochRecord(number));
    if ((await log.epoch(idOf(number - 1))) !== undefined) await log.recordSnapshot(snapshotRecord(number - 1));
  }
}

/** Everybody's roles in these tests. */
const ROLES_OF: Record<string, readonly Role[]> = { miner: ["miner"], validator: ["miner", "validator"] };

/** Limits that no test reaches that is not about them. */
export const LIMITS: CallerLimits = {
  ...DEFAULT_PORT_LIMITS,
  maxConnectionsPerAddress: 1_000,
  maxRequestBytes: 65_536,
  maxClockDifferenceMs: 5_000,
  maxCallsPerMinute: { miner: 10_000, validator: 10_000, owner: 10_000 },
  maxStreamsPerHotkey: 1_000,
  maxStreamsPerAddress: 1_000,
};

/** The auth part of a server's options. */
export function authOf(clock: Clock, cache: Cache, receiver = keys("server").hotkey): ServerAuth {
  return {
    scope: { receiver, network: NETWORK, netuid: NETUID },
    verify: verifySr25519,
    directory: {
      async rolesOf(hotkey) {
        const name = (["miner", "validator"] as const).find((candidate) => keys(candidate).hotkey === hotkey);
        return name === undefined ? [] : (ROLES_OF[name] ?? []);
      },
    },
    cache,
    clock,
    maxClockDifferenceMs: LIMITS.maxClockDifferenceMs,
    maxCallsPerMinute: { miner: 100, validator: 200, owner: 300 },
  };
}

/** The tokens of the tests' server, or of another issuer. */
export function tokensOf(
  more: Partial<ResumeTokenOptions> & { readonly secrets?: readonly [string, ...string[]] } = {},
): ResumeTokens {
  const { secrets = ["server"], ...rest } = more;
  const [first, ...others] = secrets;
  return resumeTokens({
    network: NETWORK,
    netuid: NETUID,
    recordSigner: keys("server").hotkey,
    keys: [sha256Of(first), ...others.map((secret) => sha256Of(secret))],
    trustsOtherIssuers: false,
    ...rest,
  });
}

/** A running server over a log. */
export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly log: RecordedEpochs;
  readonly cache: ReturnType<typeof mapCache>;
  /** Streams that the hub holds. */
  streams(): number;
  /** Begins to drain. */
  drain(): void;
  /** Drains and waits for the end. */
  stop(): Promise<void>;
}

/** Starts a server of epochs and server info on a free port, or a given one. */
export async function startTestServer(
  clock: Clock,
  more: {
    log?: RecordedEpochs;
    tokens?: ResumeTokens;
    port?: number;
    auth?: Partial<ServerAuth>;
    receiver?: string;
    streamLimits?: StreamLimits;
    bookmarkIntervalMs?: number;
    stallTimeoutMs?: number;
    drainWindowMs?: number;
    options?: Partial<Omit<RpcServerOptions<[]>, "services" | "auth">>;
  } = {},
): Promise<TestServer> {
  const ending = new AbortController();
  const cache = mapCache(clock);
  const log = more.log ?? logOver(clock);
  const { streamLimits } = more;
  const epochs = epochService(log, {
    ...(streamLimits === undefined ? {} : { streamLimits }),
    tokens: more.tokens ?? tokensOf(),
    stallTimeoutMs: more.stallTimeoutMs ?? 60_000,
    random: () => 0,
    log: quietLog,
    bookmarkIntervalMs: more.bookmarkIntervalMs ?? 30_000,
    clock,
    drain: ending.signal,
    drainWindowMs: more.drainWindowMs ?? 0,
  });
  const auth = { ...authOf(clock, cache, more.receiver), ...more.auth };
  const { sessionSecret } = auth;
  const sessionKey = sessionSecret === undefined ? new Uint8Array() : publicKeyOf(sessionSecret);
  const getServerInfo: ServiceImpl<typeof ServerInfoService>["getServerInfo"] = (_request, context) => {
    const info = { receiver: keys("server").hotkey, sessionKey };
    return streamLimits === undefined ? info : { ...info, usage: callerUsage(context, streamLimits) };
  };
  const server = await startRpcServer(
    {
      host: "127.0.0.1",
      port: more.port ?? 0,
      services: [
        { desc: EpochService, ...epochs },
        { desc: ServerInfoService, impl: { getServerInfo } },
      ],
      auth,
      maxRequestBytes: 65_536,
      log: quietLog,
      ...more.options,
    },
    ending.signal,
  );
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    log,
    cache,
    streams: epochs.streams,
    drain: () => ending.abort(),
    stop: async () => {
      ending.abort();
      await server.closed;
    },
  };
}

/** Waits, by giving way to everything else, until a condition holds. */
export async function until(holds: () => boolean): Promise<void> {
  for (const endMs = Date.now() + 10_000; !holds();) {
    if (Date.now() > endMs) throw new Error(`never came true: ${holds.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function publicKeyOf(secret: Uint8Array): Uint8Array {
  return hexToBytes(keyPairOf(secret).publicKey);
}

/** Bytes for comparing. */
export function hex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}
