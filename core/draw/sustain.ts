/**
 * Whether a pool can feed the draws of every epoch to come, by arithmetic.
 *
 * A draw takes at most so many listings (mostPerDraw), and they wait for cooldown_epochs. What is in cooldown at epoch
 * first + k is therefore at most what waits from before, and k draws' worth, of which no more than cooldown_epochs count.
 * Where the rest of the pool always reaches the band's low end, and no zip code can jump over the band, every draw lands.
 */
import { type Band, bandOf, holdsEvery, largestOf, sumOf } from "./band.js";
import type { DrawPool, LastDrawn } from "./pool.js";

/** Listings that the pool must hold, against those that it holds, in the epoch where it is tightest. */
export interface Supply {
  /** Least listings that are left for a draw, whatever is drawn before it; may be negative. */
  readonly leastEligible: number;
  /** The band's low end, which a draw needs. */
  readonly needed: number;
  /** Whether no zip code of the pool can jump over the band. Only then is enough supply a proof. */
  readonly holdsEvery: boolean;
}

/** Most listings that a draw can take: less than the largest above the target, and never more than the band allows. */
function mostPerDraw(targetListings: number, band: Band, largest: number): number {
  return Math.min(band.high, targetListings + largest - 1);
}

/** The supply of all epochs from `first` on, at its tightest. */
export function supplyOf(pool: DrawPool, first: number, lastDrawn: LastDrawn): Supply {
  const { allowed, rules } = pool;
  const band = bandOf(rules);
  const largest = largestOf(allowed);
  const most = mostPerDraw(rules.targetListings, band, largest);
  const waiting = waitingListings(pool, first, lastDrawn);
  const total = sumOf(allowed);
  let leastEligible = total;
  for (let k = 0; k <= rules.cooldownEpochs; k += 1) {
    leastEligible = Math.min(leastEligible, total - (waiting[k] ?? 0) - k * most);
  }
  return { leastEligible, needed: band.low, holdsEvery: holdsEvery(band, largest) };
}

/** Whether every draw from `first` on is proven to land, for ever. */
export function isProven({ leastEligible, needed, holdsEvery: holds }: Supply): boolean {
  return holds && leastEligible >= needed;
}

/** Listings of what was drawn before `first` and is still in cooldown in epoch first + k, for each k. */
function waitingListings({ allowed, rules }: DrawPool, first: number, lastDrawn: LastDrawn): number[] {
  const freedAfter = Array<number>(rules.cooldownEpochs + 1).fill(0);
  for (const { zipCode, expectedListings } of allowed) {
    const last = lastDrawn.get(zipCode);
    const lastWait = last === undefined ? -1 : last + rules.cooldownEpochs - first;
    if (lastWait >= 0) freedAfter[lastWait] = (freedAfter[lastWait] ?? 0) + expectedListings;
  }
  for (let k = freedAfter.length - 2; k >= 0; k -= 1) freedAfter[k] = (freedAfter[k] ?? 0) + (freedAfter[k + 1] ?? 0);
  return freedAfter;
}
