import assert from "node:assert/strict";
import fc from "fast-check";
import { type KeptEpoch, type PlanRules, type Step, nextStep } from "./plan.js";

const RULES: PlanRules = { epochLengthSeconds: 100, settleMs: 5_000, maxMissedEpochs: 3, firstEpoch: 0 };
const NONE = -1;

/** A moment within an epoch. */
const during = (number: number): number => number * 100_000 + 40_000;
const kept = (number: number, hasSnapshot: boolean, extendedMs = 0): KeptEpoch => ({
  number,
  hasSnapshot,
  acceptedUntilMs: (number + 1) * 100_000 + extendedMs,
});
const step = (newest: readonly KeptEpoch[], nowMs: number, undrawable = NONE): Step =>
  nextStep({ newest, undrawable }, nowMs, RULES);

describe("the keeper's plan", () => {
  it("begins with the epoch that is running", () => {
    assert.deepEqual(step([], during(7)), { kind: "draw", number: 7, notBeforeMs: 700_000, skipped: 0 });
  });

  it("begins no earlier than it is told to", () => {
    const begin = (firstEpoch: number) =>
      nextStep({ newest: [], undrawable: NONE }, during(7), { ...RULES, firstEpoch });
    assert.deepEqual(begin(9), { kind: "draw", number: 9, notBeforeMs: 900_000, skipped: 0 });
    assert.equal(begin(3).number, 7);
  });

  it("waits for the next start while the newest epoch is open", () => {
    assert.deepEqual(step([kept(7, false)], during(7)), {
      kind: "draw",
      number: 8,
      notBeforeMs: 800_000,
      skipped: 0,
    });
  });

  it("closes an epoch once the one after it stands, when late receipts have settled", () => {
    assert.deepEqual(step([kept(8, false), kept(7, false)], 800_001), {
      kind: "close",
      number: 7,
      acceptedUntilMs: 800_000,
      notBeforeMs: 805_000,
    });
  });

  it("closes an epoch that was extended when its extension has ended, before the epoch after the next", () => {
    assert.deepEqual(step([kept(8, false), kept(7, false, 60_000)], 800_001), {
      kind: "close",
      number: 7,
      acceptedUntilMs: 860_000,
      notBeforeMs: 865_000,
    });
    assert.equal(step([kept(8, false), kept(7, true, 60_000)], 866_000).number, 9);
  });

  it("closes the newest epoch when the one after it has no draw, and goes on with the one after that", () => {
    assert.deepEqual(step([kept(7, false), kept(6, true)], 800_001, 8), {
      kind: "close",
      number: 7,
      acceptedUntilMs: 800_000,
      notBeforeMs: 805_000,
    });
    const later = step([kept(7, true), kept(6, true)], 806_000, 8);
    assert.deepEqual(later, { kind: "draw", number: 9, notBeforeMs: 900_000, skipped: 0 });
  });

  it("never draws an epoch whose place is passed by a snapshot", () => {
    assert.equal(step([kept(7, true)], during(8)).number, 9);
  });

  it("makes up for missed epochs one by one", () => {
    assert.equal(step([kept(7, false), kept(6, true)], during(10)).number, 8);
    assert.deepEqual(step([kept(8, false), kept(7, false)], during(10)).kind, "close");
    assert.equal(step([kept(8, false), kept(7, true)], during(10)).number, 9);
  });

  it("skips a gap that is too long, but closes what was open before it", () => {
    assert.equal(step([kept(7, false), kept(6, true)], during(12)).kind, "close");
    assert.deepEqual(step([kept(7, true), kept(6, true)], during(13)), {
      kind: "draw",
      number: 13,
      notBeforeMs: 1_300_000,
      skipped: 4,
    });
  });

  it("keeps the order of records whatever was missed, undrawable or passed in time", () => {
    const run = fc.record({
      extended: fc.array(fc.integer({ min: 0, max: 75_000 }), { minLength: 41, maxLength: 41 }),
      minutesAway: fc.array(fc.integer({ min: 0, max: 900_000 }), { minLength: 1, maxLength: 40 }),
      barren: fc.uniqueArray(fc.integer({ min: 0, max: 40 })),
    });
    fc.assert(
      fc.property(run, ({ minutesAway, barren, extended }) => {
        const epochs: KeptEpoch[] = [];
        const revisions: number[] = [];
        let undrawable = NONE;
        let nowMs = 40_000;
        for (const awayMs of minutesAway) {
          nowMs += awayMs;
          const next = step(epochs.slice(-2).toReversed(), nowMs, undrawable);
          nowMs = Math.max(nowMs, next.notBeforeMs);
          if (next.kind === "close") {
            const at = epochs.findIndex((epoch) => epoch.number === next.number);
            assert.equal(epochs[at]?.hasSnapshot, false);
            epochs[at] = kept(next.number, true);
            revisions.push(2 * (next.number + 1) + 1);
          } else if (barren.includes(next.number)) {
            assert.ok(next.number > undrawable, "an epoch without a draw is not tried again in the same run");
            undrawable = next.number;
          } else {
            epochs.push(kept(next.number, false, extended[next.number % extended.length]));
            revisions.push(2 * next.number);
          }
        }
        assert.deepEqual(
          revisions,
          [...new Set(revisions)].toSorted((a, b) => a - b),
        );
      }),
    );
  });
});
