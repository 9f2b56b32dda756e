/**
 * A listing source that reads sites which offer a search's homes for download as CSV: the page of a zip code names a
 * region, an export gives up to 350 homes of it in one file, without pages and without a total.
 */
import type { ListingSource, Page, SearchPage } from "../../../core/ports.js";
import type { Listing } from "../../../gen/zipnet/v1/listing_pb.js";
import type { PageMarks } from "../common/answers.js";
import { type Bounds, type Part, WHOLE } from "../common/parts.js";
import { type SourceOptions, lookUpAt, readPatiently } from "../common/patient-pages.js";
import { type PartPage, searchInParts } from "../common/search-in-parts.js";
import { sourceChanged } from "../common/source-changed.js";
import { exportUrl, homeUrl, zipCodeUrl } from "./addresses.js";
import { readExport } from "./export-file.js";
import { readHomePage } from "./home-page.js";
import { type ZipCodePage, readZipCodePage } from "./zip-code-page.js";

/** Homes that one export holds at most. */
const EXPORT_ROWS = 350;

const isWholeHtml = (html: string): boolean => /<\/html\s*>\s*$/i.test(html);
const ZIP_CODE_PAGE: PageMarks = { hasData: (html) => html.includes("download-and-save"), isWhole: isWholeHtml };
const HOME_PAGE: PageMarks = { hasData: (html) => html.includes("application/ld+json"), isWhole: isWholeHtml };
/** An export has no end mark; one that was cut off ends within a line, but for one chance in the length of a line. */
const EXPORT: PageMarks = {
  hasData: (text) => !text.trimStart().startsWith("<"),
  isWhole: (text) => text.endsWith("\n"),
};

/** A source that reads exports of zip codes and listings by their id. */
export function csvExportSource(options: SourceOptions): ListingSource {
  const { origin, clock } = options;

  async function readPresent(marks: PageMarks, url: string, signal: AbortSignal): Promise<Page> {
    const { page, kind } = await readPatiently(options, marks, url, signal);
    if (kind === "missing") throw sourceChanged(url, "the page", "is missing (404)");
    return page;
  }

  async function readZipCode(zipCode: string, signal: AbortSignal): Promise<ZipCodePage> {
    const url = zipCodeUrl(origin, zipCode);
    return readZipCodePage((await readPresent(ZIP_CODE_PAGE, url, signal)).html, url);
  }

  async function readPart(zipCode: string, region: ZipCodePage, part: Part, signal: AbortSignal): Promise<PartPage> {
    const url = exportUrl(origin, region.regionId, EXPORT_ROWS, part);
    const page = await readPresent(EXPORT, url, signal);
    const scrapedTimeMs = page.readTimeMs ?? clock.now();
    const { rowCount, listings } = readExport(page.html, { origin, zipCode, url, scrapedTimeMs });
    // A full file says that there may be more, and not how many.
    const claimed = rowCount < EXPORT_ROWS ? rowCount : EXPORT_ROWS + 1;
    const resultCount = part === WHOLE ? Math.max(region.resultCount, rowCount) : claimed;
    return { listings, url, resultCount, pageCount: 1, shownCount: EXPORT_ROWS, around: boundsOf(listings) };
  }

  return {
    name: "csv-export",

    async *search(zipCode, signal): AsyncIterable<SearchPage> {
      if (!/^\d{5}$/.test(zipCode)) throw new RangeError(`The zip code is "${zipCode}", but must be five digits.`);
      const region = await readZipCode(zipCode, signal);
      yield* searchInParts((part) => readPart(zipCode, region, part, signal));
    },

    lookUp(listingId, signal) {
      const url = homeUrl(origin, encodeURIComponent(listingId));
      const extract = (html: string, scrapedTimeMs: number) =>
        readHomePage(html, { origin, listingId, url, scrapedTimeMs });
      return lookUpAt(options, HOME_PAGE, { listingId, url }, extract, signal);
    },
  };
}

/** The smallest piece of the map with all listings that are on it; undefined when none is. */
function boundsOf(listings: readonly Listing[]): Bounds | undefined {
  const points = listings.flatMap(({ latitude, longitude }) =>
    latitude === undefined || longitude === undefined ? [] : [{ latitude, longitude }],
  );
  if (points.length === 0) return undefined;
  const latitudes = points.map(({ latitude }) => latitude * 1e6);
  const longitudes = points.map(({ longitude }) => longitude * 1e6);
  return {
    west: Math.floor(Math.min(...longitudes)),
    south: Math.floor(Math.min(...latitudes)),
    east: Math.ceil(Math.max(...longitudes)),
    north: Math.ceil(Math.max(...latitudes)),
  };
}
