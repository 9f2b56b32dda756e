/**
 * Where records are read from, none of which is trusted: what counts are signatures, hashes and the chain.
 */
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";

/** A place that hands out records as they are. Everything rejects with UNAVAILABLE while it is out of reach. */
export interface RecordSource {
  /** What it is, for people. */
  readonly name: string;
  /** The record of an epoch by id, the newest for ""; undefined where there is none. */
  epoch(epochId: string): Promise<SignedRecord | undefined>;
  /** Records of the epochs from one id to before another, in any order. */
  epochs(fromId: string, beforeId: string): Promise<SignedRecord[]>;
  /** What it has under the name of a catalogue, unchecked; undefined where it has nothing. */
  catalogue(sha256: string): Promise<Uint8Array | undefined>;
  /** The snapshot of an epoch; undefined where there is none, or where it hands none out. */
  snapshot(epochId: string): Promise<SignedRecord | undefined>;
  /** The choice of the catalogue of an epoch, the newest for ""; undefined where there is none. */
  choice(epochId: string): Promise<SignedRecord | undefined>;
  /** The settlement of an epoch; undefined where there is none. */
  settlement(epochId: string): Promise<SignedRecord | undefined>;
  /** All reports on an epoch that it has. */
  reports(epochId: string): Promise<SignedRecord[]>;
  close(): void;
}
