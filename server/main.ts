/**
 * Puts the server together from its settings.
 */
import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { memoryCache } from "../adapters/cache/memory-cache.js";
import { redisCache } from "../adapters/cache/redis-cache.js";
import { openChain } from "../adapters/chain/open.js";
import { systemClock } from "../adapters/clock/system-clock.js";
import { createLog } from "../adapters/log/pino-log.js";
import { openFolderObjects } from "../adapters/objects/folder/folder-objects.js";
import { tryPins } from "../adapters/objects/pins/try-pins.js";
import { folderRetention } from "../adapters/objects/folder/folder-retention.js";
import { s3Objects } from "../adapters/objects/s3/s3-objects.js";
import { s3Retention } from "../adapters/objects/s3/s3-retention.js";
import { parseS3Url } from "../adapters/objects/s3/s3-url.js";
import { loadSigner, verifySr25519 } from "../adapters/wallet/wallet.js";
import type { Cache, DataRetention, Log, ObjectStore } from "../core/ports.js";
import { trustedProxies } from "../rpc/serving/caller-address.js";
import { recordedEpochs } from "../rpc/epoch-log/recorded-epochs.js";
import type { HttpMount } from "../rpc/serving/server.js";
import { storedCatalogues } from "./calibration/catalogues.js";
import { openCatalogue } from "./catalogue.js";
import { type ServerSettings, deploymentOf, limitsOf, objectsPlace, readServerSettings } from "./config.js";
import { epochBook } from "./epoch-book.js";
import { grantLedger } from "./grant-ledger.js";
import { guardPuts } from "./put-guard.js";
import { type ServeConfig, runServer } from "./server.js";
import { tellPins } from "./upload-pins.js";

const RAO_PER_TAO = 1_000_000_000n;

/** Runs the server until the signal. Throws SettingsError for settings that do not make sense. */
export async function main(raw: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<void> {
  const settings = readServerSettings(raw, s3Problem);
  const { epochLengthSeconds, keptEpochs } = settings;
  const log = createLog("server", { format: settings.logFormat, level: settings.logLevel });
  const clock = systemClock;
  const signer = await loadSigner(settings, (warning) => log.warn({}, warning));
  const tls = await readTls(settings);
  const address = addressOf(settings);
  const storeCatalogue = await openCatalogue(settings.catalogue);
  const { store, mounts, retention } = await openObjects(settings, address.url, log);
  const deployment = deploymentOf(settings);
  const chain = await openChain(settings, { clock, log }, signal);
  const cache = await openCache(settings, log);
  try {
    const isCacheShared = settings.cache.kind === "redis";
    const instance = `on ${hostname()} (process ${process.pid}, started ${new Date(clock.now()).toISOString()})`;
    const { objects, run } = await guardPuts({ objects: store, cache, isCacheShared, clock, log, instance });
    // A folder enforces its own grants, and serves none before it listens.
    if (objectsPlace(settings).kind === "s3") await tellPins((ended) => tryPins(store, clock, ended), log);
    const catalogue = await storeCatalogue(objects);
    const verify = verifySr25519;
    const catalogues = storedCatalogues({ objects, signer, verify, epochLengthSeconds, configured: catalogue });
    const trust = { signer: signer.hotkey, verify };
    const epochs = recordedEpochs({ objects, cache, clock, epochLengthSeconds, keptEpochs, trust, log });
    const limits = limitsOf(settings);
    const onListening = (port: number): void => {
      address.listensOn(port);
      const facts = { event: "listening", url: address.url(), hotkey: signer.hotkey, catalogue: catalogue.sha256 };
      log.info(facts, `the server of ${deployment.network}/${deployment.netuid} answers at ${address.url()}`);
    };
    const parts = {
      deployment,
      limits,
      catalogue,
      catalogues,
      verify,
      chain,
      objects,
      cache,
      clock,
      log,
      signer,
      epochs,
      book: epochBook(epochs, objects, verify, signer.hotkey),
      ledger: grantLedger({ cache, objects, clock, limits }),
    };
    const aging = { retention: { store: retention, keepDays: settings.keepDataDays } };
    const config = { ...serveConfigOf(settings), ...aging, tls, mounts, onListening };
    await run(signal, (ended) => runServer(parts, config, ended));
  } finally {
    chain.close();
    await cache.close();
  }
  log.info({ event: "stopped" }, "the server has stopped");
}

function serveConfigOf(settings: ServerSettings): Omit<ServeConfig, "tls" | "mounts" | "onListening" | "retention"> {
  return {
    host: settings.listenHost,
    port: settings.listenPort,
    trusted: trustedProxies(settings.trustedProxies),
    minValidatorStakeRao: BigInt(settings.minValidatorStakeTao) * RAO_PER_TAO,
    metagraphMaxAgeMs: settings.metagraphMaxAgeMs,
    drainWindowMs: settings.drainWindowMs,
    stallTimeoutMs: settings.stallTimeoutMs,
    tokenKeys: settings.tokenKeys,
    random: () => randomInt(2 ** 32) / 2 ** 32,
  };
}

async function readTls({
  tlsCert,
  tlsKey,
}: ServerSettings): Promise<{ cert: Uint8Array; key: Uint8Array } | undefined> {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  return { cert: await readFile(tlsCert), key: await readFile(tlsKey) };
}

/** The address that clients use: the public one, or where the server listens once it does. */
function addressOf({ listenHost, listenPort, publicUrl, tlsCert }: ServerSettings): {
  url(): string;
  listensOn(port: number): void;
} {
  let port = listenPort;
  const host = listenHost.includes(":") ? `[${listenHost}]` : listenHost;
  return {
    url: () => publicUrl ?? `${tlsCert === undefined ? "http" : "https"}://${host}:${port}`,
    listensOn(actual) {
      port = actual;
    },
  };
}

/** What is wrong with an S3 address; undefined when nothing is. */
function s3Problem(url: string): string | undefined {
  try {
    parseS3Url(url);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function openObjects(
  settings: ServerSettings,
  publicUrl: () => string,
  log: Log,
): Promise<{ store: ObjectStore; mounts: readonly HttpMount[]; retention: DataRetention }> {
  const place = objectsPlace(settings);
  if (place.kind === "s3") {
    const bucket = parseS3Url(place.url);
    return { store: s3Objects(bucket, systemClock), mounts: [], retention: s3Retention(bucket) };
  }
  const folder = await openFolderObjects({ dir: place.dir, publicUrl, clock: systemClock, log });
  return { store: folder, mounts: [folder], retention: folderRetention(place.dir) };
}

/** Several deployments may share one Redis: every key begins with the deployment's name. */
async function openCache({ cache, network, netuid }: ServerSettings, log: Log): Promise<Cache> {
  if (cache.kind === "memory") return memoryCache(systemClock);
  return redisCache({ url: cache.url, keyPrefix: `zipnet/${network}/${netuid}/`, log });
}
