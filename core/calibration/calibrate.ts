/**
 * The next catalogue from the present one and from what epochs held, "zipnet-calibration-v1". A pure function of
 * records, so anybody can repeat it.
 */
import { create } from "@bufbuild/protobuf";
import type { Settlement } from "../../gen/zipnet/v1/calibration_pb.js";
import { type Catalogue, type CatalogueEntry, CatalogueEntrySchema } from "../../gen/zipnet/v1/epoch_pb.js";
import type { ZipCodeCount } from "../../gen/zipnet/v1/report_pb.js";
import { learned, stepped, targetOf } from "./expectation.js";
import { observationOf } from "./observation.js";

/** Name of the algorithm, as choices of catalogues carry it. */
export const CALIBRATION_VERSION = "zipnet-calibration-v1";

/** What a catalogue is calibrated from. */
export interface CalibrationInput {
  readonly catalogue: Catalogue;
  /** Those of the epochs to learn from, in any order, each epoch once. */
  readonly settlements: readonly Pick<Settlement, "epochNumber" | "zipCodes">[];
  /** Number of the first epoch that is to be drawn from the result; confidence is as old as it is then. */
  readonly epochNumber: number;
  /** Listings that one search of the source shows at most. 1 to 1,000,000. */
  readonly resultCapListings: number;
}

interface Found {
  readonly epochNumber: number;
  readonly count: ZipCodeCount;
}

/**
 * The entries of the next catalogue, in the order of the present one. Zip codes of which nothing was ever learned stay
 * as they are; counts of zip codes that the catalogue does not have are left out.
 */
export function calibrate(input: CalibrationInput): CatalogueEntry[] {
  const found = new Map<string, Found[]>();
  for (const { epochNumber, zipCodes } of input.settlements.toSorted((a, b) => a.epochNumber - b.epochNumber)) {
    for (const count of zipCodes) {
      found.set(count.zipCode, [...(found.get(count.zipCode) ?? []), { epochNumber, count }]);
    }
  }
  return input.catalogue.entries.map((entry) => calibrateEntry(entry, found.get(entry.zipCode) ?? [], input));
}

function calibrateEntry(
  entry: CatalogueEntry,
  found: readonly Found[],
  { epochNumber, resultCapListings }: CalibrationInput,
): CatalogueEntry {
  let { atResultCap } = entry;
  let next = entry;
  for (const { epochNumber: foundIn, count } of found) {
    const observation = observationOf(count, entry.expectedListings, resultCapListings);
    if (observation === undefined || foundIn <= (next.calibration?.lastEpochNumber ?? -1)) continue;
    atResultCap = observation.isAtResultCap;
    next = create(CatalogueEntrySchema, { ...entry, atResultCap, calibration: learned(next, observation, foundIn) });
  }
  if (next.calibration === undefined) return entry;
  const expectedListings = stepped(entry.expectedListings, targetOf(next.calibration, epochNumber));
  return create(CatalogueEntrySchema, { ...next, expectedListings });
}
