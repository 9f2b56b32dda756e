import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { ZipnetError } from "../../core/errors.js";
import { RECORD_CONTENT_TYPE, dataPrefix, manifestKey, receiptKey, receiptPrefix } from "../../core/object-keys.js";
import type { ObjectStore } from "../../core/ports.js";
import { encodeRecord, payloadSha256, sealRecord } from "../../core/signed-record.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { type Manifest, ReceiptSchema } from "../../gen/zipnet/v1/submission_pb.js";
import type { SubmissionService } from "../../gen/zipnet/v1/submission_service_pb.js";
import { callerOf } from "../../rpc/auth/callers.js";
import { type KnownEpoch, assertOpen } from "../epoch-book.js";
import type { ServerParts } from "../parts.js";
import { type HeldReceipt, readReceipt } from "../submissions.js";
import { assertManifestFits, assertObjectsStored, openManifest } from "./finalize-checks.js";
import { present } from "./present.js";

/** Freezes the caller's submission and answers with its receipt. */
export function finalizeSubmission(parts: ServerParts): ServiceImpl<typeof SubmissionService>["finalizeSubmission"] {
  const { book, clock, log, objects, signer, verify } = parts;
  return async (request, context) => {
    const arrivedMs = clock.now();
    const { hotkey, coldkey } = callerOf(context);
    const record = present(request.manifest, "manifest");
    const manifest = openManifest(record, verify, hotkey);
    const manifestSha256 = payloadSha256(record);
    const epoch = await book.known(manifest.epochId);
    const isSettled = settling(parts, epoch);
    const held = await readReceipt(objects, verify, signer.hotkey, manifest.epochId, hotkey);
    // Before the check of the close: a caller that lost the answer may ask for it again at any time.
    if (held !== undefined) return { receipt: await confirmed(parts, epoch, isSettled, held, manifestSha256) };

    assertOpen(epoch, await book.acceptedUntilMs(epoch, arrivedMs), arrivedMs);
    assertManifestFits(manifest, epoch);
    await assertObjectsStored(objects, dataPrefix(hotkey, manifest.epochId), manifest.objects);
    const key = manifestKey(manifest.epochId, hotkey, manifestSha256);
    await objects.putIfAbsent(key, encodeRecord(record), RECORD_CONTENT_TYPE);
    const written = await writeReceipt(parts, isSettled, manifest, { manifestSha256, arrivedMs, coldkey });
    const { position, objectCount } = written.receipt;
    const facts = { event: "submission_finalized", epoch_id: epoch.epoch.id, hotkey, position, objects: objectCount };
    log.info(facts, `${hotkey} finalized ${objectCount} objects for epoch ${epoch.epoch.id}, as number ${position}`);
    return { receipt: await confirmed(parts, epoch, isSettled, written, manifestSha256) };
  };
}

/**
 * Whether the time for late receipts of an epoch is over. Whether the epoch was extended is asked once the clock is past
 * its close, which it may be for a call that came before.
 */
type IsSettled = () => Promise<boolean>;

function settling({ book, clock, deployment }: ServerParts, epoch: KnownEpoch): IsSettled {
  let acceptedUntilMs: number | undefined;
  return async () => {
    if (clock.now() < epoch.closeMs) return false;
    acceptedUntilMs ??= await book.acceptedUntilMs(epoch, clock.now());
    return clock.now() >= acceptedUntilMs + deployment.settleMs;
  };
}

/** Writes the receipt unless the miner has one; the one that is stored. EPOCH_CLOSED once the epoch is settled. */
async function writeReceipt(
  { objects, signer, verify }: ServerParts,
  isSettled: IsSettled,
  { epochId, hotkey, objects: files }: Manifest,
  { manifestSha256, arrivedMs, coldkey }: { manifestSha256: string; arrivedMs: number; coldkey: string },
): Promise<HeldReceipt> {
  const position = 1 + (await countOf(objects, receiptPrefix(epochId)));
  const record = sealRecord(
    ReceiptSchema,
    {
      epochId,
      hotkey,
      manifestSha256,
      receivedTime: timestampFromMs(arrivedMs),
      position,
      objectCount: files.length,
      totalBytes: files.reduce((sum, file) => sum + BigInt(file.sizeBytes), 0n),
      coldkey,
    },
    signer,
  );
  if (await isSettled()) {
    throw new ZipnetError(
      "EPOCH_CLOSED",
      `epoch ${epochId} closed while the objects were being checked, and its snapshot is being made; finalize earlier in the next epoch`,
      { epoch_id: epochId },
    );
  }
  await objects.putIfAbsent(receiptKey(epochId, hotkey), encodeRecord(record), RECORD_CONTENT_TYPE);
  const stored = await readReceipt(objects, verify, signer.hotkey, epochId, hotkey);
  if (stored === undefined)
    throw new Error(`the store has lost ${receiptKey(epochId, hotkey)}, which was just written`);
  return stored;
}

/**
 * The held receipt, when it is this manifest's and counts. A write that was slow enough to land after the time for
 * late receipts may have missed the snapshot; then only the snapshot can tell.
 */
async function confirmed(
  { book }: ServerParts,
  { epoch }: KnownEpoch,
  isSettled: IsSettled,
  { record, receipt }: HeldReceipt,
  manifestSha256: string,
): Promise<SignedRecord> {
  if (receipt.manifestSha256 !== manifestSha256) {
    throw new ZipnetError(
      "ALREADY_FINALIZED",
      `your submission for epoch ${epoch.id} is finalized with manifest ${receipt.manifestSha256}; this one is ${manifestSha256} and comes too late, go on with the next epoch`,
      { epoch_id: epoch.id, manifest_sha256: receipt.manifestSha256 },
    );
  }
  if (!(await isSettled())) return record;
  const closed = await book.snapshot(epoch.id);
  if (closed === undefined) {
    throw new ZipnetError("UNAVAILABLE", `epoch ${epoch.id} is being closed; ask again in a few seconds`);
  }
  const receiptSha256 = payloadSha256(record);
  if (closed.snapshot.receipts.some((counted) => payloadSha256(counted) === receiptSha256)) return record;
  throw new ZipnetError("EPOCH_CLOSED", `epoch ${epoch.id} closed before your receipt was written; it does not count`, {
    epoch_id: epoch.id,
  });
}

async function countOf(objects: ObjectStore, prefix: string): Promise<number> {
  let count = 0;
  for await (const _ of objects.list(prefix)) count += 1;
  return count;
}
