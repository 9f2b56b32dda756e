/**
 * Computing again what a choice of a catalogue and the settlements that it names say. Records in, differences out.
 */
import { create } from "@bufbuild/protobuf";
import { type CatalogueChoice, type Settlement, SettlementSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import { type Catalogue, CatalogueSchema, type Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { encodeCatalogue } from "../catalogue.js";
import { type Difference, differencesBetween } from "../differences.js";
import { CALIBRATION_VERSION, calibrate } from "./calibrate.js";
import { type CountedReport, settle } from "./settle.js";

/** What there is of an epoch that a choice learned from. Signatures are checked already. */
export interface LearnedEvidence {
  readonly epochId: string;
  readonly epoch: Epoch | undefined;
  readonly settlement: Settlement | undefined;
  readonly reports: readonly CountedReport[];
}

/** What a choice is verified with; undefined is what is not to be had. Signatures and hashes are checked already. */
export interface ChoiceEvidence {
  readonly choice: CatalogueChoice;
  /** The choice for the epoch before. */
  readonly before: CatalogueChoice | undefined;
  /** The epoch that the choice is for; undefined also while it is not drawn. */
  readonly epoch: Epoch | undefined;
  /** The catalogue that the choice names. */
  readonly chosen: Catalogue | undefined;
  /** The catalogue that it was made from. */
  readonly previous: Catalogue | undefined;
  /** One per entry of learned_epoch_ids. */
  readonly learned: readonly LearnedEvidence[];
}

const NOTHING = "nothing";

/** Everything about a choice that is not as it must be; empty means verified, as far as the evidence goes. */
export function choiceDifferences(evidence: ChoiceEvidence): Difference[] {
  const { choice, before, epoch, learned } = evidence;
  const differences: Difference[] = [];
  const expect = (field: string, expected: string, found: string): void => {
    if (expected !== found) differences.push({ field, expected, found });
  };
  if (before !== undefined) expect("previous_sha256", before.catalogueSha256, choice.previousSha256);
  if (epoch !== undefined) expect("catalogue_sha256 of the epoch", choice.catalogueSha256, epoch.catalogueSha256);
  if (choice.learnedEpochIds.length === 0) return differences;
  expect("calibration_version", CALIBRATION_VERSION, choice.calibrationVersion);
  differences.push(...learned.flatMap(settlementDifferences));
  // Without one of the settlements everything would differ, which says nothing.
  const isWhole = learned.every(({ settlement }) => settlement !== undefined);
  return isWhole ? [...differences, ...catalogueDifferences(evidence)] : differences;
}

/** What differs between a settlement and what the reports that it names settle. */
function settlementDifferences({ epochId, epoch, settlement, reports }: LearnedEvidence): Difference[] {
  const at = `settlement[${epochId}]`;
  if (settlement === undefined) return [{ field: at, expected: "a settlement of this epoch", found: NOTHING }];
  if (epoch === undefined)
    return [{ field: `epoch[${epochId}]`, expected: "the epoch that was settled", found: NOTHING }];
  const stakes = new Map(settlement.reports.map(({ validator, stakeRao }) => [validator, stakeRao]));
  const named = [...stakes.values()].reduce((sum, stakeRao) => sum + stakeRao, 0n);
  // Those who did not report are known by their sum only.
  if (settlement.validatorStakeRao > named) stakes.set("", settlement.validatorStakeRao - named);
  const { number: epochNumber, id, network, netuid } = epoch;
  const expected = create(SettlementSchema, {
    epochNumber,
    epochId: id,
    network,
    netuid,
    blockNumber: settlement.blockNumber,
    ...settle({ reports, stakes, assigned: new Set(epoch.zipCodes.map(({ zipCode }) => zipCode)) }),
  });
  return differencesBetween(SettlementSchema, expected, settlement, at);
}

function catalogueDifferences({ choice, chosen, previous, learned }: ChoiceEvidence): Difference[] {
  if (previous === undefined) {
    const expected = `the catalogue ${choice.previousSha256}, which it was made from`;
    return [{ field: "previous_sha256", expected, found: NOTHING }];
  }
  const { epochNumber, catalogueSha256, resultCapListings } = choice;
  const settlements = learned.flatMap(({ settlement }) => settlement ?? []);
  const made = encodeCatalogue(calibrate({ catalogue: previous, settlements, epochNumber, resultCapListings }));
  if (made.sha256 === catalogueSha256) return [];
  const named = { field: "catalogue_sha256", expected: made.sha256, found: catalogueSha256 };
  if (chosen === undefined) return [named];
  return [named, ...differencesBetween(CatalogueSchema, made.catalogue, chosen, "catalogue")];
}
