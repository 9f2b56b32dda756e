/**
 * A listing source that reads sites with Zillow-shaped pages.
 */
import { ZipnetError, messageOf } from "../../../core/errors.js";
import { sha256Hex, utf8ToBytes } from "../../../core/hash.js";
import type { Clock, ListingSource, LookUp, Page, PageReader, SearchPage } from "../../../core/ports.js";
import { detailUrl, searchUrl } from "./addresses.js";
import { readDetailPage } from "./detail-page.js";
import { kindOf } from "./page-check.js";
import type { PageKind } from "./page-check.js";
import { sourceChanged } from "./next-data.js";
import { readSearchPage } from "./search-page.js";

const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 30_000;

/** What the source needs. */
export interface ZillowShapedOptions {
  /** For example "https://www.example.com", without a slash at its end. Every address is built at it. */
  readonly origin: string;
  readonly pages: PageReader;
  readonly clock: Clock;
  /** Further tries after a failure of the site (5xx, no answer), 0 and up; the waits between them double from one second on. */
  readonly retries: number;
}

/** A source that reads searches page by page and listings by their id. */
export function zillowShapedSource(options: ZillowShapedOptions): ListingSource {
  const { origin, clock } = options;
  return {
    name: "zillow-shape",

    async *search(zipCode, signal): AsyncIterable<SearchPage> {
      if (!/^\d{5}$/.test(zipCode)) throw new RangeError(`The zip code is "${zipCode}", but must be five digits.`);
      const seen = new Set<string>();
      for (let pageNumber = 1, pageCount = 1; pageNumber <= pageCount; pageNumber += 1) {
        const url = searchUrl(origin, zipCode, pageNumber);
        const { page, kind } = await readWithRetries(options, url, signal);
        if (kind === "missing") {
          // The market may shrink while it is read; then the last page is gone. The first one never is.
          if (pageNumber > 1) return;
          throw sourceChanged(url, "the search page", "is missing (404)");
        }
        const found = readSearchPage(page.html, {
          origin,
          zipCode,
          pageNumber,
          url,
          scrapedTimeMs: page.readTimeMs ?? clock.now(),
        });
        pageCount = found.pageCount;
        // Rows move between pages while these are read; a listing counts where it was first seen.
        const listings = found.listings.filter(({ listingId }) => !seen.has(listingId));
        for (const { listingId } of listings) seen.add(listingId);
        yield { ...found, listings };
      }
    },

    async lookUp(listingId, signal): Promise<LookUp> {
      signal.throwIfAborted();
      const url = detailUrl(origin, encodeURIComponent(listingId));
      let page: Page | undefined;
      try {
        if (!/^(?:0|[1-9]\d{0,19})$/.test(listingId))
          throw new RangeError(`"${listingId.slice(0, 40)}" is not a listing id`);
        const answer = await readWithRetries(options, url, signal, (read) => (page = read));
        const seen = seenOf(url, clock.now(), answer.page);
        if (answer.kind === "missing") return { ...seen, outcome: "absent" };
        const context = { listingId, url, scrapedTimeMs: seen.fetchedTimeMs };
        return { ...seen, outcome: "found", listing: readDetailPage(answer.page.html, context) };
      } catch (error) {
        signal.throwIfAborted();
        return { ...seenOf(url, clock.now(), page), outcome: "unreachable", note: noteOf(error) };
      }
    },
  };
}

/** Reads a page until the site answers properly. onPage hears of every answer, also of those that end in an error. */
async function readWithRetries(
  { pages, clock, retries }: ZillowShapedOptions,
  url: string,
  signal: AbortSignal,
  onPage: (page: Page) => void = () => {},
): Promise<{ page: Page; kind: Exclude<PageKind, "failed"> }> {
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted();
    const failure = await tryRead();
    if (!(failure instanceof Error)) return failure;
    if (tries >= retries) throw failure;
    await clock.sleepUntil(clock.now() + Math.min(FIRST_BACKOFF_MS * 2 ** tries, LONGEST_BACKOFF_MS), signal);
  }

  async function tryRead(): Promise<{ page: Page; kind: Exclude<PageKind, "failed"> } | ZipnetError> {
    try {
      const page = await pages.read(url, signal);
      onPage(page);
      const kind = kindOf(page);
      if (kind !== "failed") return { page, kind };
      return new ZipnetError("UNAVAILABLE", `The site answered ${page.status} at ${url}.`, {
        url,
        status: String(page.status),
      });
    } catch (error) {
      if (error instanceof ZipnetError && error.reason === "UNAVAILABLE") return error;
      throw error;
    }
  }
}

function seenOf(
  url: string,
  fetchedTimeMs: number,
  page: Page | undefined,
): Pick<LookUp, "url" | "fetchedTimeMs" | "httpStatus" | "pageSha256"> {
  return {
    url,
    fetchedTimeMs,
    httpStatus: page?.status ?? 0,
    pageSha256: page === undefined ? "" : sha256Hex(utf8ToBytes(page.html)),
  };
}

function noteOf(error: unknown): string {
  if (error instanceof ZipnetError) return `${error.reason}: ${error.message}`;
  return messageOf(error);
}
