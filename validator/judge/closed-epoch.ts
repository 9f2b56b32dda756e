/**
 * A closed epoch as it is judged: its records, opened and checked against each other.
 */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { ZipnetError } from "../../core/errors.js";
import { submissionsToRead } from "../../core/judging/reading.js";
import type { VerifySignature } from "../../core/ports.js";
import { openRecord, payloadSha256 } from "../../core/signed-record.js";
import { millisOf } from "../../core/timestamps.js";
import { type Epoch, EpochSchema, type Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { type Receipt, ReceiptSchema, SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";

/** The records that a closed epoch is judged by. */
export interface EpochRecords {
  readonly epoch: SignedRecord;
  readonly snapshot: SignedRecord;
}

/** What is judged. */
export interface ClosedEpoch {
  readonly records: EpochRecords;
  readonly epoch: Epoch;
  readonly rules: Rules;
  readonly snapshotSha256: string;
  /** Hash of the block that seeds the sampling. */
  readonly seedBlockHash: string;
  /** One per miner, in the snapshot's order. */
  readonly receipts: readonly Receipt[];
  /** Miners whose submissions are read, by the rules. */
  readonly hotkeysToRead: ReadonlySet<string>;
  /** When the judging period ends: what is out of reach is waited for until then. Unix milliseconds. */
  readonly judgingEndMs: number;
  /** From when on nobody needs the judgement any more. Unix milliseconds. */
  readonly uselessFromMs: number;
}

/** Opens the records of a closed epoch. Throws RECORD_SIGNATURE_INVALID when they are not what they must be. */
export function openClosedEpoch(
  epochRecord: SignedRecord,
  snapshotRecord: SignedRecord,
  verify: VerifySignature,
  serverHotkey: string,
): ClosedEpoch {
  const refuse = (what: string): ZipnetError =>
    new ZipnetError("RECORD_SIGNATURE_INVALID", `the snapshot cannot be judged: ${what}`);
  const epoch = openRecord(EpochSchema, epochRecord, verify, serverHotkey);
  const snapshot = openRecord(SnapshotSchema, snapshotRecord, verify, serverHotkey);
  const { rules, startTime, closeTime } = epoch;
  if (rules === undefined || startTime === undefined || closeTime === undefined || snapshot.seedBlock === undefined) {
    throw refuse(`epoch ${epoch.id} is incomplete`);
  }
  if (snapshot.epochSha256 !== payloadSha256(epochRecord))
    throw refuse(`it closes another record than that of ${epoch.id}`);
  const receipts = snapshot.receipts.map((record) => openRecord(ReceiptSchema, record, verify, serverHotkey));
  const foreign = receipts.find((receipt) => receipt.epochId !== epoch.id);
  if (foreign !== undefined) throw refuse(`it holds ${foreign.hotkey}'s receipt of epoch ${foreign.epochId}`);
  if (new Set(receipts.map((receipt) => receipt.hotkey)).size < receipts.length)
    throw refuse("a miner has two receipts");
  const [startMs, closeMs] = [timestampMs(startTime), timestampMs(closeTime)];
  return {
    records: { epoch: epochRecord, snapshot: snapshotRecord },
    epoch,
    rules,
    snapshotSha256: payloadSha256(snapshotRecord),
    seedBlockHash: snapshot.seedBlock.hash,
    receipts,
    hotkeysToRead: submissionsToRead(epoch, rules, receipts, snapshot.seedBlock.hash),
    judgingEndMs: closeMs + (closeMs - startMs),
    uselessFromMs: closeMs + 2 * (closeMs - startMs),
  };
}

/**
 * Until when a source that is out of reach is waited for, in unix milliseconds: a sixteenth of the judging period before
 * its end. Whoever could ask the source has published by then, and the rest is for taking over what the others found.
 */
export function sourceDeadlineMs({ epoch, judgingEndMs }: Pick<ClosedEpoch, "epoch" | "judgingEndMs">): number {
  return judgingEndMs - Math.floor((judgingEndMs - millisOf(epoch.closeTime)) / 16);
}
