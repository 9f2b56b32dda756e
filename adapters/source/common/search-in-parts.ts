/**
 * Reads a whole search, however many results it has: what exceeds the source's cap is asked for in parts.
 */
import type { SearchPage } from "../../../core/ports.js";
import type { Listing } from "../../../gen/zipnet/v1/listing_pb.js";
import { type Bounds, type Part, WHOLE, isWithin, partText, partsOf } from "./parts.js";
import { sourceChanged } from "./source-changed.js";

/**
 * Searches that are made at most for each capful of results that the whole search claims: a site that claims ever more
 * results, however narrow the search, is not asked for ever. The longest way to one point of the map takes about 100.
 */
const MAX_SEARCHES_PER_CAPFUL = 250;

/** A page of the search of one part. */
export interface PartPage {
  readonly listings: readonly Listing[];
  /** Address that it was read from, for messages. */
  readonly url: string;
  /** Results that the source claims for the part. */
  readonly resultCount: number;
  /** Pages that the source shows of them. */
  readonly pageCount: number;
  /** Results that these pages can show at most. */
  readonly shownCount: number;
  /** Where the homes probably stand, where the source says so. */
  readonly around?: Bounds | undefined;
}

/** Reads a page of a part's search, 1 and up; undefined when the search has no such page any more. Rejects as ListingSource.search. */
export type ReadPart = (part: Part, pageNumber: number) => Promise<PartPage | undefined>;

/**
 * All pages of all searches that are needed to see every result, one after the other; a listing stands where it was
 * first seen. Rejects as ListingSource.search, and with SOURCE_CHANGED when the source does not narrow its searches.
 */
export function searchInParts(read: ReadPart): AsyncIterable<SearchPage> {
  return new PartedSearch(read).all();
}

class PartedSearch {
  readonly #read: ReadPart;
  /** What was shown: price in US dollars by listing id. */
  readonly #seen = new Map<string, number>();
  #pagesShown = 0;
  #searches = 0;
  #maxSearches = 0;
  #resultCount: number | undefined;

  constructor(read: ReadPart) {
    this.#read = read;
  }

  /** Everything. Where a search that needed parts did not show all that it claims, a page without listings says so. */
  async *all(): AsyncGenerator<SearchPage, void> {
    yield* this.#pages(WHOLE);
    const resultCount = this.#resultCount ?? 0;
    const hiddenCount = resultCount - this.#seen.size;
    if (this.#searches === 1 || hiddenCount <= 0) return;
    const pageNumber = this.#pagesShown + 1;
    yield { pageNumber, pageCount: pageNumber, resultCount, listings: [], hiddenCount };
  }

  /** The pages of a part. */
  async *#pages(part: Part): AsyncGenerator<SearchPage, void> {
    const first = await this.#read(part, 1);
    if (first === undefined) return;
    this.#searches += 1;
    if (part === WHOLE) this.#maxSearches = MAX_SEARCHES_PER_CAPFUL * Math.ceil(first.resultCount / first.shownCount);
    const parts = first.resultCount > first.shownCount ? partsOf(part, first.around) : [];
    if (parts.length === 0) {
      yield this.#page(part, first, first.pageCount);
      yield* this.#rest(part, first);
      return;
    }
    this.#refuseEndlessness(first);
    yield this.#page(part, first, 1);
    for (const narrower of parts) yield* this.#pages(narrower);
    // Homes that are not on the map are in no piece of it: the wider search may still show them.
    const isCutByPlace = part.bounds === undefined && parts.some(({ bounds }) => bounds !== undefined);
    if (isCutByPlace && this.#seenOfBand(part) < first.resultCount) yield* this.#rest(part, first);
  }

  /** The pages of a part after the first. The market may shrink while it is read; then the last page is gone. */
  async *#rest(part: Part, first: PartPage): AsyncGenerator<SearchPage, void> {
    let pageCount = first.pageCount;
    for (let pageNumber = 2; pageNumber <= pageCount; pageNumber += 1) {
      const page = await this.#read(part, pageNumber);
      if (page === undefined) return;
      pageCount = page.pageCount;
      yield this.#page(part, page, 1 + pageCount - pageNumber);
    }
  }

  /** @param toCome pages of the part that are known to come, this one included. */
  #page(part: Part, page: PartPage, toCome: number): SearchPage {
    refuseUnfiltered(part, page);
    // By the newest page that speaks of the whole search.
    if (part === WHOLE) this.#resultCount = page.resultCount;
    const listings: Listing[] = [];
    for (const listing of page.listings) {
      if (this.#seen.has(listing.listingId)) continue;
      this.#seen.set(listing.listingId, listing.priceUsd);
      listings.push(listing);
    }
    const pageNumber = (this.#pagesShown += 1);
    const resultCount = this.#resultCount ?? page.resultCount;
    return { pageNumber, pageCount: pageNumber + toCome - 1, resultCount, listings };
  }

  /** Listings of a price band that were shown. */
  #seenOfBand({ minPriceUsd, maxPriceUsd }: Part): number {
    const top = maxPriceUsd ?? Infinity;
    return [...this.#seen.values()].filter((priceUsd) => priceUsd >= minPriceUsd && priceUsd <= top).length;
  }

  #refuseEndlessness({ url, resultCount }: PartPage): void {
    if (this.#searches < this.#maxSearches) return;
    throw sourceChanged(url, "the number of results", `is still ${resultCount} after ${this.#searches} searches`);
  }
}

/** A site that does not know a filter shows everything under every address; narrower searches would never end. */
function refuseUnfiltered(part: Part, { url, listings }: PartPage): void {
  const outside = listings.find((listing) => !holds(part, listing));
  if (outside === undefined || listings.some((listing) => holds(part, listing))) return;
  const found = `shows listing ${outside.listingId} at $${outside.priceUsd}`;
  throw sourceChanged(url, `the search of homes ${partText(part)}`, `${found}: the site does not filter as it did`);
}

function holds({ minPriceUsd, maxPriceUsd, bounds }: Part, { priceUsd, latitude, longitude }: Listing): boolean {
  if (priceUsd < minPriceUsd || priceUsd > (maxPriceUsd ?? priceUsd)) return false;
  if (bounds === undefined || latitude === undefined || longitude === undefined) return true;
  return isWithin(bounds, latitude, longitude);
}
