/** Plain CSV: whatever the owner knows, in the catalogue's own columns. */
import { countOf, dayOf, microdegreesOf, nameOf, zipCodeOf } from "./cells.js";
import type { FileKind } from "./file-kind.js";

/** The kind of file. */
export const plain: FileKind = {
  columns: ["zip_code", "state", "county", "place", "latitude", "longitude", "expected_listings", "source", "as_of"],
  optionalColumns: [],
  isAuthorityOnPlaces: true,
  estimateOf(cells) {
    const { zip_code: zip = "", state = "", county = "", place = "", latitude = "", longitude = "" } = cells;
    const { expected_listings: expected = "", source = "", as_of: day = "" } = cells;
    const zipCode = zipCodeOf(zip);
    if (zipCode === undefined) return { reason: "zip_code must be five digits", detail: `"${zip}"` };
    if (!/^[A-Z]{2}$/.test(state)) {
      return { reason: "state must be two capital letters", detail: `${zipCode}: "${state}"` };
    }
    const latitudeMicrodegrees = microdegreesOf(latitude, 90);
    if (latitudeMicrodegrees === undefined) {
      return { reason: "latitude must be -90 to 90", detail: `${zipCode}: "${latitude}"` };
    }
    const longitudeMicrodegrees = microdegreesOf(longitude, 180);
    if (longitudeMicrodegrees === undefined) {
      return { reason: "longitude must be -180 to 180", detail: `${zipCode}: "${longitude}"` };
    }
    const expectedListings = countOf(expected);
    if (expectedListings === undefined) {
      return { reason: "expected_listings must be a whole number up to 999,999", detail: `${zipCode}: "${expected}"` };
    }
    if (source === "" || source.length > 100) {
      return { reason: "source must be 1 to 100 characters", detail: `${zipCode}: "${nameOf(source)}"` };
    }
    const asOf = dayOf(day);
    if (asOf === undefined) return { reason: "as_of must be a day such as 2026-08-01", detail: `${zipCode}: "${day}"` };
    const position = { latitudeMicrodegrees, longitudeMicrodegrees };
    const where = { state, county: nameOf(county), place: nameOf(place), position };
    return { zipCode, expectedListings, source, asOf, isDoubtful: false, place: where };
  },
};
