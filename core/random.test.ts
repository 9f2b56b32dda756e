import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { sha256Of, utf8ToBytes } from "./hash.js";
import { randomSequence, shuffled } from "./random.js";

/** The next integers of a sequence. */
function take(seed: string | Uint8Array, bound: number, count: number): number[] {
  const random = randomSequence(typeof seed === "string" ? utf8ToBytes(seed) : seed);
  return Array.from({ length: count }, () => random.below(bound));
}

/** The sequence's 32-bit numbers by another implementation of SHA-256. */
function uint32sByNode(seed: Uint8Array, blocks: number): number[] {
  return Array.from({ length: blocks }, (_, i) => {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(i));
    const block = createHash("sha256").update(seed).update(counter).digest();
    return Array.from({ length: 8 }, (__, word) => block.readUInt32BE(word * 4));
  }).flat();
}

describe("the random sequence", () => {
  it("has published vectors", () => {
    assert.deepEqual(
      take("zipnet", 0x1_0000_0000, 10),
      [1756782668, 554810900, 296722822, 986478941, 697415575, 2313503757, 1433808865, 2406338282, 536386506, 86037075],
    );
    assert.deepEqual(take("", 6, 20), [5, 0, 1, 5, 0, 1, 1, 4, 5, 0, 2, 4, 3, 4, 2, 0, 1, 1, 5, 4]);
    const ten = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    assert.deepEqual(shuffled(ten, randomSequence(utf8ToBytes("zipnet"))), [8, 6, 0, 3, 5, 7, 4, 9, 2, 1]);
    assert.deepEqual(ten, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "the input stays as it is");
  });

  it("is the one that its description gives, for any seed", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 64 }), (seed) =>
      assert.deepEqual(take(seed, 0x1_0000_0000, 40), uint32sByNode(seed, 5)),
    );
    fc.assert(property, { numRuns: 50 });
  });

  it("skips the numbers that would favour small results", () => {
    // Of the numbers above, a bound of 3,000,000,000 keeps those below it, as only one multiple of it fits.
    const property = fc.property(
      fc.uint8Array({ maxLength: 16 }),
      fc.integer({ min: 1, max: 0x1_0000_0000 }),
      (seed, bound) => {
        const limit = Math.floor(0x1_0000_0000 / bound) * bound;
        const kept = uint32sByNode(seed, 8)
          .filter((value) => value < limit)
          .map((value) => value % bound);
        assert.deepEqual(take(seed, bound, Math.min(8, kept.length)), kept.slice(0, 8));
      },
    );
    fc.assert(property, { numRuns: 200 });
  });

  it("refuses a bound that leaves nothing to choose from", () => {
    for (const bound of [0, -1, 1.5, Number.NaN, 0x1_0000_0001]) {
      assert.throws(() => randomSequence(new Uint8Array()).below(bound), RangeError);
    }
  });
});

describe("a shuffle", () => {
  it("makes every order equally likely", () => {
    const times = new Map<string, number>();
    const shuffles = 4_800;
    const random = randomSequence(sha256Of("orders"));
    for (let i = 0; i < shuffles; i += 1) {
      const order = shuffled(["a", "b", "c", "d"], random).join("");
      times.set(order, (times.get(order) ?? 0) + 1);
    }
    assert.equal(times.size, 24);
    const expected = shuffles / 24;
    const chiSquare = [...times.values()].reduce((sum, value) => sum + (value - expected) ** 2 / expected, 0);
    // 23 degrees of freedom: a chance of 1 in 1,000 lies above 49.7 and below 7.5; the seed is fixed.
    assert.ok(chiSquare < 49.7 && chiSquare > 7.5, `chi-square ${chiSquare}`);
  });

  it("keeps every item, repeats included", () => {
    const property = fc.property(fc.array(fc.integer({ min: 0, max: 5 })), fc.string(), (items, seed) => {
      const result = shuffled(items, randomSequence(utf8ToBytes(seed)));
      assert.deepEqual(result.sort(), [...items].sort());
    });
    fc.assert(property);
  });
});
