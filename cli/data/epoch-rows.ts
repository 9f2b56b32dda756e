/** The rows of the dataset that an epoch gives. */
import { fromBinary } from "@bufbuild/protobuf";
import { type HonestMiner, honestMiners } from "../../core/dataset/honest-miners.js";
import { EpochMerge, type Submitter } from "../../core/dataset/merge.js";
import { ZipnetError } from "../../core/errors.js";
import { sha256Hex } from "../../core/hash.js";
import { rowContext, rowFacts } from "../../core/judging/row-facts.js";
import { Tally } from "../../core/judging/tally.js";
import { manifestKey } from "../../core/object-keys.js";
import type { ListingFiles, ObjectStore } from "../../core/ports.js";
import { decodeRecord, openRecord, payloadSha256 } from "../../core/signed-record.js";
import { millisOf } from "../../core/timestamps.js";
import type { DatasetRow } from "../../gen/zipnet/v1/dataset_pb.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import {
  type Manifest,
  type ManifestObject,
  ManifestSchema,
  type Receipt,
  SnapshotSchema,
} from "../../gen/zipnet/v1/submission_pb.js";
import { type ClosedEpoch, openClosedEpoch } from "../../validator/judge/closed-epoch.js";
import type { RecordSource } from "../epochs/source.js";
import { type TrustOptions, trustedTables } from "./trusted-tables.js";

/** What an epoch is exported with. */
export interface ExportOptions extends TrustOptions {
  readonly source: RecordSource;
  readonly objects: Pick<ObjectStore, "get">;
  readonly files: ListingFiles;
  /** Leave out miners that were not spot checked and found honest. */
  readonly onlyVerified: boolean;
}

/** An epoch's part of the dataset. */
export interface EpochRows {
  readonly epoch: Epoch;
  /** Ascending by zip code and listing id. */
  readonly rows: readonly DatasetRow[];
  /** Miners whose listings were merged. */
  readonly miners: readonly HonestMiner[];
  /** Accepted listings of all of them together. */
  readonly accepted: number;
}

/** Files that are read at the same time. */
const FILES_AT_ONCE = 8;

/**
 * Merges the accepted listings of an epoch's honest miners. Rejects with EPOCH_UNKNOWN, EPOCH_OPEN, OBJECT_MISSING
 * where data or a record is not there (any more), OBJECT_DIFFERS, RECORD_SIGNATURE_INVALID.
 */
export async function readEpochRows(epochId: string, options: ExportOptions, signal: AbortSignal): Promise<EpochRows> {
  const { source, verify, serverHotkey, onlyVerified } = options;
  const epochRecord = await source.epoch(epochId);
  if (epochRecord === undefined) throw new ZipnetError("EPOCH_UNKNOWN", `${source.name} has no epoch ${epochId}`);
  const snapshotRecord = await source.snapshot(epochId);
  if (snapshotRecord === undefined) throw new ZipnetError("EPOCH_OPEN", `epoch ${epochId} has no snapshot yet`);
  const closed = openClosedEpoch(epochRecord, snapshotRecord, verify, serverHotkey);
  const { tables, validatorStakeRao } = await trustedTables(epochId, closed.snapshotSha256, options);
  const honest = honestMiners(tables, validatorStakeRao).filter((miner) => miner.isVerified || !onlyVerified);
  const byHotkey = new Map(honest.map((miner) => [miner.hotkey, miner]));
  const receiptHashes = fromBinary(SnapshotSchema, snapshotRecord.payload).receipts.map(payloadSha256);
  const merge = new EpochMerge(epochId);
  let accepted = 0;
  for (const [index, receipt] of closed.receipts.entries()) {
    const { hotkey } = receipt;
    const miner = byHotkey.get(hotkey);
    if (miner === undefined) continue;
    const receivedMs = millisOf(receipt.receivedTime);
    const submitter = { hotkey, isVerified: miner.isVerified, receivedMs, receiptSha256: receiptHashes[index] ?? "" };
    accepted += await mergeSubmission(merge, submitter, receipt, closed, options, signal);
  }
  return { epoch: closed.epoch, rows: merge.rows(), miners: honest, accepted };
}

/** Adds a miner's accepted listings, by the same rules as the validators; how many they are. */
async function mergeSubmission(
  merge: EpochMerge,
  submitter: Submitter,
  receipt: Receipt,
  { epoch }: ClosedEpoch,
  options: ExportOptions,
  signal: AbortSignal,
): Promise<number> {
  const { objects } = await manifestOf(receipt, options);
  const tally = new Tally();
  let accepted = 0;
  for (let first = 0; first < objects.length; first += FILES_AT_ONCE) {
    signal.throwIfAborted();
    const batch = objects.slice(first, first + FILES_AT_ONCE);
    const contents = await Promise.all(batch.map((object) => listingsOf(object, options)));
    // Of a listing that a miner hands in twice the first counts, so the order is the manifest's.
    for (const [index, { zipCode }] of batch.entries()) {
      const context = rowContext(epoch, submitter.receivedMs, zipCode);
      const listings = contents[index] ?? [];
      const rows = listings.filter((listing) => tally.accepts(zipCode, rowFacts(listing, context)));
      accepted += rows.length;
      merge.add(submitter, rows);
    }
  }
  return accepted;
}

async function manifestOf(receipt: Receipt, { objects, verify }: ExportOptions): Promise<Manifest> {
  const { epochId, hotkey, manifestSha256 } = receipt;
  const key = manifestKey(epochId, hotkey, manifestSha256);
  const bytes = await objects.get(key);
  if (bytes === undefined) throw new ZipnetError("OBJECT_MISSING", `the store has lost ${key}, which a receipt names`);
  const record = decodeRecord(bytes);
  if (payloadSha256(record) !== manifestSha256) {
    throw new ZipnetError("OBJECT_DIFFERS", `${key} is another manifest than the receipt of ${hotkey} names`);
  }
  return openRecord(ManifestSchema, record, verify, hotkey);
}

/** The rows of a file. What nobody can read has none: it cost the miner its points already. */
async function listingsOf({ key, sha256 }: ManifestObject, options: ExportOptions): Promise<readonly Listing[]> {
  const content = await options.objects.get(key);
  if (content === undefined) {
    throw new ZipnetError(
      "OBJECT_MISSING",
      `${key} is not in the store any more; data is kept as long as the owner says`,
    );
  }
  if (sha256Hex(content) !== sha256) throw new ZipnetError("OBJECT_DIFFERS", `${key} is not what its manifest says`);
  try {
    return (await options.files.decode(content)).listings;
  } catch (error) {
    if (error instanceof ZipnetError && error.reason === "FILE_UNREADABLE") return [];
    throw error;
  }
}
