/** Which sums an epoch may have, and where a draw stops. */
import type { CatalogueEntry, Rules } from "../../gen/zipnet/v1/epoch_pb.js";

/** The sums that an epoch may have, both ends included. */
export interface Band {
  readonly low: number;
  readonly high: number;
}

/** The band of valid rules: the target and floor(target × tolerance_bps / 10,000) to both sides. low is at least 1. */
export function bandOf({ targetListings, toleranceBps }: Rules): Band {
  const product = targetListings * toleranceBps;
  const spread = (product - (product % 10_000)) / 10_000;
  return { low: targetListings - spread, high: targetListings + spread };
}

/** Whether the band is so wide that no entry, the largest included, can jump over it. */
export function holdsEvery(band: Band, largest: number): boolean {
  return largest <= band.high - band.low + 1;
}

/**
 * The sum at which a draw stops: the target; less where the largest eligible entry could lift a sum from below the
 * target above the band; never less than low.
 */
export function goalOf({ targetListings }: Rules, band: Band, largest: number): number {
  return Math.max(band.low, Math.min(targetListings, band.high - largest + 1));
}

/** Expected listings of the entries together. */
export function sumOf(entries: readonly CatalogueEntry[]): number {
  return entries.reduce((sum, entry) => sum + entry.expectedListings, 0);
}

/** Expected listings of the largest entry, 0 where there is none. */
export function largestOf(entries: readonly CatalogueEntry[]): number {
  return entries.reduce((most, entry) => Math.max(most, entry.expectedListings), 0);
}
