import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeCatalogue } from "./catalogue.js";
import { type Amount, catalogueStats } from "./catalogue-stats.js";
import { defaultRules } from "./rules.js";

const STATES = ["CA", "OR", "WA"];
const row = fc.record({
  zipCode: fc.integer({ min: 10_000, max: 99_999 }).map(String),
  expectedListings: fc.oneof(fc.nat(12), fc.nat(1_000_000)),
  state: fc.constantFrom(...STATES),
});
const catalogue = fc
  .uniqueArray(row, { selector: ({ zipCode }) => zipCode, minLength: 1 })
  .map((rows) => encodeCatalogue(rows.map((one) => ({ ...one, source: "a", asOf: "2026-08-01" }))).catalogue);
const rules = fc
  .record({
    minExpectedListings: fc.integer({ min: 1, max: 10 }),
    maxExpectedListings: fc.integer({ min: 10, max: 1_000_000 }),
    includeStates: fc.subarray(STATES),
    excludeStates: fc.subarray(STATES),
  })
  .map((some) => Object.assign(defaultRules(14_400), some));

function sum(amounts: readonly Amount[]): Amount {
  return {
    zipCodes: amounts.reduce((total, { zipCodes }) => total + zipCodes, 0),
    listings: amounts.reduce((total, { listings }) => total + listings, 0),
  };
}

describe("a catalogue in figures", () => {
  it("adds up: by eligibility, by state and by size", () => {
    fc.assert(
      fc.property(catalogue, rules, (one, some) => {
        const { all, eligible, refused, states, sizes } = catalogueStats(one, some);
        assert.deepEqual(all, sum(one.entries.map((entry) => ({ zipCodes: 1, listings: entry.expectedListings }))));
        assert.deepEqual(sum([eligible, ...Object.values(refused)]), all);
        for (const parts of [states, sizes]) {
          assert.deepEqual(sum(parts.map((part) => part.all)), all);
          assert.deepEqual(sum(parts.map((part) => part.eligible)), eligible);
        }
        for (const { least, most, all: part } of sizes) {
          const own = one.entries.filter((entry) => entry.expectedListings >= least && entry.expectedListings <= most);
          assert.equal(part.zipCodes, own.length);
        }
      }),
    );
  });

  it("says what may be drawn, and why the rest may not", () => {
    const { catalogue: three } = encodeCatalogue(
      ["CA", "OR", "WA"].map((state, index) => ({
        zipCode: `9000${index}`,
        state,
        expectedListings: [4, 5, 801][index] ?? 0,
        source: "a",
        asOf: "2026-08-01",
      })),
    );
    const { eligible, refused } = catalogueStats(three, defaultRules(14_400));
    assert.deepEqual(eligible, { zipCodes: 1, listings: 5 });
    assert.deepEqual(refused["too small"], { zipCodes: 1, listings: 4 });
    assert.deepEqual(refused["too large"], { zipCodes: 1, listings: 801 });
    const without = catalogueStats(three, Object.assign(defaultRules(14_400), { excludeStates: ["OR"] }));
    assert.deepEqual(without.refused["other state"], { zipCodes: 1, listings: 5 });
  });
});
