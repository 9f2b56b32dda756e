import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type Catalogue, CatalogueSchema, type Rules } from "../gen/zipnet/v1/epoch_pb.js";
import { bandOf } from "./draw-problem.js";
import { type DrawResult, drawZipCodes } from "./draw.js";
import { sha256Of } from "./hash.js";
import { randomSequence, shuffled } from "./random.js";
import { defaultRules } from "./rules.js";

/** A catalogue of zip codes 10000, 10001, ... that expect so many listings each. */
function catalogueOf(sizes: readonly number[]): Catalogue {
  const entries = sizes.map((expectedListings, i) => ({ zipCode: String(10_000 + i), state: "WA", expectedListings }));
  return create(CatalogueSchema, { entries });
}

function rulesOf(rules: Partial<Rules>): Rules {
  return { ...defaultRules(14_400), minExpectedListings: 1, ...rules };
}

function draw(catalogue: Catalogue, rules: Rules, seed = "seed", recent: Iterable<string> = []): DrawResult {
  return drawZipCodes({ catalogue, rules, recentZipCodes: new Set(recent), seed: sha256Of(seed) });
}

function drawn(result: DrawResult): { zips: string[]; sum: number } {
  assert.ok(result.ok, result.ok ? "" : result.problem);
  const sum = result.zipCodes.reduce((total, entry) => total + entry.expectedListings, 0);
  assert.equal(result.expectedListings, sum);
  return { zips: result.zipCodes.map((entry) => entry.zipCode), sum };
}

function problemOf(result: DrawResult): string {
  assert.ok(!result.ok, "the draw landed");
  return result.problem;
}

/** Every sum that a set of the sizes has. */
function allSums(sizes: readonly number[]): Set<number> {
  let sums = [0];
  for (const size of sizes) sums = [...new Set(sums.flatMap((sum) => [sum, sum + size]))];
  return new Set(sums);
}

const smallPool = fc.record({
  sizes: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }),
  targetListings: fc.integer({ min: 1, max: 300 }),
  toleranceBps: fc.constantFrom(1, 50, 300, 1_000, 5_000),
  seed: fc.string(),
});

describe("the draw", () => {
  it("lands in the band exactly when a brute-force search finds a set that does", () => {
    let landed = 0;
    let missed = 0;
    const property = fc.property(smallPool, ({ sizes, targetListings, toleranceBps, seed }) => {
      const rules = rulesOf({ targetListings, toleranceBps });
      const { low, high } = bandOf(rules);
      const possible = [...allSums(sizes)].some((sum) => sum >= low && sum <= high);
      const result = draw(catalogueOf(sizes), rules, seed);
      assert.equal(result.ok, possible);
      if (!result.ok) return void (missed += 1);
      landed += 1;
      const { zips, sum } = drawn(result);
      assert.ok(Math.abs(sum - targetListings) * 10_000 <= toleranceBps * targetListings, `${sum}`);
      assert.deepEqual(zips, [...new Set(zips)].sort());
    });
    fc.assert(property, { numRuns: 1_000 });
    assert.ok(landed > 50 && missed > 50, `${landed} landed, ${missed} missed: the pools are one-sided`);
  });

  it("finds a set where shuffling has next to no chance", () => {
    // The band is 40,034 to 40,042: 40 of the 80, at most 6 of them of the smaller size. One shuffle in 10^14 has that.
    const sizes = Array.from({ length: 80 }, (_, i) => 1_000 + (i % 2));
    const rules = rulesOf({ targetListings: 40_038, toleranceBps: 1, maxExpectedListings: 2_000 });
    for (const seed of ["a", "b", "c"]) drawn(draw(catalogueOf(sizes), rules, seed));
  });

  it("is the same for the same seed, another for another, and blind to the order of the catalogue", () => {
    const sizes = Array.from({ length: 300 }, (_, i) => 20 + ((i * 37) % 400));
    const catalogue = catalogueOf(sizes);
    const rules = rulesOf({});
    const first = drawn(draw(catalogue, rules, "a"));
    const mixed = create(CatalogueSchema, { entries: shuffled(catalogue.entries, randomSequence(sha256Of("mix"))) });
    assert.deepEqual(drawn(draw(mixed, rules, "a")), first);
    assert.notDeepEqual(drawn(draw(catalogue, rules, "b")), first);
  });

  it("has published vectors", () => {
    // Each was computed by a second program, in another language, from the description in draw.ts.
    const vector = (sizes: readonly number[], targetListings: number, toleranceBps: number) => {
      const rules = rulesOf({ targetListings, toleranceBps, maxExpectedListings: 2_000 });
      return drawn(draw(catalogueOf(sizes), rules, "zipnet")).zips.map((zip) => Number(zip) - 10_000);
    };
    const sizes = [40, 10, 30, 20, 50, 60, 70, 80, 90, 15];
    assert.deepEqual(vector(sizes, 150, 1_000), [2, 5, 6], "lands in the fourth attempt");
    assert.deepEqual(vector(sizes, 440, 1), [0, 2, 3, 4, 5, 6, 7, 8], "lands by passing over, in the 13th attempt");
    const twins = Array.from({ length: 30 }, (_, i) => (i < 15 ? 1_000 : 1_010));
    const exact = [11, 16, 18, 19, 20, 22, 23, 25, 26, 29];
    assert.deepEqual(vector(twins, 10_090, 1), exact, "lands by the exact search");
  });

  it("draws only what the rules allow and what is in no cooldown", () => {
    const pool = fc.array(
      fc.record({
        size: fc.integer({ min: 0, max: 30 }),
        state: fc.constantFrom("CA", "OR", "WA"),
        recent: fc.boolean(),
      }),
      { minLength: 20, maxLength: 60 },
    );
    const rules = rulesOf({
      targetListings: 60,
      minExpectedListings: 3,
      maxExpectedListings: 25,
      includeStates: ["OR", "WA"],
      excludeStates: ["OR"],
    });
    fc.assert(
      fc.property(pool, (rows) => {
        const entries = rows.map(({ size, state }, i) => ({
          zipCode: String(10_000 + i),
          state,
          expectedListings: size,
        }));
        const recent = entries.filter((_, i) => rows[i]?.recent).map((entry) => entry.zipCode);
        const result = draw(create(CatalogueSchema, { entries }), rules, "seed", recent);
        fc.pre(result.ok);
        for (const entry of result.ok ? result.zipCodes : []) {
          assert.ok(entry.expectedListings >= 3 && entry.expectedListings <= 25 && entry.state === "WA");
          assert.ok(!recent.includes(entry.zipCode));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("draws every zip code equally often, whatever its place in the catalogue", () => {
    const count = 40;
    const draws = 2_000;
    const catalogue = catalogueOf(Array<number>(count).fill(25));
    const rules = rulesOf({ targetListings: 250, toleranceBps: 1_000 });
    const times = new Map<string, number>();
    for (let i = 0; i < draws; i += 1) {
      for (const zip of drawn(draw(catalogue, rules, `draw ${i}`)).zips) times.set(zip, (times.get(zip) ?? 0) + 1);
    }
    const perDraw = 9;
    assert.equal(
      [...times.values()].reduce((sum, value) => sum + value),
      perDraw * draws,
    );
    const expected = (perDraw * draws) / count;
    const chiSquare = catalogue.entries.reduce(
      (sum, { zipCode }) => sum + ((times.get(zipCode) ?? 0) - expected) ** 2 / expected,
      0,
    );
    // Drawing without replacement spreads less than a multinomial: by (count - perDraw) / (count - 1). 39 degrees of
    // freedom: a chance of 1 in 1,000 lies above 72.1 and below 17.3, and the seeds are fixed.
    const scaled = (chiSquare * (count - 1)) / (count - perDraw);
    assert.ok(scaled < 72.1 && scaled > 17.3, `chi-square ${scaled}`);
  });

  it("does not favour small zip codes, and hardly large ones, where sizes differ", () => {
    const sizes = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 20 : 180));
    const rules = rulesOf({ targetListings: 2_000, toleranceBps: 1_000 });
    const times = { small: 0, large: 0 };
    for (let i = 0; i < 1_000; i += 1) {
      const result = draw(catalogueOf(sizes), rules, `draw ${i}`);
      assert.ok(result.ok);
      for (const entry of result.zipCodes) times[entry.expectedListings === 20 ? "small" : "large"] += 1;
    }
    const { small, large } = times;
    assert.ok(Math.abs(large / small - 1) < 0.1, `${small} small, ${large} large`);
  });

  it("is quick on a nationwide catalogue", () => {
    const catalogue = catalogueOf(Array.from({ length: 33_000 }, (_, i) => (i * 7_919) % 900));
    const { sum } = drawn(draw(catalogue, defaultRules(14_400)));
    assert.ok(sum >= 9_000 && sum <= 11_000);
  });
});

describe("a draw that cannot land", () => {
  it("says how many listings are missing, and which changes would do", () => {
    const catalogue = catalogueOf([2, 900, ...Array<number>(12).fill(300), 400]);
    const rules = rulesOf({ minExpectedListings: 5, targetListings: 10_000 });
    const problem = problemOf(draw(catalogue, rules, "seed", ["10014"]));
    assert.equal(
      problem,
      "the 12 eligible zip codes expect 3,600 listings together, 5,400 fewer than the least allowed 9,000: " +
        "lower target_listings to at most 4,000, or lower cooldown_epochs below 42 " +
        "(1 zip code with 400 listings in cooldown), or lower min_expected_listings below 5, " +
        "or raise max_expected_listings above 800",
    );
    drawn(draw(catalogue, { ...rules, targetListings: 4_000 }, "seed", ["10014"]));
    problemOf(draw(catalogue, { ...rules, targetListings: 4_001 }, "seed", ["10014"]));
  });

  it("says why nothing is eligible", () => {
    const problem = problemOf(
      draw(catalogueOf([2, 3, 900, 100]), { ...rulesOf({}), minExpectedListings: 5 }, "s", ["10003"]),
    );
    assert.equal(
      problem,
      "none of the 4 zip codes is eligible: 2 have fewer listings than min_expected_listings, 5; " +
        "1 have more listings than max_expected_listings, 800; 1 have to wait out cooldown_epochs, 42; change one of these rules",
    );
    const elsewhere = problemOf(draw(catalogueOf([100]), rulesOf({ includeStates: ["NY"] })));
    assert.match(elsewhere, /1 have a state that include_states and exclude_states do not allow/);
  });

  it("names changes that do help, whatever the pool", () => {
    const property = fc.property(smallPool, ({ sizes, targetListings, toleranceBps, seed }) => {
      const rules = rulesOf({ targetListings, toleranceBps });
      const result = draw(catalogueOf(sizes), rules, seed);
      fc.pre(!result.ok);
      const problem = problemOf(result);
      const number = (pattern: RegExp) => Number(pattern.exec(problem)?.[1]?.replaceAll(",", "") ?? Number.NaN);
      const target = number(/target_listings to (?:at most |at least )?([\d,]+)/);
      assert.ok(
        draw(catalogueOf(sizes), { ...rules, targetListings: target }, seed).ok,
        `${problem}: the target does not help`,
      );
      const tolerance = number(/tolerance_bps to at least ([\d,]+)/);
      if (Number.isNaN(tolerance)) return;
      assert.ok(
        draw(catalogueOf(sizes), { ...rules, toleranceBps: tolerance }, seed).ok,
        `${problem}: the tolerance does not help`,
      );
    });
    fc.assert(property, { numRuns: 500 });
  });
});
