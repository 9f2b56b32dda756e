/**
 * Reading pages until the site answers properly, and looking listings up so that nothing but an abort is thrown.
 */
import { ZipnetError, messageOf } from "../../../core/errors.js";
import { sha256Hex, utf8ToBytes } from "../../../core/hash.js";
import type { Clock, LookUp, Page, PageReader } from "../../../core/ports.js";
import type { Listing } from "../../../gen/zipnet/v1/listing_pb.js";
import { type AnswerKind, type PageMarks, kindOf } from "./answers.js";

const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 30_000;

/** What a source of pages needs. */
export interface SourceOptions {
  /** For example "https://www.example.com", without a slash at its end. Every address is built at it. */
  readonly origin: string;
  readonly pages: PageReader;
  readonly clock: Clock;
  /** Further tries after a failure of the site (5xx, no answer, a page that was cut off), 0 and up; the waits between them double from one second on. */
  readonly retries: number;
}

/** A page that the site answered properly with, or its word that there is none. */
export interface GoodAnswer {
  readonly page: Page;
  readonly kind: Exclude<AnswerKind, "failed">;
}

/** Reads a page until the site answers properly. onPage hears of every answer, also of those that end in an error. */
export async function readPatiently(
  { pages, clock, retries }: SourceOptions,
  marks: PageMarks,
  url: string,
  signal: AbortSignal,
  onPage: (page: Page) => void = () => {},
): Promise<GoodAnswer> {
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted();
    const failure = await tryRead();
    if (!(failure instanceof Error)) return failure;
    if (tries >= retries) throw failure;
    await clock.sleepUntil(clock.now() + Math.min(FIRST_BACKOFF_MS * 2 ** tries, LONGEST_BACKOFF_MS), signal);
  }

  async function tryRead(): Promise<GoodAnswer | ZipnetError> {
    try {
      const page = await pages.read(url, signal);
      onPage(page);
      const kind = kindOf(page, marks);
      if (kind !== "failed") return { page, kind };
      const isCutOff = page.status >= 200 && page.status < 300;
      const sentence = isCutOff
        ? `The page ${url} was cut off after ${page.html.length} characters.`
        : `The site answered ${page.status} at ${url}.`;
      return new ZipnetError("UNAVAILABLE", sentence, { url, status: String(page.status) });
    } catch (error) {
      if (error instanceof ZipnetError && error.reason === "UNAVAILABLE") return error;
      throw error;
    }
  }
}

/**
 * Looks a listing up at an address.
 *
 * @param extract takes the page apart; throws SOURCE_CHANGED.
 */
export async function lookUpAt(
  options: SourceOptions,
  marks: PageMarks,
  asked: { readonly listingId: string; readonly url: string },
  extract: (html: string, scrapedTimeMs: number) => Listing,
  signal: AbortSignal,
): Promise<LookUp> {
  signal.throwIfAborted();
  const { listingId, url } = asked;
  const { clock } = options;
  let page: Page | undefined;
  try {
    if (!/^(?:0|[1-9]\d{0,19})$/.test(listingId))
      throw new RangeError(`"${listingId.slice(0, 40)}" is not a listing id`);
    const answer = await readPatiently(options, marks, url, signal, (read) => (page = read));
    const seen = seenOf(url, clock.now(), answer.page);
    if (answer.kind === "missing") return { ...seen, outcome: "absent" };
    return { ...seen, outcome: "found", listing: extract(answer.page.html, seen.fetchedTimeMs) };
  } catch (error) {
    signal.throwIfAborted();
    return { ...seenOf(url, clock.now(), page), outcome: "unreachable", note: noteOf(error) };
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
