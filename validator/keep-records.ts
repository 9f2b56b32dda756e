/**
 * Keeping the server's records for the relay and for judging.
 */
import { ZipnetError } from "../core/errors.js";
import type { Clock, Log, VerifySignature } from "../core/ports.js";
import { openRecord, payloadSha256 } from "../core/signed-record.js";
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import { SnapshotSchema } from "../gen/zipnet/v1/submission_pb.js";
import type { FollowedEvent } from "../rpc/follower/follower.js";
import type { RecordedEpochs } from "../rpc/epoch-log/recorded-epochs.js";
import type { JudgingCalls } from "./server-calls.js";

/** What keeping records needs. */
export interface KeepRecordsOptions {
  readonly epochs: RecordedEpochs;
  readonly server: Pick<JudgingCalls, "snapshot">;
  readonly serverHotkey: string;
  readonly verify: VerifySignature;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Records an event of the stream. Rejects when it could not be recorded now; the event then comes again. The follower
 * has checked the epoch's signature; the snapshot's is checked here.
 */
export async function keepRecord(
  event: FollowedEvent,
  options: KeepRecordsOptions,
  signal: AbortSignal,
): Promise<void> {
  if (event.kind === "closed") {
    const record = await fetchSnapshot(event.closed.epochId, options, signal);
    if (payloadSha256(record) !== event.closed.snapshotSha256) {
      options.log.warn({ epoch_id: event.closed.epochId }, "the stream named another snapshot than the server signed");
    }
    await options.epochs.recordSnapshot(record);
    return;
  }
  await keepEpoch(event.record, event.epoch.id, options, signal);
}

async function keepEpoch(
  record: SignedRecord,
  epochId: string,
  options: KeepRecordsOptions,
  signal: AbortSignal,
): Promise<void> {
  const { epochs, log } = options;
  try {
    await epochs.recordEpoch(record);
    log.info({ event: "epoch", epoch_id: epochId }, `epoch ${epochId} is open`);
  } catch (error) {
    if (!(error instanceof ZipnetError)) throw error;
    // After a long absence the stream begins again in the middle, and an old epoch here may lack its snapshot.
    const missing = error.reason === "EPOCH_OPEN" ? error.metadata["missing_snapshot"] : undefined;
    if (missing !== undefined) {
      await epochs.recordSnapshot(await fetchSnapshot(missing, options, signal));
      return keepEpoch(record, epochId, options, signal);
    }
    // A later epoch is recorded: this one passed while nobody was here to record it.
    if (error.reason !== "EPOCH_CLOSED") throw error;
    log.warn({ epoch_id: epochId }, error.message);
  }
}

async function fetchSnapshot(epochId: string, options: KeepRecordsOptions, signal: AbortSignal): Promise<SignedRecord> {
  const held = await options.epochs.snapshot(epochId);
  if (held !== undefined) return held;
  const record = await options.server.snapshot(epochId, signal);
  const snapshot = openRecord(SnapshotSchema, record, options.verify, options.serverHotkey);
  if (snapshot.epochId === epochId) return record;
  throw new ZipnetError(
    "UNAVAILABLE",
    `the server answered the snapshot of ${snapshot.epochId}, but ${epochId} was asked for`,
  );
}
