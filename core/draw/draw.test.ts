import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { CatalogueSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { sha256Of } from "../hash.js";
import { randomSequence, shuffled } from "../random.js";
import { defaultRules } from "../rules.js";
import { bandOf, goalOf, holdsEvery, largestOf, sumOf } from "./band.js";
import { drawZipCodes } from "./draw.js";
import { NUMBER, allSums, catalogueOf, draw, landedOf, rulesOf, smallPool, weightsOf } from "./kit.test-support.js";
import { drawPool, eligibleEntries } from "./pool.js";

describe("the draw", () => {
  it("lands in the band exactly when trying all sets finds one that does", () => {
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
      const { expectedListings } = landedOf(result);
      assert.ok(Math.abs(expectedListings - targetListings) * 10_000 <= toleranceBps * targetListings);
    });
    fc.assert(property, { numRuns: 1_000 });
    assert.ok(landed > 50 && missed > 50, `${landed} landed, ${missed} missed: the pools are one-sided`);
  });

  it("lands in the first attempt, between goal and band's end, wherever the band is wider than the largest", () => {
    // Feasibility of large pools, by argument: below the goal every entry fits, so only too small a pool can miss.
    const largePool = fc.record({
      sizes: fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 20, maxLength: 400 }),
      targetListings: fc.integer({ min: 1_000, max: 30_000 }),
      toleranceBps: fc.integer({ min: 100, max: 5_000 }),
      states: fc.constantFrom(["WA"], ["CA", "WA"]),
      seed: fc.string(),
    });
    let landed = 0;
    const property = fc.property(largePool, ({ sizes, targetListings, toleranceBps, states, seed }) => {
      const stateWeights = weightsOf({ CA: 300 });
      const rules = rulesOf({ targetListings, toleranceBps, maxExpectedListings: 1_000, stateWeights });
      const band = bandOf(rules);
      const largest = Math.max(...sizes);
      fc.pre(holdsEvery(band, largest));
      const total = sizes.reduce((sum, size) => sum + size);
      const result = draw(catalogueOf(sizes, states), rules, seed);
      assert.equal(result.ok, total >= band.low);
      if (!result.ok) return;
      landed += 1;
      const { attempts, expectedListings } = landedOf(result);
      assert.equal(attempts, 1);
      assert.ok(expectedListings >= Math.min(total, goalOf(rules, band, largest)) && expectedListings <= band.high);
    });
    fc.assert(property, { numRuns: 500 });
    assert.ok(landed > 100, `${landed} landed`);
  });

  it("stops at the target where the band leaves room above it for the largest zip code", () => {
    const rules = rulesOf({ targetListings: 10_000, toleranceBps: 1_000 });
    const band = bandOf(rules);
    assert.deepEqual(band, { low: 9_000, high: 11_000 });
    assert.deepEqual(
      [375, 1_001, 1_002, 2_001, 2_002, 9_999].map((largest) => goalOf(rules, band, largest)),
      [10_000, 10_000, 9_999, 9_000, 9_000, 9_000],
    );
  });

  it("finds a set where shuffling has next to no chance", () => {
    // The band is 40,034 to 40,042: 40 of the 80, at most 6 of them of the smaller size. One shuffle in 10^14 has that.
    const sizes = Array.from({ length: 80 }, (_, i) => 1_000 + (i % 2));
    const rules = rulesOf({ targetListings: 40_038, toleranceBps: 1, maxExpectedListings: 2_000 });
    for (const seed of ["a", "b", "c"]) {
      assert.equal(landedOf(draw(catalogueOf(sizes), rules, seed)).attempts, 1_001);
    }
  });

  it("is the same for the same seed, another for another, and blind to the order of the catalogue", () => {
    const property = fc.property(
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 150, maxLength: 300 }),
      fc.string(),
      (sizes, seed) => {
        const catalogue = catalogueOf(sizes, ["CA", "OR", "WA"]);
        const rules = rulesOf({ stateWeights: weightsOf({ OR: 150 }) });
        fc.pre(sumOf(catalogue.entries) > 11_000);
        const first = landedOf(draw(catalogue, rules, seed));
        const mixed = create(CatalogueSchema, {
          entries: shuffled(catalogue.entries, randomSequence(sha256Of(seed))),
        });
        assert.deepEqual(landedOf(draw(mixed, rules, seed)), first);
        assert.notDeepEqual(landedOf(draw(catalogue, rules, `${seed}.`)).zips, first.zips);
      },
    );
    fc.assert(property, { numRuns: 100 });
  });

  it("draws only what the rules allow", () => {
    const rules = rulesOf({
      targetListings: 60,
      minExpectedListings: 3,
      maxExpectedListings: 25,
      includeStates: ["OR", "WA"],
      excludeStates: ["OR"],
    });
    const property = fc.property(
      fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 20, maxLength: 60 }),
      fc.string(),
      (sizes, seed) => {
        const result = draw(catalogueOf(sizes, ["CA", "OR", "WA"]), rules, seed);
        fc.pre(result.ok);
        for (const { expectedListings, state } of landedOf(result).zipCodes) {
          assert.ok(expectedListings >= 3 && expectedListings <= 25 && state === "WA");
        }
      },
    );
    fc.assert(property, { numRuns: 200 });
  });

  it("draws nothing again inside its cooldown, epoch after epoch", () => {
    const property = fc.property(
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 10, maxLength: 60 }),
      fc.integer({ min: 0, max: 6 }),
      fc.string(),
      (sizes, cooldownEpochs, seed) => {
        const pool = drawPool(catalogueOf(sizes), rulesOf({ targetListings: 150, cooldownEpochs }));
        const lastDrawn = new Map<string, number>();
        for (let number = NUMBER; number < NUMBER + 20; number += 1) {
          const eligible = eligibleEntries(pool, number, lastDrawn);
          const result = drawZipCodes({ pool, number, lastDrawn, seed: sha256Of(`${seed}${number}`) });
          if (holdsEvery(bandOf(pool.rules), largestOf(eligible))) assert.equal(result.ok, sumOf(eligible) >= 135);
          if (!result.ok) continue;
          for (const zip of landedOf(result).zips) {
            assert.ok(number - (lastDrawn.get(zip) ?? -Infinity) > cooldownEpochs, `${zip} in epoch ${number}`);
            lastDrawn.set(zip, number);
          }
        }
      },
    );
    fc.assert(property, { numRuns: 200 });
  });

  it("is the unweighted draw when all weights are equal", () => {
    const catalogue = catalogueOf(
      Array.from({ length: 300 }, (_, i) => 20 + ((i * 37) % 400)),
      ["CA", "WA"],
    );
    const plain = landedOf(draw(catalogue, rulesOf({})));
    for (const percent of [1, 100, 250, 10_000]) {
      const stateWeights = weightsOf({ CA: percent, WA: percent });
      assert.deepEqual(landedOf(draw(catalogue, rulesOf({ stateWeights }))), plain);
    }
    assert.notDeepEqual(landedOf(draw(catalogue, rulesOf({ stateWeights: weightsOf({ CA: 101 }) }))).zips, plain.zips);
  });

  it("soon knows that no set can land where all sums are multiples of a number and none is in the band", () => {
    const sizes = Array.from({ length: 5_000 }, (_, i) => 4_000 * (1 + (i % 250)));
    const rules = rulesOf({ targetListings: 9_998_000, toleranceBps: 1, maxExpectedListings: 1_000_000 });
    assert.equal(draw(catalogueOf(sizes), rules).ok, false);
    landedOf(draw(catalogueOf(sizes), { ...rules, targetListings: 9_996_999 }));
  });

  it("is quick on a nationwide catalogue", () => {
    const catalogue = catalogueOf(Array.from({ length: 33_000 }, (_, i) => (i * 7_919) % 900));
    const { expectedListings } = landedOf(draw(catalogue, defaultRules(14_400)));
    assert.ok(expectedListings >= 9_000 && expectedListings <= 11_000);
  });
});
