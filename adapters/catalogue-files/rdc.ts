/** Realtor.com's "RDC Inventory Core Metrics Zip": one row per zip code and month. */
import { countOf, nameOf, stateOf, zipCodeOf } from "./cells.js";
import type { FileKind } from "./file-kind.js";

/** The month's first day; undefined for what is no month, such as the note in the last line. */
function firstDayOf(month: string): string | undefined {
  const [, year, number] = /^(\d{4})(0[1-9]|1[0-2])$/.exec(month) ?? [];
  return year === undefined ? undefined : `${year}-${number}-01`;
}

/** "east brookfield, ma" is East Brookfield in MA. */
function placeOf(zipName: string): { place?: string; state?: string | undefined } {
  const [, name, state] = /^(.+), ([A-Za-z]{2})$/.exec(zipName) ?? [];
  if (name === undefined || state === undefined) return {};
  return { place: nameOf(name.replace(/(^|[\s-])[a-z]/g, (start) => start.toUpperCase())), state: stateOf(state) };
}

/** The kind of file. */
export const rdc: FileKind = {
  columns: ["month_date_yyyymm", "postal_code", "active_listing_count"],
  optionalColumns: ["zip_name", "quality_flag"],
  isAuthorityOnPlaces: false,
  estimateOf(cells, { flagged }) {
    const { month_date_yyyymm: month = "", postal_code: zip = "", active_listing_count: active = "" } = cells;
    const { zip_name: zipName = "", quality_flag: flag = "" } = cells;
    const asOf = firstDayOf(month);
    if (asOf === undefined) return { reason: "month_date_yyyymm must be a month such as 202608", detail: `"${month}"` };
    const zipCode = zipCodeOf(zip);
    if (zipCode === undefined) return { reason: "postal_code must be five digits", detail: `"${zip}"` };
    const expectedListings = countOf(active);
    if (expectedListings === undefined) {
      return { reason: "active_listing_count must be a whole number up to 999,999", detail: `${zipCode}: "${active}"` };
    }
    const isFlagged = /^1(\.0+)?$/.test(flag);
    if (isFlagged && flagged === "skip") return { reason: "quality_flag is set", detail: `${zipCode} of ${month}` };
    const isDoubtful = isFlagged && flagged === "last";
    return { zipCode, expectedListings, source: "rdc", asOf, isDoubtful, place: placeOf(zipName) };
  },
};
