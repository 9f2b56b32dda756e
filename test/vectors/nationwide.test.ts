/** The draw on the zip codes of the US, where their file is there. */
import assert from "node:assert/strict";
import { benchCatalogue } from "../../bench/catalogue.js";
import { goalOf, bandOf, largestOf } from "../../core/draw/band.js";
import { drawPool } from "../../core/draw/pool.js";
import { simulateDraws } from "../../core/draw/simulate.js";
import { isProven, supplyOf } from "../../core/draw/sustain.js";
import { defaultRules } from "../../core/rules.js";

const { catalogue, kind } = benchCatalogue();
const missing = kind === "real" ? "" : " (skipped: ../shared/data/zip_seed.csv is not there)";

(missing === "" ? describe : describe.skip)(`the draw on 33,102 real zip codes${missing}`, () => {
  it("lands at the target in 300 epochs in a row, and repeats nothing inside the cooldown", () => {
    const rules = defaultRules(14_400);
    const pool = drawPool(catalogue, rules);
    const largest = largestOf(pool.allowed);
    assert.equal(goalOf(rules, bandOf(rules), largest), rules.targetListings);
    assert.ok(isProven(supplyOf(pool, 0, new Map())));
    const lastDrawn = new Map<string, number>();
    for (const { number, result } of simulateDraws({
      pool,
      first: 0,
      epochs: 300,
      lastDrawn: new Map(),
      seed: "nationwide",
    })) {
      assert.ok(result.ok && result.attempts === 1);
      assert.ok(result.expectedListings >= 10_000 && result.expectedListings < 10_000 + largest);
      for (const { zipCode } of result.zipCodes) {
        assert.ok(number - (lastDrawn.get(zipCode) ?? -Infinity) > rules.cooldownEpochs);
        lastDrawn.set(zipCode, number);
      }
    }
  });
});
