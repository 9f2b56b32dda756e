/**
 * The log of epochs over the records in the object store. Every replica derives the same log from the same records;
 * the cache only saves reads and carries the doorbell.
 *
 * What makes the log settle: an epoch is recorded only while no later one is, and only once the epochs that closed
 * before its predecessor have their snapshots. So nothing at or below newestRevision can still come.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { epochIdOf, epochStartMs } from "../../core/epoch-time.js";
import type { Cache, Clock, Log, ObjectStore } from "../../core/ports.js";
import { encodeRecord } from "../../core/signed-record.js";
import { type EpochIndex, epochIndex } from "./epoch-index.js";
import {
  type EpochLog,
  type EpochLogEvent,
  type PlacedEvent,
  type StoredEpoch,
  type Ticket,
  openedRevision,
} from "./epoch-log.js";
import { LogHead, revisionOf } from "./log-head.js";
import { assertMayOpen } from "./record-order.js";
import { StoredEpochs } from "./stored-epochs.js";
import { type RecordTrust, openTrusted } from "./trusted-records.js";

/** The log, and how to add to it. */
export interface RecordedEpochs extends EpochLog {
  /**
   * Records an epoch; answers the record that is stored, the first one that came. Rejects with EPOCH_CLOSED when a
   * later epoch is recorded already, EPOCH_OPEN when an epoch before the preceding one lacks its snapshot.
   */
  recordEpoch(record: SignedRecord): Promise<SignedRecord>;
  /** Records a snapshot; answers the record that is stored, the first one that came. */
  recordSnapshot(record: SignedRecord): Promise<SignedRecord>;
  /** The snapshot of an epoch; undefined when there is none. */
  snapshot(epochId: string): Promise<SignedRecord | undefined>;
}

/** Where the records are and how long tokens work. */
export interface RecordedEpochsOptions {
  readonly objects: ObjectStore;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly epochLengthSeconds: number;
  /** Epochs that a resume token may be behind. 1 and up. */
  readonly keptEpochs: number;
  /** Whose records count where others than the store's writers can write: in the cache and on the doorbell. */
  readonly trust: RecordTrust;
  readonly log: Log;
  /** Whether records may be missing that the deployment has: true on a relay. Tokens reach back to the last gap only. */
  readonly isRelay?: boolean;
}

/** Topic that rings when a record was added. */
const TOPIC = "epochs";

/** Makes the log. Nothing is read before the first question; a failed read is tried again with the next. */
export function recordedEpochs(options: RecordedEpochsOptions): RecordedEpochs {
  return new EpochRecords(options);
}

class EpochRecords implements RecordedEpochs {
  readonly #options: RecordedEpochsOptions;
  readonly #stored: StoredEpochs;
  readonly #index: EpochIndex;
  readonly #head: LogHead;

  constructor(options: RecordedEpochsOptions) {
    this.#options = options;
    this.#stored = new StoredEpochs(options);
    this.#index = epochIndex(options.objects, options.epochLengthSeconds);
    this.#head = new LogHead({ ...options, stored: this.#stored, index: this.#index });
    options.cache.onRing(TOPIC, (notes) => this.#heard(notes));
  }

  ticket(): Ticket {
    return this.#head.ticket();
  }

  async newestRevision(wanted = 0): Promise<number | undefined> {
    const head = await this.#head.loaded();
    if (head !== undefined && revisionOf(head) >= wanted) return revisionOf(head);
    await this.#head.look();
    return this.#head.known === undefined ? undefined : revisionOf(this.#head.known);
  }

  async oldestRevision(): Promise<number> {
    const head = await this.#head.loaded();
    if (head === undefined) return 0;
    const floor = head.number - this.#options.keptEpochs;
    if (this.#options.isRelay === true) return await this.#oldestOfRelay(head.number, floor);
    const first = (await this.#index.first()) ?? head.number;
    // Until something is dropped, every token that was ever given out still works.
    return floor <= first ? 0 : openedRevision(floor) - 1;
  }

  async next(afterRevision: number): Promise<PlacedEvent | undefined> {
    const head = await this.#head.loaded();
    if (head === undefined) return undefined;
    let revision = afterRevision + 1;
    while (revision <= revisionOf(head)) {
      const event = await this.#eventAt(revision);
      if (event !== undefined) return { revision, event };
      const after = await this.#afterNothingAt(revision);
      if (after === undefined) return undefined;
      revision = after;
    }
    return undefined;
  }

  async epoch(epochId: string): Promise<StoredEpoch | undefined> {
    return await this.#stored.epoch(epochId);
  }

  async encodedEpoch(epochId: string): Promise<Uint8Array | undefined> {
    if (epochId !== "") return await this.#stored.encodedEpoch(epochId);
    const head = await this.#head.newest();
    return head === undefined ? undefined : await this.#stored.encodedEpoch(this.#idOf(head.number));
  }

  heldEncodedEpoch(epochId: string): Uint8Array | undefined {
    if (epochId !== "") return this.#stored.heldEncodedEpoch(epochId);
    const head = this.#head.surelyNewest;
    return head === undefined ? undefined : this.#stored.heldEncodedEpoch(this.#idOf(head.number));
  }

  async newestEpoch(): Promise<StoredEpoch | undefined> {
    const head = await this.#head.newest();
    return head === undefined ? undefined : await this.#stored.epoch(this.#idOf(head.number));
  }

  newestKnownId(): string | undefined {
    const head = this.#head.known;
    return head === undefined ? undefined : this.#idOf(head.number);
  }

  async list(count: number, beforeEpochId?: string): Promise<StoredEpoch[]> {
    const head = beforeEpochId === undefined ? await this.#head.newest() : await this.#head.loaded();
    if (head === undefined) return [];
    const ids = await this.#index.before(beforeEpochId ?? this.#idOf(head.number + 1), count);
    const stored = await Promise.all(ids.map((id) => this.#stored.epoch(id)));
    return stored.filter((epoch) => epoch !== undefined);
  }

  async snapshot(epochId: string): Promise<SignedRecord | undefined> {
    return await this.#stored.snapshot(epochId);
  }

  async recordEpoch(record: SignedRecord): Promise<SignedRecord> {
    const { id, number } = fromBinary(EpochSchema, record.payload);
    if (this.#idOf(number) !== id) throw new TypeError(`epoch ${number} has the id ${this.#idOf(number)}, not ${id}`);
    await this.#head.look();
    const existing = await this.#stored.epoch(id);
    if (existing !== undefined) return existing.record;
    await assertMayOpen(number, this.#head.known?.number ?? number, this.#stored, (earlier) => this.#idOf(earlier));
    const stored = await this.#stored.putEpoch(id, record);
    await this.#changed(number, stored.record);
    return stored.record;
  }

  async recordSnapshot(record: SignedRecord): Promise<SignedRecord> {
    const { epochId } = fromBinary(SnapshotSchema, record.payload);
    const stored = await this.#stored.putSnapshot(epochId, record);
    const head = await this.#head.loaded();
    if (head !== undefined) await this.#changed(head.number, stored);
    return stored;
  }

  /** Where to look on when nothing happened at a revision: over any gap at once, however long it was. */
  async #afterNothingAt(revision: number): Promise<number | undefined> {
    const epochNumber = Math.floor(revision / 2);
    // The close of a recorded epoch is still to come, also where the epoch after it was never drawn: it stands one
    // revision after an opening that is missing, three after its own.
    const closing = revision % 2 === 0 ? epochNumber - 1 : epochNumber;
    if ((await this.#stored.epoch(this.#idOf(closing))) !== undefined) return revision + 1;
    const later = await this.#index.firstAfter(epochNumber);
    return later === undefined ? undefined : openedRevision(later);
  }

  async #eventAt(revision: number): Promise<EpochLogEvent | undefined> {
    if (revision % 2 === 0) {
      const stored = await this.#stored.epoch(this.#idOf(revision / 2));
      return stored === undefined ? undefined : { kind: "epoch", record: stored.record };
    }
    const closed = await this.#stored.closed(this.#idOf((revision - 1) / 2 - 1));
    return closed === undefined ? undefined : { kind: "closed", closed };
  }

  /** A relay knows nothing of what was before a gap, so a token must stand after the gap's last close. */
  async #oldestOfRelay(newest: number, floor: number): Promise<number> {
    let start = newest;
    while (start > floor && (await this.#stored.epoch(this.#idOf(start - 1))) !== undefined) start -= 1;
    return start > floor ? openedRevision(start) + 1 : openedRevision(floor) - 1;
  }

  /**
   * Tells this process's streams first, then the other replicas. The note is the stored record itself: its key follows
   * from what it says, and its signature shows that it is no invention.
   */
  async #changed(epochNumber: number, record: SignedRecord): Promise<void> {
    await this.#head.advanceTo(epochNumber);
    await this.#options.cache.ring(TOPIC, encodeRecord(record)).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, "the other replicas could not be told; they look by themselves");
    });
  }

  /** Another replica has added records. What the notes do not tell is looked for in the store. */
  #heard(notes: readonly Uint8Array[]): void {
    const taken = notes.map((note) => this.#takeNote(note));
    if (taken.length > 0 && taken.every(Boolean)) return;
    this.#head.look().catch((error: unknown) => {
      this.#options.log.warn({ err: error }, "the epoch records are out of reach; they are looked at again later");
    });
  }

  /** Takes the record of a note into memory; whether that told how far the log has got. */
  #takeNote(note: Uint8Array): boolean {
    const opened = openTrusted(note, this.#options.trust);
    const isOurs = opened?.kind === "epoch" ? this.#idOf(opened.epoch.number) === opened.epoch.id : true;
    if (opened === undefined || !isOurs) {
      this.#options.log.warn(
        {},
        "a note of the doorbell is no record of this deployment; the store is looked at instead",
      );
      return false;
    }
    this.#stored.hold(opened);
    if (opened.kind === "epoch") return this.#head.advanceNear(opened.epoch.number);
    return this.#head.settleNear(opened.snapshot.epochNumber);
  }

  #idOf(epochNumber: number): string {
    return epochIdOf(epochStartMs(epochNumber, this.#options.epochLengthSeconds));
  }
}
