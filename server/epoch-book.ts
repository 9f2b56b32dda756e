/**
 * Epochs as the calls need them: by id, opened and with their state checked.
 */
import { create, fromBinary } from "@bufbuild/protobuf";
import { submissionsToRead } from "../core/judging/reading.js";
import { millisOf } from "../core/timestamps.js";
import { ZipnetError } from "../core/errors.js";
import type { ObjectStore, VerifySignature } from "../core/ports.js";
import { openRecord, payloadSha256 } from "../core/signed-record.js";
import { type Epoch, EpochSchema, RulesSchema } from "../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import { ReceiptSchema, type Snapshot, SnapshotSchema } from "../gen/zipnet/v1/submission_pb.js";
import { RecentMap } from "../rpc/epoch-log/recent-map.js";
import type { RecordedEpochs } from "../rpc/epoch-log/recorded-epochs.js";
import { extendedUntilMs } from "./extensions.js";

/** An epoch that is recorded. */
export interface KnownEpoch {
  readonly epoch: Epoch;
  readonly zipCodes: ReadonlySet<string>;
  readonly closeMs: number;
}

/** A closed epoch with its snapshot. */
export interface ClosedEpoch extends KnownEpoch {
  readonly snapshotRecord: SignedRecord;
  readonly snapshot: Snapshot;
  /** SHA-256 of the snapshot's payload. */
  readonly snapshotSha256: string;
  /** Miners whose submissions validators read, by the rules. */
  readonly hotkeysToRead: ReadonlySet<string>;
}

/** Where records of epochs are read. */
export type EpochRecords = Pick<RecordedEpochs, "epoch" | "snapshot">;

/** Looks epochs up for the calls. */
export interface EpochBook {
  /** An epoch whatever its state. Rejects with EPOCH_UNKNOWN. */
  known(epochId: string): Promise<KnownEpoch>;
  /** Until when submissions to an epoch are taken: its close, or the end of its extension, looked for once it is past it. */
  acceptedUntilMs(known: KnownEpoch, nowMs: number): Promise<number>;
  /** An epoch with its snapshot. Rejects with EPOCH_UNKNOWN or EPOCH_OPEN. */
  closed(epochId: string): Promise<ClosedEpoch>;
  /** The snapshot of an epoch, where it is closed. */
  snapshot(epochId: string): Promise<ClosedEpoch | undefined>;
}

/** Records never change, so a few opened ones are kept; the current and the previous epoch are all that is busy. */
const KEPT_OPENED = 8;

/** Throws EPOCH_CLOSED unless the moment is before the one from which no submission to the epoch is taken any more. */
export function assertOpen({ epoch }: KnownEpoch, acceptedUntilMs: number, nowMs: number): void {
  if (nowMs < acceptedUntilMs) return;
  const closed = new Date(acceptedUntilMs).toISOString();
  const ago = `${Math.floor((nowMs - acceptedUntilMs) / 1000)} seconds ago`;
  throw new ZipnetError(
    "EPOCH_CLOSED",
    `epoch ${epoch.id} closed at ${closed}, ${ago}, by the server's clock; go on with the newest epoch`,
    { epoch_id: epoch.id, close_time: closed, server_time: new Date(nowMs).toISOString() },
  );
}

function readBy(epoch: Epoch, { receipts, seedBlock }: Snapshot): ReadonlySet<string> {
  const opened = receipts.map(({ payload }) => fromBinary(ReceiptSchema, payload));
  const rules = epoch.rules ?? create(RulesSchema);
  return submissionsToRead(epoch, rules, opened, seedBlock?.hash ?? "");
}

/** The book over the records of a signer; extensions are read from the store itself. */
export function epochBook(
  records: EpochRecords,
  objects: ObjectStore,
  verify: VerifySignature,
  signer: string,
): EpochBook {
  const epochs = new RecentMap<string, KnownEpoch>(KEPT_OPENED);
  const extensions = new RecentMap<string, { readonly untilMs: number }>(KEPT_OPENED);
  const snapshots = new RecentMap<string, ClosedEpoch>(KEPT_OPENED);

  async function known(epochId: string): Promise<KnownEpoch> {
    const kept = epochs.get(epochId);
    if (kept !== undefined) return kept;
    const stored = await records.epoch(epochId);
    if (stored === undefined) {
      throw new ZipnetError("EPOCH_UNKNOWN", `there is no epoch "${epochId}" here; ListEpochs tells which there are`, {
        epoch_id: epochId,
      });
    }
    const epoch = openRecord(EpochSchema, stored.record, verify, signer);
    const closeMs = millisOf(epoch.closeTime);
    const opened = { epoch, closeMs, zipCodes: new Set(epoch.zipCodes.map((zip) => zip.zipCode)) };
    epochs.set(epochId, opened);
    return opened;
  }

  async function snapshot(epochId: string): Promise<ClosedEpoch | undefined> {
    const kept = snapshots.get(epochId);
    if (kept !== undefined) return kept;
    const epoch = await known(epochId);
    const snapshotRecord = await records.snapshot(epochId);
    if (snapshotRecord === undefined) return undefined;
    const opened = openRecord(SnapshotSchema, snapshotRecord, verify, signer);
    const hotkeysToRead = readBy(epoch.epoch, opened);
    const snapshotSha256 = payloadSha256(snapshotRecord);
    const closed = { ...epoch, snapshotRecord, snapshot: opened, snapshotSha256, hotkeysToRead };
    snapshots.set(epochId, closed);
    return closed;
  }

  return {
    known,
    snapshot,
    async acceptedUntilMs({ epoch, closeMs }, nowMs) {
      if (nowMs < closeMs) return closeMs;
      // What the snapshot says holds, also against a replica that was held up and extended the epoch after it.
      const closed = await snapshot(epoch.id);
      if (closed !== undefined) return millisOf(closed.snapshot.acceptedUntil ?? epoch.closeTime);
      const kept = extensions.get(epoch.id);
      if (kept !== undefined) return kept.untilMs;
      const untilMs = await extendedUntilMs({ objects, verify }, signer, epoch.id);
      if (untilMs === undefined) return closeMs;
      extensions.set(epoch.id, { untilMs });
      return untilMs;
    },
    async closed(epochId) {
      const closed = await snapshot(epochId);
      if (closed !== undefined) return closed;
      const { closeMs } = await known(epochId);
      throw new ZipnetError(
        "EPOCH_OPEN",
        `epoch ${epochId} has no snapshot yet; it closes at ${new Date(closeMs).toISOString()} and the snapshot follows a few blocks later; WatchEpochs tells when`,
        { epoch_id: epochId, close_time: new Date(closeMs).toISOString() },
      );
    },
  };
}
