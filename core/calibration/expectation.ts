/**
 * A zip code's expectation as findings move it, in integers.
 *
 * Each finding moves it a part of the way to what was found (an exponentially weighted mean that begins with the
 * import). Confidence is the part of it that rests on findings. It decays with age, and gives that part back to the
 * import, so that a zip code that fell out of the draw's limits comes back and is looked at again.
 */
import { create } from "@bufbuild/protobuf";
import { type Calibration, CalibrationSchema, type CatalogueEntry } from "../../gen/zipnet/v1/epoch_pb.js";
import type { Observation } from "./observation.js";

/** Epochs in which half of the confidence is lost: half a year of four-hour epochs. */
export const HALF_LIFE_EPOCHS = 1_080;
/** A new catalogue differs from the one before by at most this part of an expectation (and always may by 1). */
const STEP_PARTS = 5;
/** Findings count as at most so many times the import, and as at least that part of it. */
const IMPORT_FACTOR = 4;
const ONE_BPS = 10_000;
const MOST_LISTINGS = 1_000_000;

/** What is left of a confidence after so many epochs: halved per half-life, in straight lines between. */
export function decayed(confidenceBps: number, ageEpochs: number): number {
  const halvings = Math.floor(ageEpochs / HALF_LIFE_EPOCHS);
  if (halvings > 14) return 0;
  const rest = ageEpochs % HALF_LIFE_EPOCHS;
  const whole = 2 * HALF_LIFE_EPOCHS;
  return Math.floor((confidenceBps * (whole - rest)) / (whole * 2 ** halvings));
}

/** The least and the most that a finding counts as where so many listings were imported. */
export function importBounds(importedListings: number): { readonly least: number; readonly most: number } {
  const most = Math.min(importedListings * IMPORT_FACTOR, MOST_LISTINGS);
  return { least: Math.floor(importedListings / IMPORT_FACTOR), most };
}

/** What is known after a finding of an epoch. The entry stays as it is. An epoch that was learned from before adds nothing. */
export function learned(entry: CatalogueEntry, observation: Observation, epochNumber: number): Calibration {
  const known = entry.calibration;
  if (known !== undefined && epochNumber <= known.lastEpochNumber) return known;
  const importedListings = known?.importedListings ?? entry.expectedListings;
  const { least, most } = importBounds(importedListings);
  const found = 1_000 * Math.min(Math.max(observation.listings, least), most);
  const before = known === undefined ? 0 : decayed(known.confidenceBps, epochNumber - known.lastEpochNumber);
  const kept = Math.floor((before * (ONE_BPS - observation.weightBps)) / ONE_BPS);
  const confidenceBps = kept + observation.weightBps;
  const sum = kept * (known?.foundMillilistings ?? 0) + observation.weightBps * found;
  return create(CalibrationSchema, {
    importedListings,
    foundMillilistings: Math.floor(sum / confidenceBps),
    confidenceBps,
    observations: (known?.observations ?? 0) + 1,
    lastEpochNumber: epochNumber,
  });
}

/** The expectation that all that is known amounts to at an epoch, without the bound on one step. */
export function targetOf(calibration: Calibration, epochNumber: number): number {
  const { importedListings, foundMillilistings, confidenceBps, lastEpochNumber } = calibration;
  const confidence = decayed(confidenceBps, Math.max(0, epochNumber - lastEpochNumber));
  const sum = (ONE_BPS - confidence) * importedListings * 1_000 + confidence * foundMillilistings;
  return Math.floor((sum + (ONE_BPS * 1_000) / 2) / (ONE_BPS * 1_000));
}

/** The expectation of the next catalogue: towards the target by at most a fifth of the present one, or by 1. */
export function stepped(expected: number, target: number): number {
  const most = Math.max(1, Math.floor(expected / STEP_PARTS));
  return Math.min(Math.max(target, expected - most), expected + most);
}
