/**
 * A closed epoch for tests: signed records, uploaded files and a listing source, all in memory. Every record is real;
 * what the outside answers is scripted.
 */
import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { listingFiles } from "../adapters/parquet/listing-files.js";
import { submittedFiles } from "../adapters/parquet/submitted-files.js";
import { memoryState } from "../adapters/state/memory-state.js";
import { signerFromUri, verifySr25519 } from "../adapters/wallet/wallet.js";
import { encodeCatalogue } from "../core/catalogue.js";
import { ZipnetError } from "../core/errors.js";
import { sha256Hex } from "../core/hash.js";
import {
  CLOSE_MS,
  NONCE,
  SEED_HASH,
  START_MS,
  exampleListings,
  exampleRules,
} from "../core/judging/examples.test-support.js";
import { sampleMetagraph, sampleNeuron } from "../core/metagraph.test-support.js";
import { dataKey } from "../core/object-keys.js";
import type { Chain, Clock, ListingSource, LocalState, LookUp, Metagraph, Signer, Transfer } from "../core/ports.js";
import { openRecord, payloadSha256, sealRecord } from "../core/signed-record.js";
import { EpochSchema, type Rules } from "../gen/zipnet/v1/epoch_pb.js";
import { CreateDownloadGrantsResponseSchema } from "../gen/zipnet/v1/judging_service_pb.js";
import type { Listing } from "../gen/zipnet/v1/listing_pb.js";
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import { GetServerInfoResponseSchema } from "../gen/zipnet/v1/server_info_service_pb.js";
import { type Manifest, ManifestSchema, ReceiptSchema, SnapshotSchema } from "../gen/zipnet/v1/submission_pb.js";
import { quietLog } from "../test/support/quiet-log.js";
import type { JudgeOptions } from "./judge/judge-epoch.js";
import { openClosedEpoch } from "./judge/closed-epoch.js";
import { KeptFiles } from "./judge/kept-files.js";
import { workStore } from "./judge/work-store.js";
import type { JudgingCalls } from "./server-calls.js";

export const NETWORK = "local";
export const NETUID = 1;
export const EPOCH_ID = "20261122T120000Z";
export const LENGTH_MS = CLOSE_MS - START_MS;
const ZIP_CODES = ["98101", "98102"];
const PER_ZIP = 40;

/** What the epoch's zip codes were drawn from. */
export const CATALOGUE = encodeCatalogue(
  ZIP_CODES.map((zipCode) => ({ zipCode, state: "WA", expectedListings: PER_ZIP, source: "test", asOf: "2026-11-01" })),
);

/** What is really on the market. */
const MARKET: ReadonlyMap<string, Listing> = new Map(
  ZIP_CODES.flatMap((zipCode) => exampleListings(zipCode, PER_ZIP)).map((listing) => [listing.listingId, listing]),
);

/** The listings of a zip code, as an honest miner reads them. */
export function honestListings(zipCode: string): Listing[] {
  return [...MARKET.values()].filter((listing) => listing.zipCode === zipCode);
}

/** Listings that nobody offers. */
export function inventedListings(zipCode: string): Listing[] {
  return exampleListings(zipCode, PER_ZIP, 500);
}

/** How a miner behaves. */
export interface MinerScript {
  readonly uri: string;
  /** Minutes after the start when it is done. */
  readonly minute: number;
  readonly listings: (zipCode: string) => readonly Listing[];
  readonly zipCodes?: readonly string[];
  /** Changes the manifest before it is signed. */
  readonly twist?: (manifest: Manifest) => void;
}

/** A clock on which every sleep is over at once: waiting costs no time, but the time waited for passes. */
export function hurriedClock(startMs: number): Clock & { sleptMs: number } {
  let nowMs = startMs;
  const clock = {
    sleptMs: 0,
    now: () => nowMs,
    async sleepUntil(timeMs: number, signal: AbortSignal): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
      clock.sleptMs += Math.max(0, timeMs - nowMs);
      nowMs = Math.max(nowMs, timeMs);
    },
  };
  return clock;
}

/** An epoch with everything that was submitted in it. */
export interface ScriptedEpoch {
  readonly server: Signer;
  readonly epochRecord: SignedRecord;
  readonly snapshotRecord: SignedRecord;
  readonly manifests: ReadonlyMap<string, SignedRecord>;
  /** By key; the address of a key is "mem:" and the key. */
  readonly files: Map<string, Uint8Array>;
  readonly hotkeys: readonly string[];
}

/** Plays the miners' part of an epoch and closes it. */
export function scriptEpoch(miners: readonly MinerScript[], rules: Rules = epochRules()): ScriptedEpoch {
  const server = signerFromUri("//Server");
  const epochRecord = sealEpoch(server, rules, START_MS);
  const files = new Map<string, Uint8Array>();
  const manifests = new Map<string, SignedRecord>();
  const receipts = miners.map((miner) => {
    const signer = signerFromUri(miner.uri);
    const manifest = sealRecord(ManifestSchema, submit(miner, signer.hotkey, files), signer);
    manifests.set(signer.hotkey, manifest);
    const receivedMs = START_MS + miner.minute * 60_000;
    const manifestSha256 = payloadSha256(manifest);
    const receivedTime = timestampFromMs(receivedMs);
    const { objects } = openRecord(ManifestSchema, manifest, verifySr25519, signer.hotkey);
    const totalBytes = objects.reduce((sum, { sizeBytes }) => sum + BigInt(sizeBytes), 0n);
    const size = { objectCount: objects.length, totalBytes, position: 1 };
    const receipt = { epochId: EPOCH_ID, hotkey: signer.hotkey, manifestSha256, receivedTime, ...size };
    return { receivedMs, record: sealRecord(ReceiptSchema, receipt, server) };
  });
  receipts.sort((a, b) => a.receivedMs - b.receivedMs);
  const snapshotRecord = sealSnapshot(
    server,
    epochRecord,
    receipts.map(({ record }) => record),
  );
  return { server, epochRecord, snapshotRecord, manifests, files, hotkeys: [...manifests.keys()] };
}

/** Rules for an epoch of this size. */
export function epochRules(over: Parameters<typeof exampleRules>[0] = {}): Rules {
  return exampleRules({ targetListings: PER_ZIP * ZIP_CODES.length, spotCheckListings: 20, ...over });
}

/** An epoch's record. */
export function sealEpoch(server: Signer, rules: Rules, startMs: number): SignedRecord {
  const epoch = {
    number: startMs / LENGTH_MS,
    id: new Date(startMs).toISOString().replace(/[-:]/g, "").replace(".000", ""),
    network: NETWORK,
    netuid: NETUID,
    startTime: timestampFromMs(startMs),
    closeTime: timestampFromMs(startMs + LENGTH_MS),
    zipCodes: ZIP_CODES.map((zipCode) => ({ zipCode, expectedListings: PER_ZIP, state: "WA", place: "Seattle" })),
    expectedListings: PER_ZIP * ZIP_CODES.length,
    nonce: NONCE,
    seedBlock: { number: 1, hash: "11".repeat(32), time: timestampFromMs(startMs + 3_000) },
    catalogueSha256: CATALOGUE.sha256,
    selectionVersion: "zipnet-draw-v1",
    rules,
  };
  return sealRecord(EpochSchema, epoch, server);
}

/** The snapshot of the scripted epoch. */
export function sealSnapshot(server: Signer, epochRecord: SignedRecord, receipts: SignedRecord[]): SignedRecord {
  const seedBlock = { number: 1_201, hash: SEED_HASH, time: timestampFromMs(CLOSE_MS + 2_000) };
  const epochNumber = START_MS / LENGTH_MS;
  const snapshot = { epochNumber, epochId: EPOCH_ID, epochSha256: payloadSha256(epochRecord), seedBlock, receipts };
  return sealRecord(SnapshotSchema, snapshot, server);
}

function submit(miner: MinerScript, hotkey: string, files: Map<string, Uint8Array>): Manifest {
  const objects = (miner.zipCodes ?? ZIP_CODES).map((zipCode) => {
    const listings = miner.listings(zipCode);
    const content = listingFiles().encode({ epochId: EPOCH_ID, nonce: NONCE, hotkey, zipCode }, listings);
    const sha256 = sha256Hex(content);
    const md5 = createHash("md5").update(content).digest("hex");
    const key = dataKey(hotkey, EPOCH_ID, zipCode, sha256);
    files.set(key, content);
    return { zipCode, key, sizeBytes: content.length, md5, sha256, rows: listings.length };
  });
  const manifest = create(ManifestSchema, {
    epochId: EPOCH_ID,
    network: NETWORK,
    netuid: NETUID,
    hotkey,
    nonce: NONCE,
    objects,
  });
  miner.twist?.(manifest);
  return manifest;
}

/** The server's answers about a scripted epoch, and what was published. */
export function scriptedServer(
  scripted: ScriptedEpoch,
): JudgingCalls & { readonly published: SignedRecord[]; grantCalls: number } {
  const calls = {
    published: [] as SignedRecord[],
    grantCalls: 0,
    info: () =>
      Promise.resolve(
        create(GetServerInfoResponseSchema, {
          network: NETWORK,
          netuid: NETUID,
          recordSigner: scripted.server.hotkey,
          epochLengthSeconds: LENGTH_MS / 1000,
          catalogueSha256: CATALOGUE.sha256,
        }),
      ),
    snapshot: (epochId: string) =>
      epochId === EPOCH_ID
        ? Promise.resolve(scripted.snapshotRecord)
        : Promise.reject(new ZipnetError("EPOCH_OPEN", "open")),
    // Pages of one object, so that every miner goes on over pages.
    downloadGrants(_: string, hotkeys: readonly string[], pageToken: string) {
      calls.grantCalls += 1;
      const all = [...scripted.files.keys()]
        .filter((key) => hotkeys.some((hotkey) => key.includes(`hotkey=${hotkey}/`)))
        .sort();
      const index = Number(pageToken);
      const key = all[index] ?? "";
      const hotkey = /hotkey=(\w+)\//.exec(key)?.[1] ?? "";
      const isFirst = !(all[index - 1] ?? "").includes(hotkey);
      const manifest = scripted.manifests.get(hotkey);
      const submission = {
        hotkey,
        grants: [{ key, url: `mem:${key}` }],
        ...(isFirst && manifest !== undefined ? { manifest } : {}),
      };
      const nextPageToken = index + 1 < all.length ? `${index + 1}` : "";
      return Promise.resolve(create(CreateDownloadGrantsResponseSchema, { submissions: [submission], nextPageToken }));
    },
    catalogue: (sha256: string) =>
      sha256 === CATALOGUE.sha256
        ? Promise.resolve(CATALOGUE.bytes)
        : Promise.reject(new ZipnetError("OBJECT_MISSING", "there is no such catalogue")),
    publish(report: SignedRecord) {
      calls.published.push(report);
      return Promise.resolve();
    },
    async *reports() {
      yield* calls.published;
    },
  };
  return calls;
}

/** Reads the uploaded files. */
export function scriptedTransfer(scripted: ScriptedEpoch): Transfer {
  return {
    put: () => Promise.reject(new Error("a validator uploads nothing")),
    get(url) {
      const content = scripted.files.get(url.slice("mem:".length));
      return content === undefined
        ? Promise.reject(new ZipnetError("OBJECT_MISSING", "gone"))
        : Promise.resolve(content);
    },
  };
}

/** A source that shows the market; `change` says what it shows instead, "silent" for no answer. */
export function scriptedSource(
  change: (listing: Listing | undefined, look: number) => Listing | "silent" | undefined = (listing) => listing,
): ListingSource & { readonly looks: string[] } {
  const looks: string[] = [];
  return {
    name: "scripted",
    looks,
    search: () => {
      throw new Error("a validator searches nothing");
    },
    lookUp(listingId): Promise<LookUp> {
      looks.push(listingId);
      const shown = change(MARKET.get(listingId), looks.length);
      const seen = { url: `http://127.0.0.1/${listingId}`, fetchedTimeMs: CLOSE_MS, httpStatus: 200, pageSha256: "" };
      if (shown === "silent")
        return Promise.resolve({ ...seen, httpStatus: 0, outcome: "unreachable", note: "no answer" });
      if (shown === undefined) return Promise.resolve({ ...seen, httpStatus: 404, outcome: "absent" });
      return Promise.resolve({ ...seen, outcome: "found", listing: shown });
    },
  };
}

/** A subnet with these hotkeys; `over` changes it. */
export function scriptedMetagraph(hotkeys: readonly string[], over: Partial<Metagraph> = {}): Metagraph {
  const validator = { stakeRao: 10n ** 13n, validatorPermit: true };
  return sampleMetagraph(
    hotkeys.map((hotkey, uid) => sampleNeuron(uid, hotkey, validator)),
    {
      block: { number: 1_000, hash: "bb".repeat(32), parentHash: "aa".repeat(32), timeMs: CLOSE_MS },
      network: NETWORK,
      netuid: NETUID,
      nextEpochBlock: 1_300,
      ownerHotkey: hotkeys[0] ?? "",
      ...over,
    },
  );
}

/** A chain that stands still and takes no weights. */
export function stillChain(metagraph: Metagraph): Chain {
  const ended = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  return {
    finalizedBlock: () => Promise.resolve(metagraph.block),
    block: () => Promise.resolve(metagraph.block),
    async *watchFinalized(signal) {
      yield metagraph.block;
      if (!signal.aborted) await ended(signal);
    },
    metagraph: () => Promise.resolve(metagraph),
    setWeights: () => Promise.reject(new Error("no weights are expected")),
    serveAxon: () => Promise.reject(new Error("no address is expected")),
  };
}

/** Everything that judging a scripted epoch needs; `over` replaces parts. */
export async function judgeOptions(
  scripted: ScriptedEpoch,
  over: Partial<JudgeOptions["parts"]> & { state?: LocalState; cacheBytes?: number } = {},
): Promise<JudgeOptions> {
  const { state = memoryState(), cacheBytes = 1_000_000_000, ...parts } = over;
  return {
    parts: {
      clock: hurriedClock(CLOSE_MS + 5_000),
      random: () => 0,
      log: quietLog,
      signer: signerFromUri("//Validator"),
      verify: verifySr25519,
      chain: stillChain(scriptedMetagraph([scripted.server.hotkey])),
      source: scriptedSource(),
      files: submittedFiles(),
      transfer: scriptedTransfer(scripted),
      server: scriptedServer(scripted),
      ...parts,
    },
    config: { network: NETWORK, netuid: NETUID, concurrency: 2 },
    closed: openClosedEpoch(scripted.epochRecord, scripted.snapshotRecord, verifySr25519, scripted.server.hotkey),
    work: workStore(state, EPOCH_ID),
    kept: await KeptFiles.open(state, cacheBytes),
  };
}
