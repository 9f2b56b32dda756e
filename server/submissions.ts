/**
 * A miner's submission in the store: its manifest, its receipt, its progress. Shared by the calls and the status page.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { receiptKey, manifestKey } from "../core/object-keys.js";
import type { Cache, ObjectStore, VerifySignature } from "../core/ports.js";
import { decodeRecord, openRecord } from "../core/signed-record.js";
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import { type Progress, ProgressSchema, type Receipt, ReceiptSchema } from "../gen/zipnet/v1/submission_pb.js";

/** A receipt with its record. */
export interface HeldReceipt {
  readonly record: SignedRecord;
  readonly receipt: Receipt;
}

/** A miner's receipt of an epoch; undefined when it has none. */
export async function readReceipt(
  objects: ObjectStore,
  verify: VerifySignature,
  serverHotkey: string,
  epochId: string,
  hotkey: string,
): Promise<HeldReceipt | undefined> {
  const bytes = await objects.get(receiptKey(epochId, hotkey));
  if (bytes === undefined) return undefined;
  const record = decodeRecord(bytes);
  return { record, receipt: openRecord(ReceiptSchema, record, verify, serverHotkey) };
}

/** The manifest that a receipt names. It was stored before the receipt, so its absence is damage to the store. */
export async function readManifest(objects: ObjectStore, receipt: Receipt): Promise<SignedRecord> {
  const key = manifestKey(receipt.epochId, receipt.hotkey, receipt.manifestSha256);
  const bytes = await objects.get(key);
  if (bytes === undefined) throw new Error(`the store has lost ${key}, which a receipt names`);
  return decodeRecord(bytes);
}

function progressKey(epochId: string, hotkey: string): string {
  return `progress/${epochId}/${hotkey}`;
}

/** Remembers what a miner told last. */
export async function writeProgress(cache: Cache, hotkey: string, progress: Progress, ttlMs: number): Promise<void> {
  await cache.set(progressKey(progress.epochId, hotkey), toBinary(ProgressSchema, progress), ttlMs);
}

/** What a miner told last of an epoch, when it is still remembered. */
export async function readProgress(cache: Cache, epochId: string, hotkey: string): Promise<Progress | undefined> {
  const bytes = await cache.get(progressKey(epochId, hotkey));
  return bytes === undefined ? undefined : fromBinary(ProgressSchema, bytes);
}
