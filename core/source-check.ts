/**
 * Whether a listing source still has the shape that its adapter reads: a few pages, held against what every source
 * must keep. A site that changes is to be a clear message, and not empty rows.
 */
import type { Listing } from "../gen/zipnet/v1/listing_pb.js";
import { ListingSchema } from "../gen/zipnet/v1/listing_pb.js";
import { violationsOf } from "./constraints.js";
import { ZipnetError } from "./errors.js";
import { judgeListing } from "./judging/comparison.js";
import type { ListingSource, SearchPage } from "./ports.js";
import { ListingVerdict } from "../gen/zipnet/v1/report_pb.js";

/** Pages of one search that are read. */
const PAGES = 2;
/** Rows from which on a field that none of them has counts as lost. */
const TELLING_ROWS = 20;

/** Fields that every source fills for most homes, under the contract's names. */
const USUAL_FIELDS: readonly (readonly [name: string, read: (listing: Listing) => unknown])[] = [
  ["bedrooms", (listing) => listing.bedrooms],
  ["bathrooms", (listing) => listing.bathrooms],
  ["living_area_sqft", (listing) => listing.livingAreaSqft],
  ["latitude", (listing) => listing.latitude],
  ["longitude", (listing) => listing.longitude],
];

/** Reasons for which a site must not be asked for a listing again. */
const NOT_TO_BE_READ = ["SOURCE_BLOCKED", "SOURCE_DISALLOWED"] as const;

/** What the check says of a source. */
export interface SourceVerdict {
  /**
   * "changed": an expectation broke. "unreadable": the source could not be read, and nothing speaks for a change.
   * "empty": it claims no results where it was asked.
   */
  readonly verdict: "ok" | "changed" | "unreadable" | "empty";
  /** What was found, or which expectation broke, each in one sentence. At least one. */
  readonly findings: readonly string[];
  /** What the source rejected with, where it did. */
  readonly error?: ZipnetError;
}

/**
 * Reads up to two pages of each zip code's search, until one has results, and one listing by its id.
 *
 * @param zipCodes where results are to be expected. Rejects only when aborted.
 */
export async function checkSource(
  source: ListingSource,
  zipCodes: readonly string[],
  signal: AbortSignal,
): Promise<SourceVerdict> {
  try {
    for (const zipCode of zipCodes) {
      const pages = await firstPages(source, zipCode, signal);
      const listings = pages.flatMap((page) => page.listings);
      const claimed = pages[0]?.resultCount ?? 0;
      if (claimed === 0) continue;
      const broken = [
        ...brokenBySearch(zipCode, claimed, pages),
        ...(await brokenByLookUp(source, zipCode, listings, signal)),
      ];
      if (broken.length > 0) return { verdict: "changed", findings: broken };
      const read = `${listings.length} listings on ${pages.length} pages of zip code ${zipCode}`;
      return { verdict: "ok", findings: [`${read} and one by its id are as expected`] };
    }
    const where = zipCodes.length === 1 ? `zip code ${zipCodes[0]}` : `any of ${zipCodes.length} zip codes`;
    return { verdict: "empty", findings: [`the source claims no results in ${where}; name one that has some`] };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ZipnetError)) throw error;
    return {
      verdict: error.reason === "SOURCE_CHANGED" ? "changed" : "unreadable",
      findings: [`${error.reason}: ${error.message}`],
      error,
    };
  }
}

async function firstPages(source: ListingSource, zipCode: string, signal: AbortSignal): Promise<SearchPage[]> {
  const pages: SearchPage[] = [];
  for await (const page of source.search(zipCode, signal)) {
    pages.push(page);
    if (pages.length === PAGES) break;
  }
  return pages;
}

function brokenBySearch(zipCode: string, claimed: number, pages: readonly SearchPage[]): string[] {
  const [first] = pages;
  const listings = pages.flatMap((page) => page.listings);
  if (first === undefined || first.listings.length === 0) {
    return [
      `zip code ${zipCode}: the source claims ${claimed} results, but no listing can be read from its first page`,
    ];
  }
  const broken: string[] = [];
  if (first.pageCount > 1 && pages.slice(1).every((page) => page.listings.length === 0)) {
    broken.push(`zip code ${zipCode}: the second page shows nothing that the first did not`);
  }
  const wrong = listings.flatMap((listing) =>
    violationsOf(ListingSchema, listing).map(
      ({ field, description }) => `listing ${listing.listingId}: ${field} ${description}`,
    ),
  );
  broken.push(...wrong.slice(0, 5));
  if (listings.length >= TELLING_ROWS) {
    const lost = USUAL_FIELDS.filter(([, read]) => listings.every((listing) => read(listing) === undefined));
    broken.push(...lost.map(([name]) => `zip code ${zipCode}: none of ${listings.length} listings has ${name}`));
  }
  return broken;
}

/** The first listing, found again by its id: the same fields must come out, but for honest changes meanwhile. */
async function brokenByLookUp(
  source: ListingSource,
  zipCode: string,
  listings: readonly Listing[],
  signal: AbortSignal,
): Promise<string[]> {
  const [listing] = listings;
  if (listing === undefined) return [];
  const lookUp = await source.lookUp(listing.listingId, signal);
  const what = `listing ${listing.listingId}`;
  if (lookUp.outcome === "absent") return [`${what} stands in the search, but there is nothing at ${lookUp.url}`];
  if (lookUp.outcome === "unreachable") {
    const changed = lookUp.note.startsWith("SOURCE_CHANGED");
    if (changed) return [lookUp.note];
    const reason = NOT_TO_BE_READ.find((each) => lookUp.note.startsWith(each)) ?? "UNAVAILABLE";
    throw new ZipnetError(reason, `${what} could not be read at ${lookUp.url}: ${lookUp.note}`);
  }
  const { verdict, differences } = judgeListing("", zipCode, listing, lookUp);
  if (verdict !== ListingVerdict.FAIL) return [];
  return differences
    .filter(({ mayHaveChanged }) => !mayHaveChanged)
    .map(
      ({ field, submitted, observed }) =>
        `${what}: ${field} is "${submitted}" in the search, but "${observed}" on its own page`,
    );
}
