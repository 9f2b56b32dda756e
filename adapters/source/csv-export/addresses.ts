/**
 * Addresses of pages at a site. They are always built from ids and zip codes at the configured origin: an address that
 * somebody else supplied is never followed.
 */
import type { Part } from "../common/parts.js";

/** Address of the page of a zip code, which names its region. */
export function zipCodeUrl(origin: string, zipCode: string): string {
  return `${origin}/zipcode/${zipCode}`;
}

/** Address of the export of a region's homes, or a part of them: at most `rows` of them. */
export function exportUrl(origin: string, regionId: string, rows: number, part: Part): string {
  const { minPriceUsd, maxPriceUsd, bounds } = part;
  const query = new URLSearchParams({ region_id: regionId, region_type: "2", num_homes: String(rows) });
  if (minPriceUsd > 0) query.set("min_price", String(minPriceUsd));
  if (maxPriceUsd !== undefined) query.set("max_price", String(maxPriceUsd));
  for (const [side, value] of Object.entries(bounds ?? {}) as [string, number][]) query.set(side, String(value / 1e6));
  return `${origin}/export/gis-csv?${query.toString()}`;
}

/** Address of a listing's own page. */
export function homeUrl(origin: string, listingId: string): string {
  return `${origin}/home/${listingId}`;
}
