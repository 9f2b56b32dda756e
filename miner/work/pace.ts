/**
 * Whether what is left can still be done. A zip code that is not finished when scraping ends earns nothing, and a
 * submission can be finalized once, so a miner begins nothing that it cannot finish, and finalizes once only such zip
 * codes are left: later it would have no more, and be slower. It never gives up what it can finish. Pure.
 */

/** How quickly zip codes were scraped so far. */
export interface Pace {
  /** Zip codes that were scraped from their first page to their last. */
  readonly zipCodes: number;
  /** Listings that were expected in them. */
  readonly expectedListings: number;
  /** What they took, each for itself, in milliseconds. */
  readonly tookMs: number;
}

/** Nothing is known yet. */
export const NO_PACE: Pace = { zipCodes: 0, expectedListings: 0, tookMs: 0 };

/** Zip codes that a pace is known from. The first one takes longer: a browser starts, robots.txt is read. */
const LEAST_ZIP_CODES = 3;
/** Expectations are rough, and so are times: a zip code may take half of what it seems to. */
const SAFETY = 2;
/** Only the last part of an epoch is tight: before it a slow site may become quick again. */
const TIGHT_PART = 1 / 4;

/** The pace after one more zip code. */
export function paceAfter(pace: Pace, expectedListings: number, tookMs: number): Pace {
  return {
    zipCodes: pace.zipCodes + 1,
    expectedListings: pace.expectedListings + Math.max(1, expectedListings),
    tookMs: pace.tookMs + tookMs,
  };
}

/**
 * Whether a zip code that is begun now can hardly be finished before scraping ends.
 *
 * @param times when the epoch starts and when scraping ends, in unix milliseconds.
 */
export function isHopeless(
  pace: Pace,
  expectedListings: number,
  times: { readonly startMs: number; readonly scrapeUntilMs: number },
  nowMs: number,
): boolean {
  const { startMs, scrapeUntilMs } = times;
  if (pace.zipCodes < LEAST_ZIP_CODES || nowMs < scrapeUntilMs - (scrapeUntilMs - startMs) * TIGHT_PART) return false;
  const takesMs = (Math.max(1, expectedListings) * pace.tookMs) / pace.expectedListings;
  return takesMs > SAFETY * (scrapeUntilMs - nowMs);
}
