import assert from "node:assert/strict";
import fc from "fast-check";
import { sampleNeuron } from "./metagraph.test-support.js";
import { maxUpscaled, U16_MAX, uidWeights } from "./weights.js";

function subnet(size: number, minAllowedWeights = 1) {
  return { neurons: Array.from({ length: size }, (_, uid) => sampleNeuron(uid, `hotkey-${uid}`)), minAllowedWeights };
}

describe("maxUpscaled", () => {
  it("gives what the chain stores for 50, 30, 15, 5", () => {
    assert.deepEqual(maxUpscaled([50, 30, 15, 5]), [65535, 39321, 19661, 6554]);
  });

  it("keeps all zeros and the empty row", () => {
    assert.deepEqual(maxUpscaled([0, 0, 0]), [0, 0, 0]);
    assert.deepEqual(maxUpscaled([]), []);
  });

  it("changes nothing when applied twice", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: U16_MAX })), (raw) => {
        const once = maxUpscaled(raw);
        assert.deepEqual(maxUpscaled(once), once);
      }),
    );
  });

  it("keeps the order of the values and ends at 65,535", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: U16_MAX }), { minLength: 1 }), (raw) => {
        const scaled = maxUpscaled(raw);
        assert.equal(Math.max(...scaled), U16_MAX);
        for (const [i, a] of raw.entries()) {
          for (const [j, b] of raw.entries()) {
            if (a <= b) assert.ok((scaled[i] ?? 0) <= (scaled[j] ?? 0));
          }
        }
      }),
    );
  });

  it("refuses what is no weight", () => {
    for (const bad of [NaN, -1, Infinity]) assert.throws(() => maxUpscaled([1, bad]), RangeError);
  });
});

describe("uidWeights", () => {
  it("scales the shares and sorts by uid", () => {
    const shares = [
      { hotkey: "hotkey-3", weightBps: 5000 },
      { hotkey: "hotkey-0", weightBps: 3000 },
      { hotkey: "hotkey-2", weightBps: 1500 },
      { hotkey: "hotkey-1", weightBps: 500 },
    ];
    assert.deepEqual(uidWeights(shares, subnet(5)), {
      weights: [
        { uid: 0, weightU16: 39321 },
        { uid: 1, weightU16: 6554 },
        { uid: 2, weightU16: 19661 },
        { uid: 3, weightU16: 65535 },
      ],
      missing: [],
    });
  });

  it("drops and names hotkeys that are not registered, and scales the rest to the full range", () => {
    const shares = [
      { hotkey: "gone", weightBps: 9000 },
      { hotkey: "hotkey-1", weightBps: 1000 },
    ];
    assert.deepEqual(uidWeights(shares, subnet(2)), { weights: [{ uid: 1, weightU16: 65535 }], missing: ["gone"] });
  });

  it("pads with explicit zeros up to the shortest accepted row, and no further than the subnet goes", () => {
    const shares = [{ hotkey: "hotkey-1", weightBps: 10000 }];
    assert.deepEqual(uidWeights(shares, subnet(5, 3)).weights, [
      { uid: 0, weightU16: 0 },
      { uid: 1, weightU16: 65535 },
      { uid: 2, weightU16: 0 },
    ]);
    assert.equal(uidWeights(shares, subnet(2, 1024)).weights.length, 2);
  });

  it("never falls back to paying everybody", () => {
    assert.deepEqual(uidWeights([], subnet(5, 3)), { weights: [], missing: [] });
    assert.deepEqual(uidWeights([{ hotkey: "gone", weightBps: 1 }], subnet(5, 3)).weights, []);
    assert.deepEqual(uidWeights([{ hotkey: "hotkey-1", weightBps: 0 }], subnet(5, 3)).weights, []);
  });

  it("leaves no share of a basis point at zero", () => {
    const shares = [
      { hotkey: "hotkey-0", weightBps: 9999 },
      { hotkey: "hotkey-1", weightBps: 1 },
    ];
    assert.deepEqual(uidWeights(shares, subnet(2)).weights[1], { uid: 1, weightU16: 7 });
  });

  it("refuses a hotkey that stands there twice", () => {
    const share = { hotkey: "hotkey-0", weightBps: 1 };
    assert.throws(() => uidWeights([share, share], subnet(2)), /hotkey-0 has two weights/);
  });
});
