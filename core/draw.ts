/**
 * The draw of an epoch's zip codes, "zipnet-draw-v1": uniformly random, without replacement, from the eligible ones, so
 * that their expected listings add up to the target within the tolerance.
 *
 * 1. Eligible are the catalogue's entries that the rules allow and that are in no cooldown, ascending by zip code.
 * 2. The band reaches from target × (10,000 - tolerance) / 10,000, rounded up, to target × (10,000 + tolerance) / 10,000,
 *    rounded down.
 * 3. From one random sequence (core/random.ts, started with the seed) the eligible entries are shuffled, and taken from
 *    the front until the sum is in the band. An entry that would lift the sum above the band ends the attempt, and the
 *    entries, in their order by zip code, are shuffled anew. The first 8 attempts go so: passing entries over would
 *    favour the small ones.
 * 4. In the next 8 attempts an entry that would lift the sum above the band is passed over.
 * 5. After them the eligible entries are shuffled once more, and core/subset-sum.ts finds a set in the band, whenever
 *    there is one.
 *
 * With the default rules the band is wider than any entry, so that the first attempt always lands. Integers only.
 */
import type { Catalogue, CatalogueEntry, Rules } from "../gen/zipnet/v1/epoch_pb.js";
import { type Band, bandOf, explainMiss, isInStates, sumOf } from "./draw-problem.js";
import { randomSequence, shuffled } from "./random.js";
import { subsetWithSum } from "./subset-sum.js";

/** Name of the algorithm, as epochs carry it. */
export const SELECTION_VERSION = "zipnet-draw-v1";

const STRICT_ATTEMPTS = 8;
const ATTEMPTS = 16;

/** What a draw is made of. */
export interface DrawInput {
  readonly catalogue: Catalogue;
  /** Valid rules. */
  readonly rules: Rules;
  /** Zip codes in cooldown. */
  readonly recentZipCodes: ReadonlySet<string>;
  /** Of any length; buildEpoch makes it with drawSeed. */
  readonly seed: Uint8Array;
}

/** The drawn zip codes, ascending, and their sum; or the problem: which rule to change, and by how much. */
export type DrawResult =
  { ok: true; zipCodes: CatalogueEntry[]; expectedListings: number } | { ok: false; problem: string };

/** Draws. Lands whenever any set of eligible zip codes can. The order of the catalogue's entries does not matter. */
export function drawZipCodes(input: DrawInput): DrawResult {
  const band = bandOf(input.rules);
  const eligible = eligibleEntries(input);
  const random = randomSequence(input.seed);
  const missed = (nearestBelow: number): DrawResult => ({
    ok: false,
    problem: explainMiss({ catalogue: input.catalogue, rules: input.rules, eligible, band, nearestBelow }),
  });
  if (sumOf(eligible) < band.low) return missed(sumOf(eligible));
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const taken = takeFromFront(shuffled(eligible, random), band, attempt >= STRICT_ATTEMPTS);
    if (taken !== undefined) return landed(taken);
  }
  const found = subsetWithSum(shuffled(eligible, random), (entry) => entry.expectedListings, band.low, band.high);
  return found.picked === undefined ? missed(found.nearestBelow) : landed(found.picked);
}

/** Entries that may be drawn, ascending by zip code. */
function eligibleEntries({ catalogue, rules, recentZipCodes }: Omit<DrawInput, "seed">): CatalogueEntry[] {
  return catalogue.entries
    .filter((entry) => isAllowed(entry, rules) && !recentZipCodes.has(entry.zipCode))
    .sort((a, b) => (a.zipCode < b.zipCode ? -1 : 1));
}

function isAllowed(entry: CatalogueEntry, rules: Rules): boolean {
  return (
    entry.expectedListings >= rules.minExpectedListings &&
    entry.expectedListings <= rules.maxExpectedListings &&
    isInStates(entry, rules)
  );
}

function takeFromFront(order: readonly CatalogueEntry[], band: Band, passOver: boolean): CatalogueEntry[] | undefined {
  const taken: CatalogueEntry[] = [];
  let sum = 0;
  for (const entry of order) {
    if (sum + entry.expectedListings > band.high) {
      if (passOver) continue;
      return undefined;
    }
    taken.push(entry);
    sum += entry.expectedListings;
    if (sum >= band.low) return taken;
  }
  return undefined;
}

function landed(picked: readonly CatalogueEntry[]): DrawResult {
  const zipCodes = [...picked].sort((a, b) => (a.zipCode < b.zipCode ? -1 : 1));
  return { ok: true, zipCodes, expectedListings: sumOf(zipCodes) };
}
