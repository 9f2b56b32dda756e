/**
 * Where a miner stands, by its state folder alone, whether it runs or not.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { LocalState } from "../../core/ports.js";
import { decodeRecord } from "../../core/signed-record.js";
import { millisOf } from "../../core/timestamps.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { type Manifest, ManifestSchema, type Receipt, ReceiptSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { RECEIPT_PREFIX, newestSavedEpochs, savedWork, workPrefix } from "../work/saved-work.js";

/** Where the work on an epoch stands. Times in unix milliseconds. */
export interface EpochStatus {
  readonly epochId: string;
  readonly closeMs: number;
  /** Zip codes of the assignment. */
  readonly zipCodes: number;
  readonly scraped: number;
  readonly listings: number;
  readonly uploaded: number;
  readonly uploadedBytes: number;
  /** Pages that are kept of searches that are not finished. */
  readonly keptPages: number;
  readonly isSealed: boolean;
  readonly receivedMs: number | undefined;
}

/** The newest epochs that a miner knows of, newest first. */
export async function statusOf(state: LocalState, count: number): Promise<EpochStatus[]> {
  const found: EpochStatus[] = [];
  for (const record of await newestSavedEpochs(state, count)) {
    const epoch = fromBinary(EpochSchema, record.payload);
    const saved = savedWork(state, epoch.id);
    const [scraped, uploaded, receipt] = [await saved.scraped(), await saved.uploaded(), await saved.receipt()];
    found.push({
      epochId: epoch.id,
      closeMs: millisOf(epoch.closeTime),
      zipCodes: epoch.zipCodes.length,
      scraped: scraped.length,
      listings: scraped.reduce((sum, { rows }) => sum + rows, 0),
      uploaded: uploaded.length,
      uploadedBytes: uploaded.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      keptPages: (await state.list(`${workPrefix(epoch.id)}pages/`)).length,
      isSealed: (await saved.manifest()) !== undefined,
      receivedMs: receipt === undefined ? undefined : millisOf(fromBinary(ReceiptSchema, receipt.payload).receivedTime),
    });
  }
  return found;
}

/** A receipt with the manifest that it is for. */
export interface HeldReceipt {
  readonly receipt: Receipt;
  /** Hotkey that signed the receipt. */
  readonly signer: string;
  /** Unix milliseconds. */
  readonly receivedMs: number;
  readonly manifest: Manifest | undefined;
}

/** The newest receipts that a miner holds, newest first. */
export async function heldReceipts(state: LocalState, count: number): Promise<HeldReceipt[]> {
  const held: HeldReceipt[] = [];
  for (const key of (await state.list(RECEIPT_PREFIX)).slice(-count).toReversed()) {
    const bytes = await state.read(key);
    if (bytes === undefined) continue;
    const record = decodeRecord(bytes);
    const receipt = fromBinary(ReceiptSchema, record.payload);
    const manifest = await savedWork(state, receipt.epochId).manifest();
    held.push({
      receipt,
      signer: record.signer,
      receivedMs: receipt.receivedTime === undefined ? 0 : timestampMs(receipt.receivedTime),
      manifest: manifest === undefined ? undefined : fromBinary(ManifestSchema, manifest.payload),
    });
  }
  return held;
}
