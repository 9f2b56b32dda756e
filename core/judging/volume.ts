/**
 * Volume: accepted distinct listings against what each zip code holds.
 */
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { lowerMedian } from "./median.js";
import { type SubmissionCheck, deliveredCount } from "./submission-check.js";

/** Listings that each zip code holds, in the epoch's order. Zip codes that nobody covers are not in it. */
export type Held = ReadonlyMap<string, number>;

/** What the catalogue expects each zip code to hold: what volume is measured by before anybody is verified. */
export function expectedHeld(epoch: Epoch): Held {
  return new Map(epoch.zipCodes.map(({ zipCode, expectedListings }) => [zipCode, expectedListings]));
}

/**
 * What the zip codes hold. Where a verified miner delivered one, the most that a verified miner has there: those who
 * deliver little cannot lower it, and who pads it pays for what fails. Elsewhere the lower median of the accepted counts
 * of those that cover it, at most what the catalogue expects. A submission covers a zip code when at least one of its
 * listings there is accepted.
 *
 * @param verified submissions of the verified. @param others those of all other honest miners.
 */
export function heldListings(
  verified: readonly SubmissionCheck[],
  others: readonly SubmissionCheck[],
  epoch: Epoch,
): Held {
  const entries = epoch.zipCodes.flatMap(({ zipCode, expectedListings }): [string, number][] => {
    const known = verified.flatMap((check) => deliveredCount(check, zipCode) ?? []);
    if (known.length > 0) return [[zipCode, Math.max(...known)]];
    const counts = others.flatMap((check) => check.accepted.get(zipCode)?.length ?? []);
    return counts.length === 0 ? [] : [[zipCode, Math.min(lowerMedian(counts), expectedListings)]];
  });
  return new Map(entries);
}

/** Listings that a submission lacks in one zip code. */
interface Shortfall {
  readonly zipCode: string;
  readonly accepted: number;
  readonly held: number;
}

/** Volume of one submission. */
export interface Volume {
  /** 0 to 10,000 basis points. */
  readonly bps: number;
  /** In the epoch's order. */
  readonly shortfalls: readonly Shortfall[];
}

/**
 * A submission's volume. More than a zip code holds earns nothing, and makes up for nothing elsewhere. Zip codes that
 * the store did not give out count neither for nor against.
 */
export function volumeOf(check: SubmissionCheck, held: Held): Volume {
  let counted = 0;
  let whole = 0;
  const shortfalls: Shortfall[] = [];
  for (const [zipCode, listings] of held) {
    if (check.outOfReach.has(zipCode)) continue;
    const accepted = check.accepted.get(zipCode)?.length ?? 0;
    counted += Math.min(accepted, listings);
    whole += listings;
    if (accepted < listings) shortfalls.push({ zipCode, accepted, held: listings });
  }
  return { bps: whole === 0 ? 0 : Math.floor((10_000 * counted) / whole), shortfalls };
}
