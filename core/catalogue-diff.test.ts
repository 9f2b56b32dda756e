import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeCatalogue } from "./catalogue.js";
import { diffCatalogues } from "./catalogue-diff.js";

const row = fc.record({
  zipCode: fc.integer({ min: 98_101, max: 98_112 }).map(String),
  expectedListings: fc.nat(3),
  source: fc.constantFrom("rdc", "census"),
});
const catalogue = fc
  .uniqueArray(row, { selector: ({ zipCode }) => zipCode, minLength: 1 })
  .map((rows) => encodeCatalogue(rows.map((one) => ({ ...one, state: "WA", asOf: "2026-08-01" }))).catalogue);

describe("the difference of two catalogues", () => {
  it("names every zip code whose expectation is another one, and counts the others", () => {
    fc.assert(
      fc.property(catalogue, catalogue, (before, after) => {
        const { changed, sameListings, same } = diffCatalogues(before, after);
        const listingsIn = (of: typeof before, zipCode: string): number | undefined =>
          of.entries.find((entry) => entry.zipCode === zipCode)?.expectedListings;
        const all = new Set([...before.entries, ...after.entries].map((entry) => entry.zipCode));
        assert.equal(changed.length + sameListings + same, all.size);
        for (const { zipCode, before: old, after: renewed, change } of changed) {
          assert.equal(old?.expectedListings, listingsIn(before, zipCode));
          assert.equal(renewed?.expectedListings, listingsIn(after, zipCode));
          assert.notEqual(old?.expectedListings, renewed?.expectedListings);
          assert.equal(change, (renewed?.expectedListings ?? 0) - (old?.expectedListings ?? 0));
        }
        const sizes = changed.map(({ change }) => Math.abs(change));
        assert.deepEqual(
          sizes,
          sizes.toSorted((a, b) => b - a),
        );
        const total = (of: typeof before): number => of.entries.reduce((sum, entry) => sum + entry.expectedListings, 0);
        assert.equal(
          changed.reduce((sum, { change }) => sum + change, 0),
          total(after) - total(before),
        );
      }),
    );
  });

  it("is nothing between a catalogue and itself", () => {
    fc.assert(
      fc.property(catalogue, (one) => {
        assert.deepEqual(diffCatalogues(one, one), { changed: [], sameListings: 0, same: one.entries.length });
      }),
    );
  });
});
