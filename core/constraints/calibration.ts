/** Constraints of zipnet/v1/calibration.proto. */
import {
  type CatalogueChoice,
  CatalogueChoiceSchema,
  CatalogueReason,
  SettledReportSchema,
  type Settlement,
  SettlementSchema,
} from "../../gen/zipnet/v1/calibration_pb.js";
import { anything, ascending, emptyOr, every, integer, list, specified, text, that } from "./combinators.js";
import { epochId, hotkey, netuid, network, sha256 } from "./common.js";
import { constraintsOn, type CrossCheck } from "./message.js";
import { zipCodeCounts } from "./score.js";
import { show } from "./show.js";

const uint64 = that<bigint>((value) => value >= 0n && value < 1n << 64n, "be a whole number of 64 bits");

const checkChoice: CrossCheck<CatalogueChoice> = (choice, at, tell) => {
  const isSame = choice.catalogueSha256 === choice.previousSha256;
  const { CALIBRATED, OWNER, UNCHANGED } = CatalogueReason;
  if (isSame && (choice.reason === OWNER || choice.reason === CALIBRATED)) {
    tell(at("reason"), `is ${CatalogueReason[choice.reason]}`, "be UNCHANGED where the catalogue is the one before");
  }
  if (!isSame && choice.reason === UNCHANGED) {
    const must = `be previous_sha256, ${show(choice.previousSha256)}, where the reason is UNCHANGED`;
    tell(at("catalogue_sha256"), `is ${show(choice.catalogueSha256)}`, must);
  }
  if (choice.reason === OWNER && choice.catalogueSha256 !== choice.importedSha256) {
    const must = "be imported_sha256 where the reason is OWNER";
    tell(at("catalogue_sha256"), `is ${show(choice.catalogueSha256)}`, must);
  }
  const hasLearned = choice.learnedEpochIds.length > 0;
  if (choice.reason === CALIBRATED && !hasLearned) {
    tell(at("learned_epoch_ids"), "has 0 entries", "name the epochs where the reason is CALIBRATED");
  }
  if (hasLearned !== (choice.calibrationVersion !== "") || hasLearned !== choice.resultCapListings > 0) {
    tell(at("calibration_version"), `is ${show(choice.calibrationVersion)}`, "be given where epochs were learned from");
  }
};

/** CatalogueChoice. */
export const catalogueChoice = constraintsOn(
  CatalogueChoiceSchema,
  {
    epochNumber: integer(0),
    epochId,
    network,
    netuid,
    catalogueSha256: sha256,
    previousSha256: emptyOr(sha256),
    reason: specified(CatalogueReason),
    importedSha256: sha256,
    replacedSha256s: list(0, 100, sha256),
    learnedToNumber: integer(0),
    learnedEpochIds: every(
      list(0, 10_000, epochId),
      ascending<string>((id) => id),
    ),
    calibrationVersion: text(0, 100),
    resultCapListings: integer(0, 1_000_000),
  },
  checkChoice,
);

/** SettledReport. */
export const settledReport = constraintsOn(SettledReportSchema, {
  validator: hotkey,
  stakeRao: uint64,
  reportSha256: sha256,
  agrees: anything(),
});

const checkSettlement: CrossCheck<Settlement> = (settlement, at, tell) => {
  const agreeing = settlement.reports.filter((report) => report.agrees).length;
  if (settlement.zipCodes.length > 0 && agreeing === 0) {
    tell(at("zip_codes"), `has ${settlement.zipCodes.length} entries`, "be empty where no report agrees");
  }
};

/** Settlement. */
export const settlement = constraintsOn(
  SettlementSchema,
  {
    epochNumber: integer(0),
    epochId,
    network,
    netuid,
    blockNumber: integer(0),
    validatorStakeRao: uint64,
    reports: every(
      list(0, 65_536, settledReport.check),
      ascending((report) => report.validator, "validator"),
    ),
    zipCodes: zipCodeCounts,
  },
  checkSettlement,
);
