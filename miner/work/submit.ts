/**
 * The submission as a whole: the signed manifest, handing it in, and the receipt for it. Each step resolves with what
 * it means for the work; it rejects only when local state fails or the signal is aborted.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { ZipnetError } from "../../core/errors.js";
import type { VerifySignature } from "../../core/ports.js";
import { openRecord, payloadSha256, sealRecord } from "../../core/signed-record.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { ManifestSchema, type Receipt, ReceiptSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { reached, submissionPostponed } from "./changes.js";
import type { Outcome } from "./collect.js";
import { meaningForFinalizing, reasonOf } from "./failures.js";
import type { EpochParts, EpochSettings } from "./parts.js";
import type { EpochWork } from "./plan.js";
import type { SavedWork } from "./saved-work.js";

/** Signs the manifest of what is uploaded and saves it, so that a restart hands in the same bytes. */
export async function seal(parts: EpochParts, saved: SavedWork, epoch: Epoch): Promise<Outcome> {
  const objects = await saved.uploaded();
  const { id: epochId, network, netuid, nonce } = epoch;
  const manifest = { epochId, network, netuid, nonce, hotkey: parts.signer.hotkey, objects };
  await saved.saveManifest(sealRecord(ManifestSchema, manifest, parts.signer));
  return {
    change: (work) => ({ ...work, submission: "sealed" }),
    event: (work) => ({
      event: "sealed",
      epoch_id: epochId,
      zip_codes: objects.length,
      missing: work.zipCodes.size - objects.length,
      listings: objects.reduce((sum, object) => sum + object.rows, 0),
    }),
  };
}

/** Hands the saved manifest in and saves the receipt. */
export async function finalize(
  parts: EpochParts,
  settings: EpochSettings,
  saved: SavedWork,
  epoch: Epoch,
  signal: AbortSignal,
): Promise<Outcome> {
  const manifest = await saved.manifest();
  if (manifest === undefined) throw new Error(`the saved manifest of epoch ${epoch.id} is gone`);
  let record: SignedRecord;
  let receipt: Receipt;
  try {
    record = await parts.server.finalize(manifest, signal);
    receipt = checkReceipt(record, manifest, expectedOf(parts, settings, epoch), parts.verify);
  } catch (error) {
    signal.throwIfAborted();
    return finalizingFailed(parts, saved, epoch, error);
  }
  await saved.saveReceipt(record);
  return receipted(epoch, manifest, receipt);
}

/** Asks the server for a receipt of ours, after an answer of it was lost or another process finalized. */
export async function askForReceipt(
  parts: EpochParts,
  settings: EpochSettings,
  saved: SavedWork,
  epoch: Epoch,
  signal: AbortSignal,
): Promise<Outcome> {
  let manifest: SignedRecord | undefined;
  let record: SignedRecord | undefined;
  let receipt: Receipt;
  try {
    ({ manifest, receipt: record } = await parts.server.submission(epoch.id, signal));
    if (manifest === undefined || record === undefined) {
      return failed("the server takes nothing more for this epoch and holds no submission of ours");
    }
    openRecord(ManifestSchema, manifest, parts.verify, parts.signer.hotkey);
    receipt = checkReceipt(record, manifest, expectedOf(parts, settings, epoch), parts.verify);
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof ZipnetError && error.reason === "RECORD_SIGNATURE_INVALID"
      ? failed(reasonOf(error))
      : postpone(parts, epoch, reasonOf(error));
  }
  await saved.saveManifest(manifest);
  await saved.saveReceipt(record);
  return receipted(epoch, manifest, receipt);
}

/**
 * The receipt in a record, when it is the server's word on this manifest. Throws RECORD_SIGNATURE_INVALID otherwise:
 * such a receipt would be worth nothing in a dispute.
 */
function checkReceipt(
  record: SignedRecord,
  manifest: SignedRecord,
  expected: { readonly epochId: string; readonly hotkey: string; readonly serverHotkey: string },
  verify: VerifySignature,
): Receipt {
  const receipt = openRecord(ReceiptSchema, record, verify, expected.serverHotkey);
  const wrong = (field: string, value: string, must: string): never => {
    throw new ZipnetError("RECORD_SIGNATURE_INVALID", `the receipt's ${field} is ${value}, but must be ${must}`);
  };
  if (receipt.epochId !== expected.epochId) wrong("epoch", receipt.epochId, expected.epochId);
  if (receipt.hotkey !== expected.hotkey) wrong("hotkey", receipt.hotkey, expected.hotkey);
  const manifestSha256 = payloadSha256(manifest);
  if (receipt.manifestSha256 !== manifestSha256) wrong("manifest", receipt.manifestSha256, manifestSha256);
  return receipt;
}

function expectedOf(parts: EpochParts, settings: EpochSettings, epoch: Epoch) {
  return { epochId: epoch.id, hotkey: parts.signer.hotkey, serverHotkey: settings.serverHotkey };
}

function receipted(epoch: Epoch, manifest: SignedRecord, receipt: Receipt): Outcome {
  const { objects } = fromBinary(ManifestSchema, manifest.payload);
  return {
    change: (work) => ({ ...work, submission: "receipted" }),
    event: () => ({
      event: "finalized",
      epoch_id: epoch.id,
      received_time:
        receipt.receivedTime === undefined ? "" : new Date(timestampMs(receipt.receivedTime)).toISOString(),
      position: receipt.position,
      zip_codes: objects.length,
      listings: objects.reduce((sum, object) => sum + object.rows, 0),
    }),
  };
}

function failed(reason: string): Outcome {
  return { change: (work) => ({ ...work, failed: reason }) };
}

function postpone(parts: EpochParts, epoch: Epoch, reason: string): Outcome {
  return {
    change: (work) => submissionPostponed(work, parts.clock.now(), parts.random()),
    event: () => ({ event: "submission_postponed", epoch_id: epoch.id, reason }),
  };
}

async function finalizingFailed(parts: EpochParts, saved: SavedWork, epoch: Epoch, error: unknown): Promise<Outcome> {
  const reason = reasonOf(error);
  switch (meaningForFinalizing(error)) {
    case "try_again":
      return postpone(parts, epoch, reason);
    case "ask_for_receipt":
      return { change: (work) => ({ ...work, askForReceipt: true }) };
    case "fail":
      return failed(reason);
    case "upload_again":
      return error instanceof ZipnetError ? uploadAgain(parts, saved, epoch, error, reason) : failed(reason);
  }
}

/**
 * The server does not hold what we believe to have uploaded. The manifest was not frozen, so it may change: what is
 * missing is uploaded again, and what lies there with another content is left out.
 */
async function uploadAgain(
  parts: EpochParts,
  saved: SavedWork,
  epoch: Epoch,
  error: ZipnetError,
  reason: string,
): Promise<Outcome> {
  const differs = error.reason === "OBJECT_DIFFERS";
  const objects = await saved.uploaded();
  const named = objects.filter((object) => object.key === error.metadata["key"]);
  if (named.length === 0 && differs) return failed(reason);
  // Of several missing ones the server names only the first. Uploading what is there costs one small answer each.
  const severalMissing = !differs && error.metadata["problem_count"] !== undefined;
  const suspects = named.length === 0 || severalMissing ? objects : named;
  await saved.forgetManifest();
  for (const { zipCode } of suspects) await saved.forgetUploaded(zipCode);
  const stage = differs ? "left_out" : "upload";
  return {
    // The wait stays in force for the next finalize call, so that a server that loses everything is not hammered.
    change: (work) => {
      const waiting: EpochWork = submissionPostponed(work, parts.clock.now(), parts.random());
      const collecting: EpochWork = { ...waiting, submission: "collecting" };
      return suspects.reduce((changed, { zipCode }) => reached(changed, zipCode, stage), collecting);
    },
    event: () => ({ event: "submission_postponed", epoch_id: epoch.id, reason }),
  };
}
