/**
 * Records from places that others than the object store's writers can write to, the cache and its doorbell. A record
 * counts there only with the signature of whoever signs this deployment's records; the store's own need no such proof.
 */
import { EpochSchema, type Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { type Snapshot, SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { epochKey, snapshotKey } from "../../core/object-keys.js";
import type { VerifySignature } from "../../core/ports.js";
import { decodeRecord, openRecord } from "../../core/signed-record.js";

/** Whose records count. */
export interface RecordTrust {
  /** Hotkey of the server, which signs epochs and snapshots. */
  readonly signer: string;
  readonly verify: VerifySignature;
}

/** A record of an epoch or a snapshot, opened. Its key follows from what it says, so the two cannot disagree. */
export type TrustedRecord =
  | { readonly kind: "epoch"; readonly key: string; readonly record: SignedRecord; readonly epoch: Epoch }
  | { readonly kind: "snapshot"; readonly key: string; readonly record: SignedRecord; readonly snapshot: Snapshot };

/** Opens bytes that anybody may have put there; undefined unless they are a whole, signed epoch or snapshot. Never throws. */
export function openTrusted(bytes: Uint8Array, { signer, verify }: RecordTrust): TrustedRecord | undefined {
  try {
    const record = decodeRecord(bytes);
    // The signature does not cover what stands beside the record's own fields.
    if (record.$unknown !== undefined) return undefined;
    if (record.type === SnapshotSchema.typeName) {
      const snapshot = openRecord(SnapshotSchema, record, verify, signer);
      return { kind: "snapshot", key: snapshotKey(snapshot.epochId), record, snapshot };
    }
    const epoch = openRecord(EpochSchema, record, verify, signer);
    return { kind: "epoch", key: epochKey(epoch.id), record, epoch };
  } catch {
    return undefined;
  }
}
