import assert from "node:assert/strict";
import fc from "fast-check";
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { bandOf, sumOf } from "./band.js";
import { NUMBER, catalogueOf, changesOf, rulesOf } from "./kit.test-support.js";
import { type Outlook, lookAhead } from "./outlook.js";
import { drawPool, eligibleEntries } from "./pool.js";
import { simulateDraws } from "./simulate.js";
import { isProven, supplyOf } from "./sustain.js";

/** Pools about as large as the rules need, some too small, with draws before the first epoch. */
const deployment = fc
  .record({
    sizes: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 20, maxLength: 120 }),
    targetListings: fc.integer({ min: 100, max: 600 }),
    toleranceBps: fc.constantFrom(200, 1_000, 2_000),
    cooldownEpochs: fc.integer({ min: 0, max: 6 }),
    minExpectedListings: fc.integer({ min: 1, max: 40 }),
    before: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 60 }),
    seed: fc.string(),
  })
  .map(({ sizes, before, seed, ...rules }) => ({
    catalogue: catalogueOf(sizes),
    rules: rulesOf({ ...rules, maxExpectedListings: 60 }),
    lastDrawn: new Map(before.map((ago, i) => [String(10_000 + i), NUMBER - ago])),
    seed,
  }));

/** Looks ahead without a pause. */
function look(input: Parameters<typeof lookAhead>[0]): Outlook {
  const looking = lookAhead(input);
  for (;;) {
    const { done, value } = looking.next();
    if (done === true) return value;
  }
}

describe("the outlook", function () {
  this.timeout(60_000);

  it("proves nothing that a simulation refutes, and never promises more than is left", () => {
    let proven = 0;
    const property = fc.property(deployment, ({ catalogue, rules, lastDrawn, seed }) => {
      const pool = drawPool(catalogue, rules);
      const supply = supplyOf(pool, NUMBER, lastDrawn);
      const drawn = new Map(lastDrawn);
      for (const { number, result } of simulateDraws({ pool, first: NUMBER, epochs: 40, lastDrawn, seed })) {
        assert.ok(sumOf(eligibleEntries(pool, number, drawn)) >= supply.leastEligible);
        if (isProven(supply)) assert.ok(result.ok, `epoch ${number}`);
        for (const { zipCode } of result.ok ? result.zipCodes : []) drawn.set(zipCode, number);
      }
      if (isProven(supply)) proven += 1;
    });
    fc.assert(property, { numRuns: 300 });
    assert.ok(proven > 5, `${proven} of the pools were proven`);
  });

  it("names changes of single rules with which every draw lands, the proven ones whatever is drawn", () => {
    let changes = 0;
    const property = fc.property(deployment, ({ catalogue, rules, lastDrawn, seed }) => {
      const input = { catalogue, rules, first: NUMBER, epochs: 40, lastDrawn };
      const { missed, problem, remedies } = look(input);
      fc.pre(missed.length > 0);
      assert.notEqual(problem, "");
      for (const change of remedies.flatMap(changesOf)) {
        changes += 1;
        const remedied = { ...rules, ...change };
        assert.deepEqual(look({ ...input, rules: remedied }).missed, [], JSON.stringify(change));
        const pool = drawPool(catalogue, remedied);
        if (!isProven(supplyOf(pool, NUMBER, lastDrawn))) continue;
        // The seed blocks to come are others than the outlook's.
        for (const { number, result } of simulateDraws({ ...input, pool, epochs: 100, seed })) {
          assert.ok(result.ok, `epoch ${number} with ${JSON.stringify(change)}`);
        }
        if (change.cooldownEpochs === undefined) continue;
        const longer: Rules = { ...remedied, cooldownEpochs: change.cooldownEpochs + 1 };
        assert.ok(!isProven(supplyOf(drawPool(catalogue, longer), NUMBER, lastDrawn)), "a longer one would do as well");
      }
    });
    fc.assert(property, { numRuns: 120 });
    assert.ok(changes > 100, `${changes} changes were tried`);
  });

  it("says how long a cooldown a pool can sustain", () => {
    // 60 zip codes of 100: a draw takes 10 of them, 1,000 listings, at most 1,099. It needs 9.
    const catalogue = catalogueOf(Array<number>(60).fill(100));
    const lookWith = (cooldownEpochs: number, lastDrawn = new Map<string, number>()): Outlook => {
      const rules = rulesOf({ targetListings: 1_000, cooldownEpochs });
      assert.deepEqual(bandOf(rules), { low: 900, high: 1_100 });
      return look({ catalogue, rules, first: NUMBER, epochs: 186, lastDrawn });
    };
    assert.deepEqual([lookWith(4).isProven, lookWith(4).missed], [true, []]);
    assert.deepEqual([lookWith(5).isProven, lookWith(5).missed], [false, []]);
    const { missed, remedies } = lookWith(9);
    assert.equal(missed[0], NUMBER + 6);
    assert.deepEqual(remedies.slice(0, 2), [
      "lower target_listings to at most 556",
      "lower cooldown_epochs to at most 4",
    ]);
    const waiting = new Map(catalogue.entries.slice(0, 55).map(({ zipCode }) => [zipCode, NUMBER - 2]));
    assert.deepEqual(lookWith(4, waiting).missed, [NUMBER, NUMBER + 1, NUMBER + 2]);
  });
});
