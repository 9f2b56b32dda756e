/**
 * Volume: accepted distinct listings against what each zip code really holds, by the consensus of the honest.
 */
import { byText } from "./apportion.js";
import type { SubmissionCheck } from "./submission-check.js";

/** Listings that each zip code holds by consensus, ascending by zip code. Zip codes that nobody covers are not in it. */
export type Consensus = ReadonlyMap<string, number>;

/**
 * The consensus of these submissions: per zip code the lower median of the accepted counts of those that cover it.
 * A submission covers a zip code when at least one of its listings there is accepted.
 */
export function consensusOf(honest: readonly SubmissionCheck[]): Consensus {
  const counts = new Map<string, number[]>();
  for (const check of honest) {
    for (const [zipCode, ids] of check.accepted) counts.set(zipCode, [...(counts.get(zipCode) ?? []), ids.length]);
  }
  const medians = [...counts].map(([zipCode, values]): [string, number] => [zipCode, lowerMedian(values)]);
  return new Map(medians.sort(([a], [b]) => byText(a, b)));
}

function lowerMedian(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

/** Listings that a submission lacks in one zip code. */
interface Shortfall {
  readonly zipCode: string;
  readonly accepted: number;
  readonly consensus: number;
}

/** Volume of one submission. */
export interface Volume {
  /** 0 to 10,000 basis points. */
  readonly bps: number;
  /** Ascending by zip code. */
  readonly shortfalls: readonly Shortfall[];
}

/**
 * A submission's volume. More than the consensus earns nothing, and makes up for nothing elsewhere. Zip codes that
 * the store did not give out count neither for nor against.
 */
export function volumeOf(check: SubmissionCheck, consensus: Consensus): Volume {
  let held = 0;
  let expected = 0;
  const shortfalls: Shortfall[] = [];
  for (const [zipCode, count] of consensus) {
    if (check.outOfReach.has(zipCode)) continue;
    const accepted = check.accepted.get(zipCode)?.length ?? 0;
    held += Math.min(accepted, count);
    expected += count;
    if (accepted < count) shortfalls.push({ zipCode, accepted, consensus: count });
  }
  return { bps: expected === 0 ? 0 : Math.floor((10_000 * held) / expected), shortfalls };
}
