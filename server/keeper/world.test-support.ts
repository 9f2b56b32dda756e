/** A world in which keepers can be started, killed and started again: one store, one chain, one clock. */
import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { toBinary } from "@bufbuild/protobuf";
import { memoryCache } from "../../adapters/cache/memory-cache.js";
import { type ManualClock, manualClock } from "../../adapters/clock/manual-clock.js";
import { readyCrypto, signerFromUri, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { encodeCatalogue } from "../../core/catalogue.js";
import { EPOCH_PREFIX, catalogueKey } from "../../core/object-keys.js";
import type { Log, ObjectInfo, ObjectStore } from "../../core/ports.js";
import { defaultRules } from "../../core/rules.js";
import { decodeRecord, payloadSha256 } from "../../core/signed-record.js";
import { CatalogueSchema, type Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { recordedEpochs } from "../../rpc/epoch-log/recorded-epochs.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { runCalibrator } from "../calibration/calibrator.js";
import { type Catalogues, storedCatalogues } from "../calibration/catalogues.js";
import type { NamedCatalogue } from "../parts.js";
import { type ScriptedChain, scriptedChain } from "../scripted-chain.test-support.js";
import { type KeeperParts, runKeeper } from "./keeper.js";

/** Length of an epoch in these tests, in seconds. */
export const LENGTH_SECONDS = 100;
/** Number of the epoch in which the world begins. */
export const FIRST_EPOCH = 20_000_000;
const BLOCK_MS = 12_000;

/** Objects in memory. Grants are not served. */
export function mapStore(): ObjectStore & { readonly content: Map<string, Uint8Array> } {
  const content = new Map<string, Uint8Array>();
  const info = (key: string, bytes: Uint8Array): ObjectInfo => ({
    key,
    sizeBytes: bytes.length,
    md5: createHash("md5").update(bytes).digest("hex"),
  });
  const unsupported = (): Promise<never> => Promise.reject(new Error("no grants here"));
  return {
    content,
    async putIfAbsent(key, bytes) {
      if (content.has(key)) return false;
      content.set(key, bytes);
      return true;
    },
    hasConditionalPuts: async () => true,
    async replace(key, bytes) {
      content.set(key, bytes);
    },
    get: async (key) => content.get(key),
    async head(key) {
      const bytes = content.get(key);
      return bytes === undefined ? undefined : info(key, bytes);
    },
    async *list(prefix, afterKey = "") {
      for (const [key, bytes] of [...content].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
        if (key.startsWith(prefix) && key > afterKey) yield info(key, bytes);
      }
    },
    grantUpload: unsupported,
    grantDownload: unsupported,
  };
}

/** A catalogue of so many zip codes with 100 expected listings each. */
export function evenCatalogue(size: number): NamedCatalogue {
  const { catalogue, sha256 } = encodeCatalogue(
    Array.from({ length: size }, (_, index) => ({
      zipCode: String(10_000 + index),
      state: "WA",
      county: "King",
      place: `Place ${index}`,
      latitudeMicrodegrees: 47_000_000 + 10_000 * index,
      longitudeMicrodegrees: -122_000_000 + 7_000 * ((index * 37) % size),
      expectedListings: 100,
      source: "test",
      asOf: "2026-11-01",
    })),
  );
  return { catalogue, sha256 };
}

/** Rules that draw ten of them, not again for two epochs. */
export function tenZipCodes(more: Partial<Rules> = {}): Rules {
  return Object.assign(defaultRules(LENGTH_SECONDS), { targetListings: 1_000, cooldownEpochs: 2 }, more);
}

/** A process that runs a keeper, and a calibrator where it is asked for. */
interface KeeperProcess {
  readonly catalogues: Catalogues;
  /** Ends it as SIGKILL would: nothing that it still tries to write arrives. */
  kill(): Promise<void>;
}

/** How a process differs from the world's others. */
interface StartOptions {
  readonly wrap?: (store: ObjectStore) => ObjectStore;
  readonly log?: Log;
  readonly rules?: Rules;
  readonly catalogue?: NamedCatalogue;
  /** Runs a calibrator as well, which makes a catalogue of so many epochs. */
  readonly calibrateEveryEpochs?: number;
}

/** The world. */
export interface KeeperWorld {
  readonly clock: ManualClock;
  readonly chain: ScriptedChain;
  readonly store: ReturnType<typeof mapStore>;
  /** Starts a keeper on the store, or on what `wrap` makes of it. */
  start(options?: StartOptions): KeeperProcess;
  /** Moves time from block to block until the condition holds. */
  runUntil(condition: () => boolean, limitMs?: number): Promise<void>;
  /** Hash of what every epoch and snapshot record says, by key. */
  records(): Record<string, string>;
}

/** Makes a world that begins in the middle of FIRST_EPOCH. */
export async function keeperWorld(rules: Rules = tenZipCodes(), catalogueSize = 60): Promise<KeeperWorld> {
  await readyCrypto();
  const clock = manualClock(FIRST_EPOCH * LENGTH_SECONDS * 1000 + 40_000);
  const [network, netuid] = ["local", 1];
  const chain = scriptedChain({ clock, blockMs: BLOCK_MS, offsetMs: 700, network, netuid });
  const store = mapStore();
  const catalogue = evenCatalogue(catalogueSize);
  const signer = signerFromUri("//Server");

  return {
    clock,
    chain,
    store,
    start({ wrap = (plain: ObjectStore): ObjectStore => plain, log = quietLog, ...own } = {}) {
      const abort = new AbortController();
      const cut = cutOff(wrap(store), abort.signal);
      const cache = memoryCache(clock);
      const epochs = recordedEpochs({
        objects: cut,
        cache,
        clock,
        epochLengthSeconds: LENGTH_SECONDS,
        keptEpochs: 10,
        trust: { signer: signer.hotkey, verify: verifySr25519 },
        log: quietLog,
      });
      const deployment = {
        network,
        netuid,
        epochLengthSeconds: LENGTH_SECONDS,
        settleMs: 5_000,
        firstEpoch: 0,
        rules: own.rules ?? rules,
        calibrateEveryEpochs: own.calibrateEveryEpochs ?? 0,
        resultCapListings: 820,
      };
      const configured = own.catalogue ?? catalogue;
      // As a server does before it starts.
      store.content.set(catalogueKey(configured.sha256), toBinary(CatalogueSchema, configured.catalogue));
      const verify = verifySr25519;
      const catalogues = storedCatalogues({
        objects: cut,
        signer,
        verify,
        epochLengthSeconds: LENGTH_SECONDS,
        configured,
      });
      const parts: KeeperParts = {
        catalogue: configured,
        catalogues,
        chain,
        clock,
        deployment,
        epochs,
        log,
        objects: cut,
        signer,
        verify,
      };
      const calibrator = { ...parts, minValidatorStakeRao: 1_000n };
      const running = Promise.all([
        runKeeper(parts, abort.signal),
        ...(own.calibrateEveryEpochs === undefined ? [] : [runCalibrator(calibrator, abort.signal)]),
      ]);
      return {
        catalogues,
        async kill() {
          abort.abort(new Error("killed"));
          await running;
          await cache.close();
        },
      };
    },
    async runUntil(condition, limitMs = 3_000_000) {
      const endMs = clock.now() + limitMs;
      while (!condition()) {
        if (clock.now() > endMs) throw new Error(`still not so after ${limitMs} ms of the clock`);
        await clock.advanceTo(clock.now() + 1_000);
        for (let turn = 0; turn < 5; turn += 1) await nextTurn();
      }
    },
    records() {
      const kept = [...store.content].filter(
        ([key]) => key.startsWith(EPOCH_PREFIX) || key.startsWith("records/snapshot/"),
      );
      return Object.fromEntries(
        kept
          .map(([key, bytes]) => [key, payloadSha256(decodeRecord(bytes))] as const)
          .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      );
    },
  };
}

/** The store as a process sees it that is killed with the signal. */
function cutOff(store: ObjectStore, signal: AbortSignal): ObjectStore {
  const alive = (): void => signal.throwIfAborted();
  return {
    ...store,
    async putIfAbsent(key, bytes, contentType) {
      alive();
      return store.putIfAbsent(key, bytes, contentType);
    },
    async get(key) {
      alive();
      return store.get(key);
    },
  };
}
