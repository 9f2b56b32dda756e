/**
 * Verifying epochs from records of any source and the chain.
 */
import type { Difference } from "../../core/differences.js";
import { epochIdOf, epochStartMs } from "../../core/epoch-time.js";
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { Block, Chain, VerifySignature } from "../../core/ports.js";
import { missingFromCooldown, ownerChanges } from "../../core/epoch-history.js";
import { firstBlockAtOrAfter } from "../../core/seed-block.js";
import { openRecord } from "../../core/signed-record.js";
import { millisOf } from "../../core/timestamps.js";
import { epochDifferences, epochIn } from "../../core/verify-epoch.js";
import { openSnapshot, snapshotDifferences } from "../../core/verify-snapshot.js";
import { CatalogueChoiceSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import { type Epoch, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import type { RecordSource } from "./source.js";

/** What epochs are verified with. */
export interface Verification {
  readonly source: RecordSource;
  readonly chain: Pick<Chain, "finalizedBlock" | "block">;
  readonly verify: VerifySignature;
  /** The hotkey that must have signed the records. */
  readonly serverHotkey: string;
  readonly network: string;
  readonly netuid: number;
}

/** What became of it. */
export interface EpochVerdict {
  readonly epochId: string;
  /** The epoch as its record says it; undefined where the record holds none. */
  readonly epoch: Epoch | undefined;
  /** Everything that is not as it must be; empty means verified. */
  readonly differences: readonly Difference[];
  /** Whether all that differs may come of the source lacking epochs of the cooldown: then nothing is proven either way. */
  readonly isUndecided: boolean;
  /** Submissions in the snapshot, which was checked too; undefined where the source has no snapshot. */
  readonly submissions: number | undefined;
  /** What a reader should know and what is no fault. */
  readonly notes: readonly string[];
}

/** The first finalized block at or after a moment; undefined while there is none. */
export async function seedBlockAt(
  chain: Verification["chain"],
  timeMs: number,
  signal: AbortSignal,
): Promise<Block | undefined> {
  const newest = await chain.finalizedBlock(signal);
  return firstBlockAtOrAfter(timeMs, newest, (number) => chain.block(number, signal));
}

/** Verifies an epoch, the newest of the source for "". Rejects when source or chain are out of reach, or have no such epoch. */
export async function verifyEpoch(
  verification: Verification,
  epochId: string,
  signal: AbortSignal,
): Promise<EpochVerdict> {
  const { source } = verification;
  const record = await source.epoch(epochId);
  if (record === undefined) {
    throw new ZipnetError("EPOCH_UNKNOWN", `there is no record of ${epochId || "any epoch"} at ${source.name}`);
  }
  const epoch = epochIn(record);
  const recent = epoch === undefined ? { epochs: [], differences: [] } : await epochsBefore(verification, epoch);
  const seedBlock = await blockFor(verification, millisOf(epoch?.startTime), signal);
  const catalogue = epoch === undefined ? undefined : await source.catalogue(epoch.catalogueSha256);
  const { serverHotkey: signer, verify, network, netuid } = verification;
  const evidence = { signer, verify, network, netuid, seedBlock, catalogue, recentEpochs: recent.epochs };
  const isAnother = epochId !== "" && epoch !== undefined && epoch.id !== epochId;
  const another = isAnother ? [otherEpoch(epochId, epoch.id)] : [];
  const closed = epoch === undefined ? undefined : await verifySnapshot(verification, record, epoch, signal);
  const differences = [
    ...another,
    ...epochDifferences(record, evidence),
    ...recent.differences,
    ...(epoch === undefined ? [] : await choiceDifferences(verification, epoch)),
    ...(closed?.differences ?? []),
  ];
  return {
    epochId: epochId || (epoch?.id ?? ""),
    epoch,
    differences,
    isUndecided: epoch !== undefined && isUndecided(epoch, recent.epochs, differences),
    submissions: closed?.submissions,
    notes: epoch === undefined ? [] : notesOn(epoch, recent.epochs),
  };
}

/** Zip codes that come out differently prove nothing where epochs are missing whose zip codes may not be drawn. */
function isUndecided(epoch: Epoch, recentEpochs: readonly Epoch[], differences: readonly Difference[]): boolean {
  const isDraw = ({ field }: Difference): boolean => field.startsWith("zip_codes") || field === "expected_listings";
  return differences.length > 0 && differences.every(isDraw) && missingFromCooldown(epoch, recentEpochs).length > 0;
}

/** Verifies every epoch that the source has from one id to another, ascending, both included. */
export async function* verifyEpochs(
  verification: Verification,
  fromId: string,
  toId: string,
  signal: AbortSignal,
): AsyncGenerator<EpochVerdict> {
  const records = await verification.source.epochs(fromId, toId);
  const ids = records.map((record) => epochIn(record)?.id).filter((id) => id !== undefined);
  for (const id of ids.toSorted()) yield await verifyEpoch(verification, id, signal);
  yield await verifyEpoch(verification, toId, signal);
}

function otherEpoch(asked: string, found: string): Difference {
  return { field: "record", expected: `the record of epoch ${asked}`, found: `that of ${found}` };
}

async function blockFor({ chain }: Verification, timeMs: number, signal: AbortSignal): Promise<Block> {
  const block = await seedBlockAt(chain, timeMs, signal);
  if (block !== undefined) return block;
  const when = new Date(timeMs).toISOString();
  throw new ZipnetError("UNAVAILABLE", `the chain has no finalized block at or after ${when} yet; try again later`);
}

/** The epochs of the cooldown that the source has, and one more; what the server has not signed is told and left out. */
async function epochsBefore({ source, verify, serverHotkey }: Verification, epoch: Epoch) {
  const lengthSeconds = (millisOf(epoch.closeTime) - millisOf(epoch.startTime)) / 1000;
  const epochs: Epoch[] = [];
  const differences: Difference[] = [];
  if (!Number.isInteger(lengthSeconds) || lengthSeconds <= 0) return { epochs, differences };
  const number = millisOf(epoch.startTime) / 1000 / lengthSeconds;
  const first = Math.max(0, Math.ceil(number - Math.max(1, epoch.rules?.cooldownEpochs ?? 0)));
  const fromId = epochIdOf(epochStartMs(first, lengthSeconds));
  for (const record of await source.epochs(fromId, epochIdOf(millisOf(epoch.startTime)))) {
    try {
      epochs.push(openRecord(EpochSchema, record, verify, serverHotkey));
    } catch (error) {
      if (!(error instanceof ZipnetError)) throw error;
      const field = `cooldown[${epochIn(record)?.id ?? "?"}]`;
      differences.push({ field, expected: `an epoch that ${serverHotkey} has signed`, found: messageOf(error) });
    }
  }
  return { epochs, differences };
}

/** The epoch must be drawn from the catalogue that was chosen for it; what the choice rests on is verified elsewhere. */
async function choiceDifferences({ source, verify, serverHotkey }: Verification, epoch: Epoch): Promise<Difference[]> {
  const field = "catalogue_choice";
  const record = await source.choice(epoch.id);
  if (record === undefined) return [];
  try {
    const choice = openRecord(CatalogueChoiceSchema, record, verify, serverHotkey);
    const isFor = choice.epochId === epoch.id && choice.network === epoch.network && choice.netuid === epoch.netuid;
    if (!isFor) return [{ field, expected: `the choice for epoch ${epoch.id}`, found: `that for ${choice.epochId}` }];
    const [expected, found] = [choice.catalogueSha256, epoch.catalogueSha256];
    return expected === found ? [] : [{ field: `${field}.catalogue_sha256`, expected, found }];
  } catch (error) {
    if (!(error instanceof ZipnetError)) throw error;
    return [{ field, expected: `a choice that ${serverHotkey} has signed`, found: messageOf(error) }];
  }
}

async function verifySnapshot(
  verification: Verification,
  record: SignedRecord,
  epoch: Epoch,
  signal: AbortSignal,
): Promise<{ submissions: number; differences: Difference[] } | undefined> {
  const { source, verify, serverHotkey: signer } = verification;
  const snapshotRecord = await source.snapshot(epoch.id);
  if (snapshotRecord === undefined) return undefined;
  const opened = openSnapshot(snapshotRecord, epoch, verify, signer);
  if (!("snapshot" in opened)) return { submissions: 0, differences: [opened] };
  const seedBlock = await blockFor(verification, opened.acceptedUntilMs, signal);
  const differences = snapshotDifferences(opened, record, epoch, seedBlock, verify, signer);
  return { submissions: opened.snapshot.receipts.length, differences };
}

function notesOn(epoch: Epoch, recentEpochs: readonly Epoch[]): string[] {
  const notes: string[] = [];
  const before = recentEpochs.find(({ number }) => number === epoch.number - 1);
  for (const { field, expected, found } of before === undefined ? [] : ownerChanges(before, epoch)) {
    notes.push(`${field} was ${expected} in the epoch before, and is ${found} from this one on`);
  }
  const missing = missingFromCooldown(epoch, recentEpochs).length;
  if (missing > 0) {
    const cooldown = epoch.rules?.cooldownEpochs ?? 0;
    notes.push(
      `the source has no record of ${missing} of the ${cooldown} epochs before it, whose zip codes may not be drawn`,
    );
  }
  return notes;
}
