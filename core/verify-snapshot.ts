/**
 * Whether a closed epoch's snapshot is what chain and receipts make of it: closed over the right record, at the right
 * time, and seeded by the block that nobody knew while submissions were taken. Pure.
 */
import type { Epoch } from "../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import { ReceiptSchema, type Snapshot, SnapshotSchema } from "../gen/zipnet/v1/submission_pb.js";
import type { Difference } from "./differences.js";
import { ZipnetError, messageOf } from "./errors.js";
import type { Block, VerifySignature } from "./ports.js";
import { openRecord, payloadSha256 } from "./signed-record.js";
import { millisOf } from "./timestamps.js";

/** A snapshot, opened, and until when submissions to its epoch were taken by its own word, in unix milliseconds. */
export interface OpenedSnapshot {
  readonly snapshot: Snapshot;
  readonly acceptedUntilMs: number;
}

/** Opens a snapshot of an epoch; or tells what is wrong with it. */
export function openSnapshot(
  record: SignedRecord,
  epoch: Epoch,
  verify: VerifySignature,
  signer: string,
): OpenedSnapshot | Difference {
  try {
    const snapshot = openRecord(SnapshotSchema, record, verify, signer);
    return { snapshot, acceptedUntilMs: millisOf(snapshot.acceptedUntil ?? epoch.closeTime) };
  } catch (error) {
    if (!(error instanceof ZipnetError)) throw error;
    return { field: "snapshot", expected: `a snapshot that ${signer} has signed`, found: messageOf(error) };
  }
}

/**
 * Everything that is not as it must be with a snapshot; empty when it is verified.
 *
 * @param seedBlock the first finalized block at or after acceptedUntilMs, as the chain itself has it.
 */
export function snapshotDifferences(
  { snapshot, acceptedUntilMs }: OpenedSnapshot,
  epochRecord: SignedRecord,
  epoch: Epoch,
  seedBlock: Block,
  verify: VerifySignature,
  signer: string,
): Difference[] {
  const [startMs, closeMs] = [millisOf(epoch.startTime), millisOf(epoch.closeTime)];
  const latestMs = closeMs + Math.floor((3 * (closeMs - startMs)) / 4);
  const isExtensionRight = snapshot.acceptedUntil === undefined || acceptedUntilMs > closeMs;
  const time = (timeMs: number): string => new Date(timeMs).toISOString();
  const differences = [
    differing("snapshot.epoch_id", epoch.id, snapshot.epochId),
    differing("snapshot.epoch_number", epoch.number, snapshot.epochNumber),
    differing("snapshot.epoch_sha256", payloadSha256(epochRecord), snapshot.epochSha256),
    differing("snapshot.seed_block.number", seedBlock.number, snapshot.seedBlock?.number),
    differing("snapshot.seed_block.hash", seedBlock.hash, snapshot.seedBlock?.hash),
    differing("snapshot.seed_block.time", time(seedBlock.timeMs), time(millisOf(snapshot.seedBlock?.time))),
  ].filter((difference) => difference !== undefined);
  if (!isExtensionRight || acceptedUntilMs > latestMs) {
    const expected = `the close, ${time(closeMs)}, or up to ${time(latestMs)} for an epoch that was recorded late`;
    differences.push({ field: "snapshot.accepted_until", expected, found: time(acceptedUntilMs) });
  }
  return [...differences, ...receiptDifferences(snapshot, startMs, acceptedUntilMs, verify, signer)];
}

function differing(field: string, expected: string | number, found: string | number | undefined) {
  return expected === found ? undefined : { field, expected: String(expected), found: String(found ?? "nothing") };
}

function receiptDifferences(
  { receipts }: Snapshot,
  startMs: number,
  untilMs: number,
  verify: VerifySignature,
  signer: string,
): Difference[] {
  return receipts.flatMap((record, index): Difference[] => {
    const field = `snapshot.receipts[${index}]`;
    try {
      const receivedMs = millisOf(openRecord(ReceiptSchema, record, verify, signer).receivedTime);
      if (receivedMs >= startMs && receivedMs < untilMs) return [];
      const expected = `from ${new Date(startMs).toISOString()} to before ${new Date(untilMs).toISOString()}`;
      return [{ field: `${field}.received_time`, expected, found: new Date(receivedMs).toISOString() }];
    } catch (error) {
      if (!(error instanceof ZipnetError)) throw error;
      return [{ field, expected: `a receipt that ${signer} has signed`, found: messageOf(error) }];
    }
  });
}
