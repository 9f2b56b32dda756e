/**
 * The log of epoch events, as WatchEpochs walks it.
 *
 * Every event has a revision that follows from what it says: "epoch N opened" is 2N, "epoch N-1 closed" is 2N + 1. No
 * replica hands revisions out, so a position means the same on every replica, after every restart and on every relay.
 */
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { EpochClosed } from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";

/** Revision of "this epoch opened". */
export function openedRevision(epochNumber: number): number {
  return 2 * epochNumber;
}

/** Revision of "this epoch closed": right after the next epoch opened. */
export function closedRevision(epochNumber: number): number {
  return 2 * (epochNumber + 1) + 1;
}

/** An event of the log. */
export type EpochLogEvent =
  { readonly kind: "epoch"; readonly record: SignedRecord } | { readonly kind: "closed"; readonly closed: EpochClosed };

/** An event and where it stands. */
export interface PlacedEvent {
  readonly revision: number;
  readonly event: EpochLogEvent;
}

/** A stored epoch: the record, and what it says. */
export interface StoredEpoch {
  readonly record: SignedRecord;
  readonly epoch: Epoch;
}

/** A place in the queue before a doorbell. Taken BEFORE reading, so that no ring falls between reading and waiting. */
export interface Ticket {
  /** Calls the listener once, as soon as the bell has rung after the ticket was taken. Returns how to stop. */
  onRing(listener: () => void): () => void;
}

/** The log. All methods may reject with UNAVAILABLE. */
export interface EpochLog {
  /**
   * The newest revision up to which the log is settled: no event at or below it can still come. Undefined while the log
   * is empty. When it is below `wanted`, the store is looked at again before answering.
   */
  newestRevision(wanted?: number): Promise<number | undefined>;
  /** The oldest revision after which every event is still known; what a resume token must reach. */
  oldestRevision(): Promise<number>;
  /** The first event after a revision, up to newestRevision; undefined when there is none. */
  next(afterRevision: number): Promise<PlacedEvent | undefined>;
  /** An epoch by id. */
  epoch(epochId: string): Promise<StoredEpoch | undefined>;
  /**
   * An epoch by id, the newest for "", as the bytes of a GetEpochResponse without `decoded`. Records never change, so
   * these bytes are encoded once and shared by all who ask: nobody may write to them.
   */
  encodedEpoch(epochId: string): Promise<Uint8Array | undefined>;
  /** As encodedEpoch, but at once and from memory only; undefined also when the bytes are just not at hand. */
  heldEncodedEpoch(epochId: string): Uint8Array | undefined;
  /**
   * The newest epoch. Where by the clock a later one may have been recorded than is known here, the store is looked at
   * before answering, so that nobody who has seen it elsewhere is answered an older one.
   */
  newestEpoch(): Promise<StoredEpoch | undefined>;
  /** Id of the newest epoch that is known here; undefined when none is. Never waits for the store. */
  newestKnownId(): string | undefined;
  /** At most `count` epochs, newest first: those before the id where given, otherwise from newestEpoch on. */
  list(count: number, beforeEpochId?: string): Promise<StoredEpoch[]>;
  /** A ticket for the next change. */
  ticket(): Ticket;
}
