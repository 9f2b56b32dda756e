/** Whether entries have a set with a sum in a band at all, whatever is drawn. */
import type { CatalogueEntry } from "../../gen/zipnet/v1/epoch_pb.js";
import { type Band, holdsEvery, largestOf, sumOf } from "./band.js";
import { greatestCommonDivisor } from "./divisor.js";
import { subsetWithSum } from "./subset-sum.js";

/** Whether some set of the entries has a sum in the band. */
export function canLand(entries: readonly CatalogueEntry[], band: Band): boolean {
  if (sumOf(entries) < band.low) return false;
  if (holdsEvery(band, largestOf(entries))) return true;
  // All sums are multiples of what divides every size. Where none is in the band, the long search can be spared.
  const divisor = entries.reduce((common, entry) => greatestCommonDivisor(common, entry.expectedListings), 0);
  return band.high - (band.high % divisor) >= band.low && searchSet(entries, band).picked !== undefined;
}

/** The set in the band that core/draw/subset-sum.ts finds among the entries in this order. */
export function searchSet(entries: readonly CatalogueEntry[], band: Band) {
  return subsetWithSum(entries, (entry) => entry.expectedListings, band.low, band.high);
}

/** The largest sum below the band that a set of the entries has; 0 where there is none, or where one is in the band. */
export function nearestSumBelow(entries: readonly CatalogueEntry[], band: Band): number {
  const found = searchSet(entries, band);
  return found.picked === undefined ? found.nearestBelow : 0;
}
