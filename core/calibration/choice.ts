/**
 * Which catalogue an epoch is drawn from: a pure decision from the choice before it, made once per epoch.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type CatalogueChoice,
  CatalogueReason,
  type CatalogueChoiceSchema,
} from "../../gen/zipnet/v1/calibration_pb.js";
import { CALIBRATION_VERSION } from "./calibrate.js";

/** An epoch is settled when the epoch so many later runs: reports that came with the end of judging are in, too. */
export const EPOCHS_UNTIL_SETTLED = 3;
/** Replaced imports that are remembered. */
const KEPT_REPLACED = 100;

/** A catalogue that was made from the one of the choice before. */
export interface Calibrated {
  readonly catalogueSha256: string;
  /** Epochs that it was learned from, ascending. */
  readonly epochIds: readonly string[];
  readonly resultCapListings: number;
}

/** What a choice is made from. */
export interface ChoiceInput {
  readonly network: string;
  readonly netuid: number;
  readonly epochNumber: number;
  readonly epochId: string;
  /**
   * Whether the epoch has begun: then it is too late for any change, since who derives the epoch without the server does it
   * from the catalogue that was announced.
   */
  readonly hasBegun: boolean;
  /** Undefined before the first choice. */
  readonly previous: CatalogueChoice | undefined;
  /** Name of the catalogue that this replica's settings name. */
  readonly configuredSha256: string;
  /** Given where calibrationDue says so and the epochs are learned from. */
  readonly calibrated?: Calibrated;
}

/** Number of the newest epoch that a choice for an epoch may learn from. The choice is made while the epoch before runs. */
export function settledTo(epochNumber: number): number {
  return epochNumber - 1 - EPOCHS_UNTIL_SETTLED;
}

/** Whether the catalogue of an epoch is to be calibrated: every so many settled epochs; 0 for never. */
export function calibrationDue(previous: CatalogueChoice, epochNumber: number, everyEpochs: number): boolean {
  return everyEpochs > 0 && settledTo(epochNumber) - previous.learnedToNumber >= everyEpochs;
}

/**
 * Whether the settings name an import that was never in force: the owner's change. One that was replaced does not come
 * back by itself, so that a server with old settings which happens to be restarted changes nothing.
 */
export function bringsImport(previous: CatalogueChoice | undefined, configuredSha256: string): boolean {
  if (previous === undefined) return true;
  return previous.importedSha256 !== configuredSha256 && !previous.replacedSha256s.includes(configuredSha256);
}

/**
 * The choice for an epoch: the owner's change where there is one, then the calibrated catalogue, else the one before. The
 * first choice of all is the owner's.
 */
export function nextChoice(input: ChoiceInput): MessageInitShape<typeof CatalogueChoiceSchema> {
  const { network, netuid, epochNumber, epochId, hasBegun, previous, configuredSha256 } = input;
  const calibrated = hasBegun ? undefined : input.calibrated;
  const place = { network, netuid, epochNumber, epochId, previousSha256: previous?.catalogueSha256 ?? "" };
  if (previous === undefined || (!hasBegun && bringsImport(previous, configuredSha256))) {
    const replaced = previous === undefined ? [] : [...previous.replacedSha256s, previous.importedSha256];
    return {
      ...place,
      catalogueSha256: configuredSha256,
      // An import that is byte for byte what was calibrated changes nothing.
      reason: configuredSha256 === place.previousSha256 ? CatalogueReason.UNCHANGED : CatalogueReason.OWNER,
      importedSha256: configuredSha256,
      replacedSha256s: replaced.slice(-KEPT_REPLACED),
      learnedToNumber: previous?.learnedToNumber ?? Math.max(0, epochNumber - 1),
    };
  }
  const { importedSha256, replacedSha256s, catalogueSha256, learnedToNumber } = previous;
  const kept = { ...place, importedSha256, replacedSha256s };
  if (calibrated === undefined) {
    return { ...kept, catalogueSha256, reason: CatalogueReason.UNCHANGED, learnedToNumber };
  }
  const isSame = calibrated.catalogueSha256 === catalogueSha256;
  const hasLearned = calibrated.epochIds.length > 0;
  return {
    ...kept,
    catalogueSha256: calibrated.catalogueSha256,
    reason: isSame ? CatalogueReason.UNCHANGED : CatalogueReason.CALIBRATED,
    learnedToNumber: settledTo(epochNumber),
    learnedEpochIds: [...calibrated.epochIds],
    calibrationVersion: hasLearned ? CALIBRATION_VERSION : "",
    resultCapListings: hasLearned ? calibrated.resultCapListings : 0,
  };
}
