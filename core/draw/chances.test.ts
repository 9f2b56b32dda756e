/**
 * Every eligible zip code has the same chance. The statistic is chi-square over 100,000 draws with fixed seeds; an honest
 * draw exceeds the threshold with a chance of 1 in 1,000, and being deterministic, it either does so for ever or never.
 */
import assert from "node:assert/strict";
import type { CatalogueEntry, Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { sha256Of } from "../hash.js";
import { randomSequence } from "../random.js";
import { type Drawn, drawZipCodes } from "./draw.js";
import { NUMBER, catalogueOf, rulesOf, weightsOf } from "./kit.test-support.js";
import { type DrawPool, drawPool } from "./pool.js";
import { urnOf } from "./urn.js";

const DRAWS = 100_000;
const NEVER_DRAWN = new Map<string, number>();

/** 200 zip codes that expect 20 to 59 listings. A draw takes about 25, well inside a band that no entry can jump over. */
const SIZES = Array.from({ length: 200 }, (_, i) => 20 + ((i * 29) % 40));
const RULES = rulesOf({ targetListings: 1_000, toleranceBps: 1_000 });

/** 199 degrees of freedom: the value that a chi-square variable exceeds with a chance of 1 in 1,000. */
const THRESHOLD_199 = 267.5;

type Draw = (pool: DrawPool, seed: Uint8Array) => readonly CatalogueEntry[];

const ours: Draw = (pool, seed) =>
  (drawZipCodes({ pool, number: NUMBER, lastDrawn: NEVER_DRAWN, seed }) as Drawn).zipCodes;

/** Draws at random until one more could reach the target, then takes the one that comes nearest to it. */
const withGreedyLastPick: Draw = (pool, seed) => {
  const urn = urnOf(pool.allowed, pool.weightOf, randomSequence(seed));
  const { targetListings } = pool.rules;
  const taken: CatalogueEntry[] = [];
  let sum = 0;
  while (targetListings - sum > 59) {
    const entry = urn.take() as CatalogueEntry;
    taken.push(entry);
    sum += entry.expectedListings;
  }
  const misses = (entry: CatalogueEntry): number => Math.abs(targetListings - sum - entry.expectedListings);
  const left = pool.allowed.filter((entry) => !taken.includes(entry));
  return [...taken, left.reduce((best, entry) => (misses(entry) < misses(best) ? entry : best))];
};

/** How often each zip code was drawn, in the order of the pool. */
function timesDrawn(draw: Draw, sizes: readonly number[], rules: Rules, draws: number): number[] {
  const pool = drawPool(catalogueOf(sizes, ["CA", "WA"]), rules);
  const times = new Map(pool.allowed.map((entry) => [entry.zipCode, 0]));
  for (let i = 0; i < draws; i += 1) {
    for (const { zipCode } of draw(pool, sha256Of(`draw ${i}`))) times.set(zipCode, (times.get(zipCode) ?? 0) + 1);
  }
  return [...times.values()];
}

/**
 * Chi-square of equal chances. Drawing k of n without replacement spreads less than a multinomial does, by the factor
 * (n - k) / (n - 1); the statistic is scaled by it.
 */
function chiSquareOf(times: readonly number[], draws: number): number {
  const total = times.reduce((sum, value) => sum + value, 0);
  const [n, k] = [times.length, total / draws];
  const expected = total / n;
  const plain = times.reduce((sum, value) => sum + (value - expected) ** 2 / expected, 0);
  return (plain * (n - 1)) / (n - k);
}

describe("the chances of a draw", function () {
  this.timeout(60_000);

  it("are equal over 100,000 draws of 200 zip codes of different sizes", () => {
    const chiSquare = chiSquareOf(timesDrawn(ours, SIZES, RULES, DRAWS), DRAWS);
    assert.ok(chiSquare < THRESHOLD_199, `chi-square ${chiSquare}`);
    // Far too even would be as suspicious: a chance of 1 in 1,000 lies below 143.8.
    assert.ok(chiSquare > 143.8, `chi-square ${chiSquare}`);
  });

  it("would be seen to be unequal by the same statistic if the last pick were made greedily", () => {
    // With fewer draws, even: what is unequal grows with their number.
    const chiSquare = chiSquareOf(timesDrawn(withGreedyLastPick, SIZES, RULES, 30_000), 30_000);
    assert.ok(chiSquare > 2 * THRESHOLD_199, `chi-square ${chiSquare}`);
  });

  it("are those of the weights, exactly, for the first zip code taken", () => {
    // All expect as many listings as the target, so each draw takes one. Weights are 250 percent and the usual 100.
    const rules = rulesOf({ targetListings: 50, toleranceBps: 1_000, stateWeights: weightsOf({ CA: 250 }) });
    const count = 20;
    const times = timesDrawn(ours, Array<number>(count).fill(50), rules, DRAWS);
    const chiSquare = times.reduce((sum, value, i) => {
      const expected = ((i % 2 === 0 ? 250 : 100) * DRAWS) / (350 * (count / 2));
      return sum + (value - expected) ** 2 / expected;
    }, 0);
    // 19 degrees of freedom: a chance of 1 in 1,000 lies above 43.8 and below 5.4.
    assert.ok(chiSquare < 43.8 && chiSquare > 5.4, `chi-square ${chiSquare}`);
  });

  it("differ by no more than the part of the pool that a zip code makes up, where the band is wide", () => {
    // One zip code of 250 among 90 of 25, a pool of 2,500; the goal is 951. The large one is drawn when it stands among
    // the first 39, as many as it takes of the others to reach the goal. It then saves up to ten of them their place.
    const sizes = [250, ...Array<number>(90).fill(25)];
    const rules = rulesOf({ targetListings: 1_000, toleranceBps: 2_000 });
    const draws = 20_000;
    const [large = 0, ...others] = timesDrawn(ours, sizes, rules, draws);
    const chance = large / draws;
    const average = others.reduce((sum, value) => sum + value, 0) / others.length / draws;
    assert.ok(Math.abs(chance - 39 / 91) < 0.012, `${chance}`);
    // By the formula in docs/selection.md, (2,500 - 25) / (2,500 - 250).
    assert.ok(Math.abs(chance / average - 1.1) < 0.03, `${chance} against ${average}`);
  });

  it("do not favour small zip codes, and hardly large ones, where some jump over the band", () => {
    const sizes = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 20 : 480));
    const rules = rulesOf({ targetListings: 2_000, toleranceBps: 1_000 });
    const times = timesDrawn(ours, sizes, rules, 5_000);
    const of = (remainder: number): number => times.reduce((sum, n, i) => sum + (i % 2 === remainder ? n : 0), 0);
    const ratio = of(1) / of(0);
    assert.ok(ratio > 0.5 && ratio < 1.5, `large to small ${ratio}`);
  });
});
