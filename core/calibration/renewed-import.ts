/**
 * What was learned of a zip code survives a new import: only the part of the expectation that was imported is replaced.
 */
import { create } from "@bufbuild/protobuf";
import { CalibrationSchema, type CatalogueEntry, CatalogueEntrySchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { importBounds, targetOf } from "./expectation.js";

/**
 * A newly imported entry with what an older entry of the same zip code has learned, as it stands at an epoch. What was
 * found counts within the bounds of the new import, as if it had been in force from the beginning. The entry itself
 * where the older one has learned nothing.
 */
export function withLearned(imported: CatalogueEntry, older: CatalogueEntry, epochNumber: number): CatalogueEntry {
  const { atResultCap, calibration: known } = older;
  if (known === undefined) return imported;
  const importedListings = imported.expectedListings;
  const { least, most } = importBounds(importedListings);
  const foundMillilistings = Math.min(Math.max(known.foundMillilistings, least * 1_000), most * 1_000);
  const calibration = create(CalibrationSchema, { ...known, importedListings, foundMillilistings });
  const expectedListings = targetOf(calibration, epochNumber);
  return create(CatalogueEntrySchema, { ...imported, expectedListings, atResultCap, calibration });
}
