/** Redfin's zip code tracker: one row per zip code, period and type of property. */
import { countOf, dayOf, nameOf, stateOf, zipCodeOf } from "./cells.js";
import type { FileKind } from "./file-kind.js";

/** The type that holds all others. */
const ALL_TYPES = "all residential";

/** The kind of file. */
export const redfin: FileKind = {
  columns: ["period_end", "region", "property_type", "inventory"],
  optionalColumns: ["city", "state_code"],
  isAuthorityOnPlaces: false,
  estimateOf(cells) {
    const { period_end: end = "", region = "", property_type: type = "", inventory = "" } = cells;
    const { city = "", state_code: state = "" } = cells;
    if (type.toLowerCase() !== ALL_TYPES)
      return { reason: 'property_type is not "All Residential"', detail: `${region}: "${type}"` };
    const zipCode = zipCodeOf(/^(?:zip code: *)?(\d+)$/i.exec(region)?.[1] ?? "");
    if (zipCode === undefined) return { reason: 'region must be like "Zip Code: 02139"', detail: `"${region}"` };
    const asOf = dayOf(end);
    if (asOf === undefined) {
      return { reason: "period_end must be a day such as 2026-05-31", detail: `${zipCode}: "${end}"` };
    }
    const expectedListings = countOf(inventory);
    if (expectedListings === undefined) {
      return { reason: "inventory must be a whole number up to 999,999", detail: `${zipCode}: "${inventory}"` };
    }
    const place = { place: nameOf(city), state: stateOf(state) };
    return { zipCode, expectedListings, source: "redfin", asOf, isDoubtful: false, place };
  },
};
