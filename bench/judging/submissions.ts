/**
 * Submissions as a validator has them on its disk once they are fetched: made by `node --import tsx
 * bench/judging/submissions.ts FOLDER MINERS`, in a process of its own, so that its memory is not measured.
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { listingFiles } from "../../adapters/parquet/listing-files.js";
import { generatedHomes } from "../../adapters/source/site/generated-homes.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { sha256Hex } from "../../core/hash.js";
import { dataKey } from "../../core/object-keys.js";
import type { LocalState, Wallet } from "../../core/ports.js";
import { defaultRules } from "../../core/rules.js";
import { payloadSha256, sealRecord } from "../../core/signed-record.js";
import { type Epoch, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { ManifestSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { KeptFiles } from "../../validator/judge/kept-files.js";
import { workStore } from "../../validator/judge/work-store.js";
import { NETUID, NETWORK, makeKeys } from "../harness/network.js";

const EPOCH_SECONDS = 14_400;
const START_MS = Date.UTC(2026, 10, 22, 12);
const EPOCH_ID = "20261122T120000Z";
const NONCE = "0123456789abcdef".repeat(2);
/** Listings per zip code: from 53 to 347, and 10,000 in all. */
const COUNTS = Array.from({ length: 50 }, (_, index) => 53 + 6 * index);
/** Listings of a search page, and how long a miner takes for one. */
const PAGE_SIZE = 41;
const PAGE_MS = 2_000;

/** The epoch of the bench; it has no record. */
export function benchEpoch(): Epoch {
  const rules = defaultRules(EPOCH_SECONDS);
  const startTime = timestampFromMs(START_MS);
  const zipCodes = COUNTS.map((expectedListings, index) => ({ zipCode: zipCodeOf(index), expectedListings }));
  const closeTime = timestampFromMs(START_MS + EPOCH_SECONDS * 1000);
  return create(EpochSchema, { id: EPOCH_ID, nonce: NONCE, startTime, closeTime, zipCodes, rules });
}

/** When a miner's receipt is from, unix milliseconds. index: 0 and up. */
export function receivedMs(index: number): number {
  return START_MS + 3_600_000 + index * 20_000;
}

function zipCodeOf(index: number): string {
  return String(10_001 + index * 97).padStart(5, "0");
}

/** What the site shows: the same to every miner. */
function market(): Listing[][] {
  const crowdedZipCodes = new Map(COUNTS.map((count, index) => [zipCodeOf(index), count * 2]));
  const homes = generatedHomes({ seed: "judging", churnPerHourBps: 100, crowdedZipCodes });
  return COUNTS.map((count, index) =>
    homes.onMarket(zipCodeOf(index), START_MS, 0, count).map(({ listing }) => ({
      ...listing,
      url: `https://homes.example.com${listing.url}`,
    })),
  );
}

/** The listings of a zip code as one miner reads them: page by page, at times of its own. */
function asRead(listings: readonly Listing[], miner: number, zipCode: number): Listing[] {
  const firstMs = START_MS + miner * 1_700 + zipCode * 10 * PAGE_MS;
  return listings.map((listing, row) => {
    const scrapedTime = timestampFromMs(firstMs + Math.floor(row / PAGE_SIZE) * PAGE_MS);
    return { ...listing, scrapedTime };
  });
}

/** Files without the wait for the disk that a validator takes when it writes them. */
function quickState(dir: string): LocalState {
  const write = async (key: string, content: Uint8Array): Promise<void> => {
    mkdirSync(dirname(join(dir, key)), { recursive: true });
    writeFileSync(join(dir, key), content);
  };
  return {
    read: () => Promise.resolve(undefined),
    list: () => Promise.resolve([]),
    remove: () => Promise.resolve(),
    write,
    keep: write,
  };
}

async function submit(signer: Wallet, miner: number, shown: readonly Listing[][], kept: KeptFiles) {
  const { hotkey } = signer;
  const objects = shown.map(async (listings, index) => {
    const zipCode = zipCodeOf(index);
    const head = { epochId: EPOCH_ID, nonce: NONCE, hotkey, zipCode };
    const content = listingFiles().encode(head, asRead(listings, miner, index));
    const sha256 = sha256Hex(content);
    const md5 = createHash("md5").update(content).digest("hex");
    const key = dataKey(hotkey, EPOCH_ID, zipCode, sha256);
    const object = { zipCode, key, sizeBytes: content.length, md5, sha256, rows: listings.length };
    await kept.save(EPOCH_ID, hotkey, object, content);
    return object;
  });
  const manifest = { epochId: EPOCH_ID, network: NETWORK, netuid: NETUID, hotkey, nonce: NONCE };
  return sealRecord(ManifestSchema, { ...manifest, objects: await Promise.all(objects) }, signer);
}

async function main(dir: string, miners: number): Promise<void> {
  await readyCrypto();
  const state = quickState(dir);
  const kept = await KeptFiles.open(state, Number.MAX_SAFE_INTEGER);
  const work = workStore(state, EPOCH_ID);
  const shown = market();
  const keys = await makeKeys();
  const hashes: Record<string, string> = {};
  for (const [index, signer] of keys.miners.slice(0, miners).entries()) {
    const manifest = await submit(signer, index, shown, kept);
    await work.saveManifest(signer.hotkey, manifest);
    hashes[signer.hotkey] = payloadSha256(manifest);
  }
  writeFileSync(join(dir, "manifests.json"), JSON.stringify(hashes));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [dir = "", miners = ""] = process.argv.slice(2);
  await main(dir, Number(miners));
}
