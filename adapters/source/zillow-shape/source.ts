/**
 * A listing source that reads sites with Zillow-shaped pages.
 */
import type { ListingSource, SearchPage } from "../../../core/ports.js";
import type { Part } from "../common/parts.js";
import { type SourceOptions, lookUpAt, readPatiently } from "../common/patient-pages.js";
import { type PartPage, searchInParts } from "../common/search-in-parts.js";
import { sourceChanged } from "../common/source-changed.js";
import { detailUrl, searchUrl } from "./addresses.js";
import { readDetailPage } from "./detail-page.js";
import { PAGE_MARKS } from "./page-marks.js";
import { readSearchPage } from "./search-page.js";

/** A source that reads searches page by page and listings by their id. */
export function zillowShapedSource(options: SourceOptions): ListingSource {
  const { origin, clock } = options;

  async function readPart(
    zipCode: string,
    part: Part,
    pageNumber: number,
    signal: AbortSignal,
  ): Promise<PartPage | undefined> {
    const url = searchUrl(origin, zipCode, pageNumber, part);
    const { page, kind } = await readPatiently(options, PAGE_MARKS, url, signal);
    if (kind === "missing") {
      if (pageNumber > 1) return undefined;
      throw sourceChanged(url, "the search page", "is missing (404)");
    }
    const scrapedTimeMs = page.readTimeMs ?? clock.now();
    return { ...readSearchPage(page.html, { origin, zipCode, url, scrapedTimeMs }), url };
  }

  return {
    name: "zillow-shape",

    async *search(zipCode, signal): AsyncIterable<SearchPage> {
      if (!/^\d{5}$/.test(zipCode)) throw new RangeError(`The zip code is "${zipCode}", but must be five digits.`);
      yield* searchInParts((part, pageNumber) => readPart(zipCode, part, pageNumber, signal));
    },

    lookUp(listingId, signal) {
      const url = detailUrl(origin, encodeURIComponent(listingId));
      const extract = (html: string, scrapedTimeMs: number) => readDetailPage(html, { listingId, url, scrapedTimeMs });
      return lookUpAt(options, PAGE_MARKS, { listingId, url }, extract, signal);
    },
  };
}
