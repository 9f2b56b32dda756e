/** Housing units by zip code: on average a stated part of them is on the market. */
import { nameOf, positionOf, stateOf, zipCodeOf } from "./cells.js";
import type { FileKind } from "./file-kind.js";

const MILLION = 1_000_000;

/** Listings of so many housing units, rounded half up: 100 units at 7,900 ppm are 0.79, so 1. */
export function listingsOf(housingUnits: number, factorPpm: number): number {
  return Math.floor((housingUnits * factorPpm + MILLION / 2) / MILLION);
}

/** The kind of file. */
export const census: FileKind = {
  columns: ["zip", "housing_units"],
  optionalColumns: ["state", "county_fips", "city", "lat", "lon"],
  isAuthorityOnPlaces: false,
  estimateOf(cells, { housingFactorPpm, censusAsOf: asOf }) {
    const { zip = "", housing_units: units = "", state = "", county_fips: fips = "", city = "" } = cells;
    const zipCode = zipCodeOf(zip);
    if (zipCode === undefined) return { reason: "zip must be five digits", detail: `"${zip}"` };
    if (!/^\d{1,6}$/.test(units)) {
      return { reason: "housing_units must be a whole number up to 999,999", detail: `${zipCode}: "${units}"` };
    }
    const expectedListings = listingsOf(Number(units), housingFactorPpm);
    const position = positionOf(cells["lat"] ?? "", cells["lon"] ?? "");
    const place = { state: stateOf(state), county: nameOf(fips), place: nameOf(city), position };
    return { zipCode, expectedListings, source: "census", asOf, isDoubtful: false, place };
  },
};
