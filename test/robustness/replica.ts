/**
 * A server as the suite runs it, in a process of its own: the real one on the real parts, with epochs of a second, and
 * with one mutation where the suite asks for it. Ends with SIGTERM as the server does, and with its standard input.
 */
import {
  memoryCatalogue,
  EPOCH_SECONDS,
  NETUID,
  NETWORK,
  SERVER_URI,
  TARGET_LISTINGS,
  TOKEN_KEYS,
} from "./deployment.js";
import { randomInt } from "node:crypto";
import { redisCache } from "../../adapters/cache/redis-cache.js";
import { localChain } from "../../adapters/chain/local/client.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { createLog } from "../../adapters/log/pino-log.js";
import { openFolderObjects } from "../../adapters/objects/folder/folder-objects.js";
import { readyCrypto, signerFromUri, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { defaultRules } from "../../core/rules.js";
import { recordedEpochs } from "../../rpc/recorded-epochs.js";
import { epochBook } from "../../server/epoch-book.js";
import type { ServerParts } from "../../server/parts.js";
import { runServer } from "../../server/server.js";
import { type MutationName, mutated } from "./mutations.js";

/** What a replica is told, as JSON in its first argument. */
export interface ReplicaOptions {
  readonly port: number;
  /** Folder of the object store. */
  readonly objects: string;
  readonly redisUrl: string;
  readonly chainUrl: string;
  readonly keptEpochs: number;
  readonly bookmarkIntervalMs: number;
  readonly drainWindowMs: number;
  readonly stallTimeoutMs: number;
  /** Index of the key that makes tokens; all are accepted. */
  readonly tokenKey: 0 | 1;
  readonly mutation?: MutationName;
}

async function partsOf(options: ReplicaOptions): Promise<ServerParts> {
  await readyCrypto();
  const clock = systemClock;
  const log = createLog("replica", { format: "json", level: "info" });
  const signer = signerFromUri(SERVER_URI);
  const publicUrl = `http://127.0.0.1:${options.port}`;
  const objects = await openFolderObjects({ dir: options.objects, publicUrl, clock, log });
  const cache = await redisCache({ url: options.redisUrl, keyPrefix: "zipnet/robustness/", log });
  const { keptEpochs, bookmarkIntervalMs, mutation } = options;
  const trust = { signer: signer.hotkey, verify: verifySr25519 };
  const honest = recordedEpochs({ objects, cache, clock, epochLengthSeconds: EPOCH_SECONDS, keptEpochs, trust, log });
  const instance = process.pid;
  const epochs = mutation === undefined ? honest : mutated(mutation, { epochs: honest, clock, signer, instance });
  const rules = Object.assign(defaultRules(EPOCH_SECONDS), { targetListings: TARGET_LISTINGS, cooldownEpochs: 2 });
  return {
    deployment: {
      network: NETWORK,
      netuid: NETUID,
      epochLengthSeconds: EPOCH_SECONDS,
      rules,
      settleMs: 100,
      firstEpoch: 0,
    },
    limits: {
      maxRequestBytes: 65_536,
      maxClockDifferenceMs: 30_000,
      maxCallsPerMinute: 1_000_000,
      grantTtlSeconds: 10,
      bookmarkIntervalMs,
      keptEpochs,
    },
    catalogue: memoryCatalogue(),
    chain: localChain({ url: options.chainUrl, clock }),
    objects,
    cache,
    clock,
    log,
    signer,
    verify: verifySr25519,
    epochs,
    // The keeper goes by what is on record, whatever the streams are told.
    book: epochBook(honest, verifySr25519, signer.hotkey),
  };
}

async function main(options: ReplicaOptions): Promise<void> {
  const ending = new AbortController();
  process.once("SIGTERM", () => ending.abort());
  process.stdin.once("end", () => ending.abort()).resume();
  const parts = await partsOf(options);
  const serve = {
    host: "127.0.0.1",
    port: options.port,
    tls: undefined,
    mounts: [],
    minValidatorStakeRao: 1n,
    metagraphMaxAgeMs: 60_000,
    drainWindowMs: options.drainWindowMs,
    stallTimeoutMs: options.stallTimeoutMs,
    tokenKeys: [TOKEN_KEYS[options.tokenKey], TOKEN_KEYS[1 - options.tokenKey] ?? TOKEN_KEYS[0]] as const,
    random: () => randomInt(2 ** 32) / 2 ** 32,
    onListening: () => parts.log.info({ event: "listening" }, "the replica listens"),
  };
  try {
    await runServer(parts, serve, ending.signal);
  } finally {
    process.stdin.destroy();
    await parts.cache.close();
  }
}

await main(JSON.parse(process.argv[2] ?? "{}") as ReplicaOptions);
