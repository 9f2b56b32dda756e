/**
 * Epochs and their closes, read from records and kept in memory: records never change.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { type EpochClosed, EpochClosedSchema, GetEpochResponseSchema } from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { startMsOfEpochId } from "../../core/epoch-time.js";
import { epochKey, snapshotKey } from "../../core/object-keys.js";
import type { Cache, Clock, Log, ObjectStore } from "../../core/ports.js";
import { payloadSha256 } from "../../core/signed-record.js";
import type { StoredEpoch } from "./epoch-log.js";
import { RecentMap } from "./recent-map.js";
import { type RecordReads, recordReads } from "./record-reads.js";
import type { RecordTrust, TrustedRecord } from "./trusted-records.js";

const KEPT_IN_MEMORY = 512;
/** Encoded answers that are kept: about 512 epochs of 300 zip codes, fewer when they are larger. */
const ENCODED_BYTES_IN_MEMORY = 16 * 1024 * 1024;
/** Snapshots that are kept: many of 256 receipts each. */
const SNAPSHOT_BYTES_IN_MEMORY = 16 * 1024 * 1024;

/** Reads and writes epochs and snapshots; keeps those of the current and the previous epoch in the cache. */
export class StoredEpochs {
  readonly #records: RecordReads;
  readonly #clock: Clock;
  readonly #epochLengthMs: number;
  readonly #epochs = new RecentMap<string, StoredEpoch>(KEPT_IN_MEMORY);
  readonly #encoded = new RecentMap<string, Uint8Array>(ENCODED_BYTES_IN_MEMORY, ({ byteLength }) => byteLength);
  readonly #closed = new RecentMap<string, EpochClosed>(KEPT_IN_MEMORY);
  readonly #snapshots = new RecentMap<string, SignedRecord>(
    SNAPSHOT_BYTES_IN_MEMORY,
    ({ payload }) => payload.byteLength,
  );

  constructor(options: {
    readonly objects: ObjectStore;
    readonly cache: Cache;
    readonly clock: Clock;
    readonly epochLengthSeconds: number;
    readonly trust: RecordTrust;
    readonly log: Log;
  }) {
    const { objects, cache, trust, log } = options;
    this.#clock = options.clock;
    this.#epochLengthMs = options.epochLengthSeconds * 1000;
    this.#records = recordReads({ objects, cache, cacheTtlMs: 3 * this.#epochLengthMs, trust, log });
  }

  /** An epoch; undefined while it is not recorded. */
  async epoch(epochId: string): Promise<StoredEpoch | undefined> {
    const held = this.#epochs.get(epochId);
    if (held !== undefined) return held;
    const record = await this.#records.get(epochKey(epochId), this.#isRecent(epochId));
    return record === undefined ? undefined : this.#keepEpoch(epochId, record);
  }

  /** An epoch as the bytes of a GetEpochResponse without `decoded`; undefined while it is not recorded. Not to be changed. */
  async encodedEpoch(epochId: string): Promise<Uint8Array | undefined> {
    const held = this.#encoded.get(epochId);
    if (held !== undefined) return held;
    const stored = await this.epoch(epochId);
    if (stored === undefined) return undefined;
    const bytes = toBinary(GetEpochResponseSchema, create(GetEpochResponseSchema, { record: stored.record }));
    this.#encoded.set(epochId, bytes);
    return bytes;
  }

  /** As encodedEpoch, of what was encoded before and is still in memory. */
  heldEncodedEpoch(epochId: string): Uint8Array | undefined {
    return this.#encoded.get(epochId);
  }

  /** The close of an epoch; undefined while its snapshot, or the epoch itself, is not recorded. */
  async closed(epochId: string): Promise<EpochClosed | undefined> {
    const held = this.#closed.get(epochId);
    if (held !== undefined) return held;
    if ((await this.epoch(epochId)) === undefined) return undefined;
    const record = await this.snapshot(epochId);
    if (record === undefined) return undefined;
    const closed = closedBy(record);
    this.#closed.set(epochId, closed);
    return closed;
  }

  /** The snapshot of an epoch; undefined while it is not recorded. */
  async snapshot(epochId: string): Promise<SignedRecord | undefined> {
    const held = this.#snapshots.get(epochId);
    if (held !== undefined) return held;
    const record = await this.#records.get(snapshotKey(epochId), this.#isRecent(epochId));
    return record === undefined ? undefined : this.#keepSnapshot(epochId, record);
  }

  /** Takes a record that the store is known to hold, so that it need not be read. */
  hold(trusted: TrustedRecord): void {
    if (trusted.kind === "snapshot") this.#keepSnapshot(trusted.snapshot.epochId, trusted.record);
    else if (this.#epochs.get(trusted.epoch.id) === undefined) this.#keepEpoch(trusted.epoch.id, trusted.record);
  }

  /** Whether the snapshot of an epoch is in memory, or what it said of the close. */
  holdsSnapshot(epochId: string): boolean {
    return (this.#closed.get(epochId) ?? this.#snapshots.get(epochId)) !== undefined;
  }

  /** Writes an epoch unless there is one; answers the one that is stored. */
  async putEpoch(epochId: string, record: SignedRecord): Promise<StoredEpoch> {
    return this.#keepEpoch(epochId, await this.#records.put(epochKey(epochId), record));
  }

  /** Writes a snapshot unless there is one; answers the one that is stored. */
  async putSnapshot(epochId: string, record: SignedRecord): Promise<SignedRecord> {
    return this.#keepSnapshot(epochId, await this.#records.put(snapshotKey(epochId), record));
  }

  #keepEpoch(epochId: string, record: SignedRecord): StoredEpoch {
    const stored = { record, epoch: fromBinary(EpochSchema, record.payload) };
    this.#epochs.set(epochId, stored);
    return stored;
  }

  #keepSnapshot(epochId: string, record: SignedRecord): SignedRecord {
    this.#snapshots.set(epochId, record);
    return record;
  }

  #isRecent(epochId: string): boolean {
    const startMs = startMsOfEpochId(epochId) ?? 0;
    return startMs + 2 * this.#epochLengthMs > this.#clock.now();
  }
}

function closedBy(record: SignedRecord): EpochClosed {
  const { epochNumber, epochId, receipts } = fromBinary(SnapshotSchema, record.payload);
  return create(EpochClosedSchema, {
    epochNumber,
    epochId,
    snapshotSha256: payloadSha256(record),
    receiptCount: receipts.length,
  });
}
