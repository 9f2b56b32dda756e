/**
 * Extensions of epochs that were recorded late. One is stored before its epoch is, so whoever knows the epoch finds it.
 */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { acceptedUntilMs } from "../core/extension.js";
import { RECORD_CONTENT_TYPE, extensionKey } from "../core/object-keys.js";
import type { Clock, Log, ObjectStore, Signer, VerifySignature } from "../core/ports.js";
import { decodeRecord, encodeRecord, openRecord, sealRecord } from "../core/signed-record.js";
import { millisOf } from "../core/timestamps.js";
import type { Epoch } from "../gen/zipnet/v1/epoch_pb.js";
import { EpochExtensionSchema } from "../gen/zipnet/v1/submission_pb.js";

/** Until when submissions to an epoch are taken, in unix milliseconds; undefined where it ends at its close. */
export async function extendedUntilMs(
  parts: { readonly objects: ObjectStore; readonly verify: VerifySignature },
  serverHotkey: string,
  epochId: string,
): Promise<number | undefined> {
  const bytes = await parts.objects.get(extensionKey(epochId));
  if (bytes === undefined) return undefined;
  const extension = openRecord(EpochExtensionSchema, decodeRecord(bytes), parts.verify, serverHotkey);
  return millisOf(extension.acceptedUntil);
}

/** Extends an epoch that is about to be recorded, where it is so late that miners would have less than half of it. */
export async function extendIfLate(
  parts: { readonly clock: Clock; readonly log: Log; readonly objects: ObjectStore; readonly signer: Signer },
  epoch: Epoch,
): Promise<void> {
  const { clock, log, objects, signer } = parts;
  const closeMs = millisOf(epoch.closeTime);
  const recordedMs = clock.now();
  const untilMs = acceptedUntilMs(millisOf(epoch.startTime), closeMs, recordedMs);
  if (untilMs === closeMs) return;
  const extension = {
    epochNumber: epoch.number,
    epochId: epoch.id,
    recordedTime: timestampFromMs(recordedMs),
    acceptedUntil: timestampFromMs(untilMs),
  };
  const bytes = encodeRecord(sealRecord(EpochExtensionSchema, extension, signer));
  if (!(await objects.putIfAbsent(extensionKey(epoch.id), bytes, RECORD_CONTENT_TYPE))) return;
  const until = new Date(untilMs).toISOString();
  log.warn(
    { event: "epoch_extended", epoch_id: epoch.id, number: epoch.number, accepted_until: until },
    `epoch ${epoch.id} is recorded late, so submissions to it are taken until ${until}`,
  );
}
