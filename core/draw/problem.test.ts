import assert from "node:assert/strict";
import fc from "fast-check";
import { sha256Of } from "../hash.js";
import { drawZipCodes } from "./draw.js";
import { NUMBER, catalogueOf, changesOf, draw, landedOf, problemOf, rulesOf, smallPool } from "./kit.test-support.js";
import { drawPool } from "./pool.js";

describe("a draw that cannot land", () => {
  it("says how many listings are missing, and which changes would do", () => {
    const catalogue = catalogueOf([2, 9_000, ...Array<number>(12).fill(300), 400]);
    const rules = rulesOf({ minExpectedListings: 5, targetListings: 4_440 });
    const problem = problemOf(draw(catalogue, rules, "seed", ["10014"]));
    assert.equal(
      problem,
      "the 12 eligible zip codes expect 3,600 listings together, 396 fewer than the least allowed 3,996: " +
        "lower target_listings to at most 4,000, or lower cooldown_epochs to at most 0",
    );
    const missing = (targetListings: number) => draw(catalogue, { ...rules, targetListings }, "seed", ["10014"]);
    landedOf(missing(4_000));
    problemOf(missing(4_001));
  });

  it("says why nothing is eligible", () => {
    const rules = { ...rulesOf({}), minExpectedListings: 5 };
    const problem = problemOf(draw(catalogueOf([2, 3, 900, 100]), rules, "s", ["10003"]));
    assert.equal(
      problem,
      "none of the 4 zip codes is eligible: 2 have fewer listings than min_expected_listings, 5; " +
        "1 have more listings than max_expected_listings, 800; 1 have to wait out cooldown_epochs, 42: " +
        "no single rule's change would do; change several, or take a larger catalogue",
    );
    const elsewhere = problemOf(
      draw(catalogueOf([100]), rulesOf({ includeStates: ["NY"], targetListings: 100, cooldownEpochs: 0 })),
    );
    assert.equal(
      elsewhere,
      "none of the 1 zip code is eligible: 1 have a state that include_states and exclude_states do not allow: " +
        "allow more states with include_states and exclude_states",
    );
  });

  it("says how much shorter the cooldown must be, by when each zip code was drawn", () => {
    const pool = drawPool(
      catalogueOf(Array<number>(60).fill(100)),
      rulesOf({ targetListings: 1_000, cooldownEpochs: 9 }),
    );
    const lastDrawn = new Map(pool.allowed.map(({ zipCode }, i) => [zipCode, NUMBER - 1 - Math.floor(i / 10)]));
    const result = drawZipCodes({ pool, number: NUMBER, lastDrawn, seed: sha256Of("seed") });
    assert.match(problemOf(result), /lower cooldown_epochs to at most 5/);
  });

  it("names changes that do help, whatever the pool", () => {
    let checked = 0;
    const recent = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 });
    const property = fc.property(smallPool, recent, fc.integer({ min: 1, max: 40 }), (pool, waits, smallest) => {
      const { sizes, targetListings, toleranceBps, seed } = pool;
      const rules = rulesOf({ targetListings, toleranceBps, minExpectedListings: smallest, maxExpectedListings: 50 });
      const waiting = sizes.flatMap((_, i) => (waits[i] === true ? [String(10_000 + i)] : []));
      const result = draw(catalogueOf(sizes), rules, seed, waiting);
      fc.pre(!result.ok);
      const problem = problemOf(result);
      for (const change of changesOf(problem)) {
        checked += 1;
        const remedied = draw(catalogueOf(sizes), { ...rules, ...change }, seed, waiting);
        assert.ok(remedied.ok, `${problem}: ${JSON.stringify(change)} does not help`);
      }
    });
    fc.assert(property, { numRuns: 500 });
    assert.ok(checked > 200, `${checked} changes were checked`);
  });
});
