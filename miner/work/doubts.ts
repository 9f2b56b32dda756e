/**
 * Whether what a source shows can be believed. A site that changed may still answer, with pages that hold nothing: such
 * rows must not be taken for a market that is empty.
 */
import { ZipnetError } from "../../core/errors.js";
import type { ListingSource } from "../../core/ports.js";
import { type SourceVerdict, checkSource } from "../../core/source-check.js";
import type { ScrapedZipCode } from "./scrape.js";

/** Zip codes that expect fewer may well be empty. */
const TELLING_LISTINGS = 20;
/** Less than this part of what is expected is doubted: expectations are rough. */
const DOUBTED_PART_OF_EXPECTED = 1 / 10;
/** Less than this part of what the source claims is doubted: it claims what we leave out, too. */
const DOUBTED_PART_OF_CLAIMED = 3 / 4;

/** A zip code of the epoch, and the listings that its search showed. */
export interface KnownZipCode {
  readonly zipCode: string;
  readonly listings: number;
}

/**
 * Whether a search shows so few listings, for what is expected of the zip code or for what the source itself claims, or
 * the source claims so much less on one page than on another, that something may be wrong with it.
 */
export function isDoubtful({ listings, claimed, hidden }: ScrapedZipCode, expectedListings: number): boolean {
  const isTooFew = (count: number, of: number, part: number): boolean => of >= TELLING_LISTINGS && count < of * part;
  return (
    isTooFew(listings.length, expectedListings, DOUBTED_PART_OF_EXPECTED) ||
    isTooFew(listings.length, claimed.most - hidden, DOUBTED_PART_OF_CLAIMED) ||
    isTooFew(claimed.fewest, claimed.most, DOUBTED_PART_OF_CLAIMED)
  );
}

/**
 * Reads a few pages of a zip code and holds them against what every source must keep. Rejects with SOURCE_CHANGED naming
 * what is not as expected, and as the source does when it cannot be read.
 */
export async function assertShape(
  source: ListingSource,
  zipCode: string,
  expectedListings: number,
  signal: AbortSignal,
): Promise<void> {
  const verdict = await checkSource(source, [zipCode], signal);
  const isEmpty = verdict.verdict === "empty";
  if (isEmpty && expectedListings >= TELLING_LISTINGS) {
    throw changed(`it shows nothing in zip code ${zipCode}, where ${expectedListings} listings are expected`);
  }
  if (!isEmpty) assertNotBroken(verdict);
}

/**
 * Looks again at a zip code that held listings, after another one showed doubtfully few. Resolves where it still does, so
 * that the other one is believed. Rejects as assertShape.
 *
 * @param known undefined where no zip code was read yet that held listings; then the doubt stands.
 */
export async function assertStillShown(
  source: ListingSource,
  known: KnownZipCode | undefined,
  doubted: KnownZipCode & { readonly expectedListings: number },
  signal: AbortSignal,
): Promise<void> {
  const { zipCode, listings, expectedListings } = doubted;
  const shown = `it shows ${listings} listings in zip code ${zipCode}, where ${expectedListings} are expected`;
  if (known === undefined) throw changed(`${shown}, and no zip code was read before that would show it to be in order`);
  const verdict = await checkSource(source, [known.zipCode], signal);
  if (verdict.verdict === "empty") {
    throw changed(`${shown}, and none any more in zip code ${known.zipCode}, where ${known.listings} were`);
  }
  assertNotBroken(verdict);
}

/** Rejects for a verdict that says that nothing should be read on. That robots.txt forbids single listings does not. */
function assertNotBroken({ verdict, findings, error }: SourceVerdict): void {
  if (verdict === "ok" || error?.reason === "SOURCE_DISALLOWED") return;
  throw error ?? changed(findings.join("; "));
}

function changed(what: string): ZipnetError {
  return new ZipnetError(
    "SOURCE_CHANGED",
    `The source is not as expected: ${what}. It has probably changed; the adapter must follow. ` +
      "`zipnet source check` looks at it again.",
  );
}
