/**
 * The draw of an epoch's zip codes, "zipnet-draw-v1": uniformly random, without replacement, from the eligible ones, so
 * that their expected listings add up to the target within the tolerance. docs/selection.md specifies it for other
 * languages, with test vectors, and says what it does to the chances of each zip code.
 *
 * 1. Eligible are the catalogue's entries that the rules allow and that are in no cooldown, ascending by zip code.
 * 2. Entries are taken out of an urn (core/draw/urn.ts) with one random sequence (core/random.ts, started with the seed)
 *    until the sum reaches the goal (core/draw/band.ts). Where nothing is left before that, a sum in the band will do.
 * 3. A sum above the band ends the attempt, and the urn is refilled: passing entries over would favour the small ones.
 *    So go up to 1,000 attempts. With the default rules the band is wider than any entry, and the first always lands.
 * 4. After them everything is taken out once more, and core/draw/subset-sum.ts finds a set in the band among the entries
 *    in this order, whenever there is one.
 *
 * Integers only.
 */
import type { CatalogueEntry } from "../../gen/zipnet/v1/epoch_pb.js";
import { randomSequence } from "../random.js";
import { type Band, bandOf, goalOf, largestOf, sumOf } from "./band.js";
import { canLand, searchSet } from "./can-land.js";
import { type DrawPool, type LastDrawn, eligibleEntries } from "./pool.js";
import { explainMiss } from "./problem.js";
import { type Urn, urnOf } from "./urn.js";

/** Name of the algorithm, as epochs carry it. */
export const SELECTION_VERSION = "zipnet-draw-v1";

/** Attempts before the search for a set. */
export const ATTEMPTS = 1_000;
/** Failed attempts after which it is looked whether any set can land at all. */
const DOUBTFUL_ATTEMPTS = 20;

/** What a draw is made of. */
export interface DrawInput {
  readonly pool: DrawPool;
  /** Number of the epoch that is drawn. */
  readonly number: number;
  /** Draws in epochs before this one; those before the cooldown do no harm. */
  readonly lastDrawn: LastDrawn;
  /** Of any length; buildEpoch makes it with drawSeed. */
  readonly seed: Uint8Array;
}

/** A draw that landed in the band. */
export interface Drawn {
  readonly ok: true;
  /** Ascending by zip code. */
  readonly zipCodes: readonly CatalogueEntry[];
  /** Their sum. */
  readonly expectedListings: number;
  /** Attempts that it took; one more than ATTEMPTS when the search for a set found it. */
  readonly attempts: number;
}

/** A draw that could not land. */
interface NotDrawn {
  readonly ok: false;
  /** Why, which rules to change, and by how much. Takes some time. */
  readonly explain: () => string;
}

/** What came of a draw. */
export type DrawResult = Drawn | NotDrawn;

/** Draws. Lands whenever any set of eligible zip codes can. */
export function drawZipCodes(input: DrawInput): DrawResult {
  const { pool, number, lastDrawn } = input;
  const band = bandOf(pool.rules);
  const eligible = eligibleEntries(pool, number, lastDrawn);
  const missed: NotDrawn = { ok: false, explain: () => explainMiss({ pool, number, lastDrawn, eligible, band }) };
  if (sumOf(eligible) < band.low) return missed;
  const goal = goalOf(pool.rules, band, largestOf(eligible));
  const urn = urnOf(eligible, pool.weightOf, randomSequence(input.seed));
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const taken = takeUpTo(goal, urn, band);
    if (taken !== undefined) return landed(taken, attempt);
    urn.refill();
    // Where no set is in the band, the other attempts and the search would come to nothing as well.
    if (attempt === DOUBTFUL_ATTEMPTS && !canLand(eligible, band)) return missed;
  }
  const { picked } = searchSet(takeAll(urn), band);
  return picked === undefined ? missed : landed(picked, ATTEMPTS + 1);
}

/** Takes entries out until their sum reaches the goal; undefined when it ends outside the band. */
function takeUpTo(goal: number, urn: Urn, band: Band): CatalogueEntry[] | undefined {
  const taken: CatalogueEntry[] = [];
  let sum = 0;
  while (sum < goal) {
    const entry = urn.take();
    if (entry === undefined) break;
    taken.push(entry);
    sum += entry.expectedListings;
  }
  return sum >= band.low && sum <= band.high ? taken : undefined;
}

function takeAll(urn: Urn): CatalogueEntry[] {
  const taken: CatalogueEntry[] = [];
  for (let entry = urn.take(); entry !== undefined; entry = urn.take()) taken.push(entry);
  return taken;
}

function landed(picked: readonly CatalogueEntry[], attempts: number): Drawn {
  const zipCodes = picked.toSorted((a, b) => (a.zipCode < b.zipCode ? -1 : 1));
  return { ok: true, zipCodes, expectedListings: sumOf(zipCodes), attempts };
}
