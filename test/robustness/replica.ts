/**
 * A server as the suite runs it, in a process of its own: the real one on the real parts, by its own settings, with one
 * mutation where the suite asks for it. Ends with SIGTERM as the server does, and with its standard input.
 */
import { randomInt } from "node:crypto";
import { redisCache } from "../../adapters/cache/redis-cache.js";
import { openChain } from "../../adapters/chain/open.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { createLog } from "../../adapters/log/pino-log.js";
import { openFolderObjects } from "../../adapters/objects/folder/folder-objects.js";
import { loadSigner, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { trustedProxies } from "../../rpc/serving/caller-address.js";
import { recordedEpochs } from "../../rpc/epoch-log/recorded-epochs.js";
import { storedCatalogues } from "../../server/calibration/catalogues.js";
import { openCatalogue } from "../../server/catalogue.js";
import { type ServerSettings, deploymentOf, limitsOf, objectsPlace, readServerSettings } from "../../server/config.js";
import { epochBook } from "../../server/epoch-book.js";
import { grantLedger } from "../../server/grant-ledger.js";
import type { ServerParts } from "../../server/parts.js";
import { type ServeConfig, runServer } from "../../server/server.js";
import { type MutationName, mutated } from "./mutations.js";

/** What a replica is told, as JSON in its first argument. */
export interface ReplicaOptions {
  /** Settings of the server, by environment name. Redis and a folder are asked for. */
  readonly settings: Readonly<Record<string, string>>;
  readonly mutation?: MutationName;
}

async function partsOf(settings: ServerSettings, mutation: MutationName | undefined): Promise<ServerParts> {
  const clock = systemClock;
  const log = createLog("replica", { format: "json", level: "info" });
  const signer = await loadSigner(settings);
  const place = objectsPlace(settings);
  if (place.kind !== "folder" || settings.cache.kind !== "redis") throw new Error("give it Redis and a folder");
  const objects = await openFolderObjects({ dir: place.dir, publicUrl: "http://unused.invalid", clock, log });
  const cache = await redisCache({ url: settings.cache.url, keyPrefix: "zipnet/robustness/", log });
  const { epochLengthSeconds, keptEpochs } = settings;
  const trust = { signer: signer.hotkey, verify: verifySr25519 };
  const sound = recordedEpochs({ objects, cache, clock, epochLengthSeconds, keptEpochs, trust, log });
  const instance = process.pid;
  const epochs = mutation === undefined ? sound : mutated(mutation, { epochs: sound, clock, signer, instance });
  const verify = verifySr25519;
  const catalogue = await (await openCatalogue(settings.catalogue))(objects);
  const limits = limitsOf(settings);
  return {
    deployment: deploymentOf(settings),
    limits,
    catalogue,
    catalogues: storedCatalogues({ objects, signer, verify, epochLengthSeconds, configured: catalogue }),
    chain: await openChain(settings, { clock, log }, new AbortController().signal),
    objects,
    cache,
    clock,
    log,
    signer,
    verify,
    epochs,
    book: epochBook(sound, objects, verify, signer.hotkey),
    ledger: grantLedger({ cache, objects, clock, limits }),
  };
}

function serveConfig(settings: ServerSettings, { log }: ServerParts): ServeConfig {
  const { listenHost: host, listenPort: port, metagraphMaxAgeMs, drainWindowMs, stallTimeoutMs, tokenKeys } = settings;
  return {
    host,
    port,
    metagraphMaxAgeMs,
    drainWindowMs,
    stallTimeoutMs,
    tokenKeys,
    tls: undefined,
    mounts: [],
    trusted: trustedProxies(settings.trustedProxies),
    minValidatorStakeRao: 1n,
    random: () => randomInt(2 ** 32) / 2 ** 32,
    onListening: () => log.info({ event: "listening" }, "the replica listens"),
  };
}

async function main({ settings: raw, mutation }: ReplicaOptions): Promise<void> {
  const ending = new AbortController();
  process.once("SIGTERM", () => ending.abort());
  process.stdin.once("end", () => ending.abort()).resume();
  const settings = readServerSettings(raw);
  const parts = await partsOf(settings, mutation);
  try {
    await runServer(parts, serveConfig(settings, parts), ending.signal);
  } finally {
    process.stdin.destroy();
    await parts.cache.close();
  }
}

await main(JSON.parse(process.argv[2] ?? "{}") as ReplicaOptions);
