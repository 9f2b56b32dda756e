/** skeleton */
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import type { Cache, Clock, Log, ObjectStore } from "../core/ports.js";
import type { EpochLog } from "./epoch-log.js";
export interface RecordedEpochs extends EpochLog {
  recordEpoch(record: SignedRecord): Promise<SignedRecord>;
  recordSnapshot(record: SignedRecord): Promise<SignedRecord>;
  snapshot(epochId: string): Promise<SignedRecord | undefined>;
}
export interface RecordedEpochsOptions {
  readonly objects: ObjectStore;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly epochLengthSeconds: number;
  readonly keptEpochs: number;
  readonly log: Log;
  /** Whether the log may have begun, or have gaps, in the middle of the deployment's life: true on a relay. */
  readonly relay?: boolean;
}
export function recordedEpochs(_options: RecordedEpochsOptions): RecordedEpochs {
  throw new Error("skeleton");
}
