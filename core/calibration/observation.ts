/**
 * What one settled epoch says of one zip code.
 */
import type { ZipCodeCount } from "../../gen/zipnet/v1/report_pb.js";

/** A finding that is learned from. */
export interface Observation {
  /** Listings that are there. */
  readonly listings: number;
  /** Whether there may be more: as many were found as one search of the source shows. */
  readonly isAtResultCap: boolean;
  /** Part of the way to the finding that the expectation goes, in basis points. */
  readonly weightBps: number;
}

/** Fewer verified miners than this teach nothing. */
const FEWEST_MINERS = 2;
/** From this number of verified miners on, a finding has its full weight. */
const ENOUGH_MINERS = 3;
const WEIGHT_BPS = 5_000;
const WEIGHT_OF_TWO_BPS = 2_500;
/** Pages overlap and show foreign listings, so a search at the cap yields somewhat fewer: this part of the cap, in percent. */
const CAP_PERCENT = 95;

/**
 * The observation in a count; undefined where it teaches nothing, because less than two miners are no check on each
 * other.
 *
 * With an odd number of miners it is their median. With an even number the present expectation has a vote as well, so
 * that it is the value between the two in the middle that is nearest to it. So miners that are at most half can never
 * bring it beyond both the present expectation and what the others counted.
 *
 * At the result cap the true count is unknown: it counts as the cap, and as the expectation where that is higher.
 *
 * @param expected the present expectation. @param resultCap listings that one search of the source shows at most.
 */
export function observationOf(count: ZipCodeCount, expected: number, resultCap: number): Observation | undefined {
  const { lowerMedianListings: lower, upperMedianListings: upper, miners } = count;
  if (miners < FEWEST_MINERS) return undefined;
  const middle = Math.min(Math.max(expected, lower), upper);
  const isAtResultCap = middle * 100 >= resultCap * CAP_PERCENT;
  return {
    listings: isAtResultCap ? Math.max(resultCap, expected) : middle,
    isAtResultCap,
    weightBps: miners >= ENOUGH_MINERS ? WEIGHT_BPS : WEIGHT_OF_TWO_BPS,
  };
}
