/**
 * Verifying the choice of a catalogue from records of any source.
 */
import { type LearnedEvidence, choiceDifferences } from "../../core/calibration/verify-choice.js";
import type { CountedReport } from "../../core/calibration/settle.js";
import { decodeCatalogue } from "../../core/catalogue.js";
import type { Difference } from "../../core/differences.js";
import { epochIdOf, startMsOfEpochId } from "../../core/epoch-time.js";
import { ZipnetError } from "../../core/errors.js";
import { sha256Hex } from "../../core/hash.js";
import type { VerifySignature } from "../../core/ports.js";
import { openRecord, payloadSha256 } from "../../core/signed-record.js";
import { type CatalogueChoice, CatalogueChoiceSchema, SettlementSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import { type Catalogue, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import type { RecordSource } from "./source.js";

/** What a choice is verified with. */
export interface ChoiceVerification {
  readonly source: RecordSource;
  readonly verify: VerifySignature;
  /** The hotkey that must have signed choices, settlements and epochs. */
  readonly serverHotkey: string;
}

/** What became of it. */
export interface ChoiceVerdict {
  readonly choice: CatalogueChoice;
  /** Everything that is not as it must be; empty means verified. */
  readonly differences: readonly Difference[];
  /** Reports that were counted again. */
  readonly reports: number;
}

/**
 * Verifies the choice for an epoch, the newest of the source for "". Rejects with EPOCH_UNKNOWN where there is none,
 * RECORD_SIGNATURE_INVALID where a record is not the server's, UNAVAILABLE where the source is out of reach.
 */
export async function verifyChoice(verification: ChoiceVerification, epochId: string): Promise<ChoiceVerdict> {
  const { source, verify, serverHotkey } = verification;
  const record = await source.choice(epochId);
  if (record === undefined) {
    const which = epochId === "" ? "no choice of a catalogue" : `no choice of the catalogue of epoch ${epochId}`;
    throw new ZipnetError("EPOCH_UNKNOWN", `${source.name} has ${which}`);
  }
  const choice = openRecord(CatalogueChoiceSchema, record, verify, serverHotkey);
  const beforeRecord = await source.choice(idBefore(choice));
  const epochRecord = await source.epoch(choice.epochId);
  const learned: LearnedEvidence[] = [];
  for (const id of choice.learnedEpochIds) learned.push(await evidenceOf(verification, id));
  const differences = choiceDifferences({
    choice,
    before: beforeRecord && openRecord(CatalogueChoiceSchema, beforeRecord, verify, serverHotkey),
    epoch: epochRecord && openRecord(EpochSchema, epochRecord, verify, serverHotkey),
    chosen: await catalogueOf(source, choice.catalogueSha256),
    previous: choice.previousSha256 === "" ? undefined : await catalogueOf(source, choice.previousSha256),
    learned,
  });
  return { choice, differences, reports: learned.reduce((sum, { reports }) => sum + reports.length, 0) };
}

/** Id of the epoch before: epochs are as long as the number and the start say. */
function idBefore({ epochId, epochNumber }: CatalogueChoice): string {
  const startMs = startMsOfEpochId(epochId) ?? 0;
  return epochIdOf(startMs - startMs / Math.max(1, epochNumber));
}

async function evidenceOf(
  { source, verify, serverHotkey }: ChoiceVerification,
  epochId: string,
): Promise<LearnedEvidence> {
  const epoch = await source.epoch(epochId);
  const record = await source.settlement(epochId);
  const settlement = record && openRecord(SettlementSchema, record, verify, serverHotkey);
  const named = new Map(settlement?.reports.map(({ validator, reportSha256 }) => [validator, reportSha256]));
  const reports: CountedReport[] = [];
  for (const report of await source.reports(epochId)) {
    const sha256 = payloadSha256(report);
    // One that came too late to be counted is none of the settlement's.
    if (named.get(report.signer) !== sha256) continue;
    const { table, validator } = openRecord(ReportSchema, report, verify, report.signer);
    reports.push({ validator, sha256, zipCodes: table?.zipCodes ?? [] });
  }
  return { epochId, epoch: epoch && openRecord(EpochSchema, epoch, verify, serverHotkey), settlement, reports };
}

/** A catalogue by its hash; undefined where the source has none whose bytes have it. */
async function catalogueOf(source: RecordSource, sha256: string): Promise<Catalogue | undefined> {
  const bytes = await source.catalogue(sha256);
  return bytes === undefined || sha256Hex(bytes) !== sha256 ? undefined : decodeCatalogue(bytes);
}
