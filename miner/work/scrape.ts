import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import type { ListingSource, SearchPage } from "../../core/ports.js";

/** What was found in one zip code. */
export interface ScrapedZipCode {
  /** Distinct listings of the zip code, in the source's order. */
  readonly listings: readonly Listing[];
  readonly pages: number;
  /** Rows that the source itself places in another zip code, such as promoted ones. */
  readonly foreign: number;
  /** Rows whose listing had been there before; pages shift while they are read. */
  readonly repeated: number;
  /** Results that the source claims, but shows in no search. */
  readonly hidden: number;
  /** Results that the source claims: the most and the fewest on any page. */
  readonly claimed: { readonly most: number; readonly fewest: number };
}

/**
 * Reads all search pages of a zip code. Rejects as ListingSource.search.
 *
 * @param onPage hears of every page before the next one is asked for.
 */
export async function scrapeZipCode(
  source: ListingSource,
  zipCode: string,
  signal: AbortSignal,
  onPage: (page: SearchPage) => Promise<void>,
): Promise<ScrapedZipCode> {
  const listings = new Map<string, Listing>();
  let pages = 0;
  let foreign = 0;
  let repeated = 0;
  let hidden = 0;
  let claimed = { most: 0, fewest: Infinity };
  for await (const page of source.search(zipCode, signal)) {
    signal.throwIfAborted();
    pages += 1;
    await onPage(page);
    hidden = page.hiddenCount ?? 0;
    const { resultCount } = page;
    claimed = { most: Math.max(claimed.most, resultCount), fewest: Math.min(claimed.fewest, resultCount) };
    for (const listing of page.listings) {
      if (listing.zipCode !== zipCode) foreign += 1;
      else if (listings.has(listing.listingId)) repeated += 1;
      else listings.set(listing.listingId, listing);
    }
  }
  return { listings: [...listings.values()], pages, foreign, repeated, hidden, claimed };
}
