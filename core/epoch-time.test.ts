import assert from "node:assert/strict";
import fc from "fast-check";
import { epochIdOf, epochNumberAt, epochNumberOfId, epochStartMs, startMsOfEpochId } from "./epoch-time.js";

const lengthSeconds = fc.integer({ min: 1, max: 86_400 });
const LAST_MS = Date.UTC(9999, 11, 31);

describe("epoch times", () => {
  it("are the ones of the documentation", () => {
    const startMs = Date.UTC(2026, 10, 22, 12);
    assert.equal(epochIdOf(startMs), "20261122T120000Z");
    assert.equal(epochNumberAt(startMs, 14_400), startMs / 14_400_000);
    assert.equal(epochNumberAt(startMs - 1, 14_400), startMs / 14_400_000 - 1);
    assert.equal(epochNumberOfId("20261122T120000Z", 14_400), startMs / 14_400_000);
  });

  it("put every moment into exactly one epoch", () => {
    const property = fc.property(fc.integer({ min: 0, max: LAST_MS }), lengthSeconds, (timeMs, length) => {
      const number = epochNumberAt(timeMs, length);
      assert.ok(epochStartMs(number, length) <= timeMs && timeMs < epochStartMs(number + 1, length));
      assert.equal(epochNumberAt(epochStartMs(number, length), length), number);
    });
    fc.assert(property);
  });

  it("come back from the id, and ids sort by time", () => {
    const seconds = fc.integer({ min: 0, max: LAST_MS / 1_000 });
    const property = fc.property(seconds, seconds, (a, b) => {
      assert.equal(startMsOfEpochId(epochIdOf(a * 1_000)), a * 1_000);
      assert.equal(epochIdOf(a * 1_000) < epochIdOf(b * 1_000), a < b);
    });
    fc.assert(property);
  });

  it("come back from the number", () => {
    // The last number's epoch still starts in a year of four digits.
    const property = fc.property(fc.integer({ min: 0, max: 2_900_000 }), lengthSeconds, (number, length) => {
      assert.equal(epochNumberOfId(epochIdOf(epochStartMs(number, length)), length), number);
    });
    fc.assert(property);
  });

  it("know no id that no epoch has", () => {
    for (const text of [
      "",
      "x",
      "20261122",
      "2026-11-22T12:00:00Z",
      "20261322T120000Z",
      "20260230T120000Z",
      "20261122T240000Z",
    ]) {
      assert.equal(startMsOfEpochId(text), undefined, text);
      assert.equal(epochNumberOfId(text, 14_400), undefined, text);
    }
    assert.equal(epochNumberOfId("20261122T120001Z", 14_400), undefined);
    assert.equal(epochNumberOfId("20261122T130000Z", 14_400), undefined);
  });
});
