/**
 * Addresses of pages at a site. They are always built from ids and zip codes at the configured origin: an address that
 * somebody else supplied is never followed.
 */

/** Address of a page of a zip code's search. pageNumber: 1 and up. */
export function searchUrl(origin: string, zipCode: string, pageNumber: number): string {
  return pageNumber === 1 ? `${origin}/homes/${zipCode}_rb/` : `${origin}/homes/${zipCode}_rb/${pageNumber}_p/`;
}

/** Address of a listing's own page. */
export function detailUrl(origin: string, listingId: string): string {
  return `${origin}/homedetails/${listingId}_zpid/`;
}
