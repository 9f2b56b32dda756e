/**
 * Addresses of pages at a site. They are always built from ids and zip codes at the configured origin: an address that
 * somebody else supplied is never followed.
 */
import { type Part, WHOLE } from "../common/parts.js";

/** Address of a page of the search of a zip code's homes, or a part of them. pageNumber: 1 and up. */
export function searchUrl(origin: string, zipCode: string, pageNumber: number, part: Part = WHOLE): string {
  const path = pageNumber === 1 ? `/homes/${zipCode}_rb/` : `/homes/${zipCode}_rb/${pageNumber}_p/`;
  const state = queryStateOf(part);
  return state === undefined
    ? `${origin}${path}`
    : `${origin}${path}?searchQueryState=${encodeURIComponent(JSON.stringify(state))}`;
}

/** How such sites write filters; undefined where nothing is filtered. */
function queryStateOf({ minPriceUsd, maxPriceUsd, bounds }: Part): object | undefined {
  const price = {
    ...(minPriceUsd > 0 && { min: minPriceUsd }),
    ...(maxPriceUsd !== undefined && { max: maxPriceUsd }),
  };
  const mapBounds =
    bounds && Object.fromEntries(Object.entries(bounds).map(([side, value]: [string, number]) => [side, value / 1e6]));
  if (Object.keys(price).length === 0 && mapBounds === undefined) return undefined;
  return { ...(mapBounds && { mapBounds }), filterState: { price } };
}

/** Address of a listing's own page. */
export function detailUrl(origin: string, listingId: string): string {
  return `${origin}/homedetails/${listingId}_zpid/`;
}
