/** Constraints of Catalogue in zipnet/v1/epoch.proto. */
import { CalibrationSchema, CatalogueEntrySchema, CatalogueSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { anything, ascending, every, integer, list, optional, text, that } from "./combinators.js";
import { state, zipCode } from "./common.js";
import { constraintsOn } from "./message.js";

const isoDay = that<string>((value) => {
  const timeMs = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(value) : Number.NaN;
  return !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(value);
}, 'be a day such as "2026-08-01"');

/** Calibration. */
export const calibration = constraintsOn(CalibrationSchema, {
  importedListings: integer(0, 1_000_000),
  foundMillilistings: integer(0, 1_000_000_000),
  confidenceBps: integer(1, 10_000),
  observations: integer(1),
  lastEpochNumber: integer(0),
});

/** CatalogueEntry. */
export const catalogueEntry = constraintsOn(CatalogueEntrySchema, {
  zipCode,
  state,
  county: text(0, 100),
  place: text(0, 100),
  latitudeMicrodegrees: integer(-90_000_000, 90_000_000),
  longitudeMicrodegrees: integer(-180_000_000, 180_000_000),
  expectedListings: integer(0, 1_000_000),
  source: text(1, 100),
  asOf: isoDay,
  atResultCap: anything(),
  calibration: optional(calibration.check),
});

/** Catalogue. */
export const catalogue = constraintsOn(CatalogueSchema, {
  entries: every(
    list(1, 100_000, catalogueEntry.check),
    ascending((entry) => entry.zipCode, "zip_code"),
  ),
});
