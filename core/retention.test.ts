import assert from "node:assert/strict";
import fc from "fast-check";
import { epochIdOf, epochStartMs } from "./epoch-time.js";
import { MIN_KEPT_EPOCHS, leastKeepDays, retentionRule } from "./retention.js";

const DAY_MS = 86_400_000;
const FIRST = 100_000;

const anyRule = fc
  .record({
    lengthSeconds: fc.oneof(fc.integer({ min: 1, max: 86_400 }), fc.constantFrom(1, 3_600, 14_400, 86_400)),
    moreDays: fc.nat({ max: 40 }),
    running: fc.integer({ min: FIRST, max: FIRST + 2_000 }),
  })
  .map(({ lengthSeconds, moreDays, running }) => {
    const keepDays = leastKeepDays(lengthSeconds) + moreDays;
    return { lengthSeconds, keepDays, running, rule: retentionRule(keepDays, lengthSeconds, running) };
  });

describe("retentionRule", () => {
  it("never deletes what may still be judged or disputed, nor what is younger than it says", () => {
    fc.assert(
      fc.property(anyRule, fc.integer({ min: -100, max: 400 }), ({ lengthSeconds, keepDays, running, rule }, age) => {
        const startMs = epochStartMs(running - age, lengthSeconds);
        if (!rule.mayDelete(epochIdOf(startMs))) return;
        const nowMs = epochStartMs(running, lengthSeconds);
        const closeMs = startMs + lengthSeconds * 1000;
        // A validator judges an epoch until two epochs after its close, and it is settled then.
        const settledMs = closeMs + 2 * lengthSeconds * 1000;
        assert.ok(nowMs >= settledMs + 3 * lengthSeconds * 1000);
        assert.ok(age > MIN_KEPT_EPOCHS);
        assert.ok(nowMs - closeMs >= keepDays * DAY_MS);
      }),
      { numRuns: 2_000 },
    );
  });

  it("deletes what is older by an epoch, so it does end", () => {
    fc.assert(
      fc.property(anyRule, ({ lengthSeconds, keepDays, running, rule }) => {
        const kept = Math.max(MIN_KEPT_EPOCHS, Math.ceil((keepDays * DAY_MS) / (lengthSeconds * 1000)));
        const idAt = (number: number): string => epochIdOf(epochStartMs(number, lengthSeconds));
        if (running - kept - 1 >= 0) assert.ok(rule.mayDelete(idAt(running - kept - 1)));
        assert.ok(!rule.mayDelete(idAt(running - kept)));
      }),
    );
  });

  it("keeps the youngest that must be kept when a store counts days from the upload", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 86_400 }), fc.nat({ max: 86_400_000 }), (lengthSeconds, laterMs) => {
        // An upload is made in its epoch; the earliest moment that a store deletes it is so many days after that.
        const deletedMs = laterMs + leastKeepDays(lengthSeconds) * DAY_MS;
        assert.ok(deletedMs >= (MIN_KEPT_EPOCHS + 1) * lengthSeconds * 1000);
      }),
    );
  });

  it("keeps everything by 0 days, and what is no epoch of this length by any", () => {
    const forever = retentionRule(0, 14_400, FIRST);
    assert.equal(forever.mayDelete(epochIdOf(0)), false);
    const rule = retentionRule(2, 14_400, FIRST);
    assert.equal(rule.mayDelete(epochIdOf(0)), true);
    for (const id of ["19700101T000001Z", "19700101T010000Z", "", "epoch", "19701301T000000Z", "../records"]) {
      assert.equal(rule.mayDelete(id), false, id);
    }
  });

  it("is refused below the least, with the least", () => {
    assert.equal(leastKeepDays(14_400), 2);
    assert.equal(leastKeepDays(86_400), 7);
    assert.equal(leastKeepDays(1), 1);
    assert.throws(() => retentionRule(1, 14_400, FIRST), /for 1 days, but for 2 at least/);
    assert.throws(() => retentionRule(-1, 14_400, FIRST), RangeError);
    assert.throws(() => retentionRule(2.5, 14_400, FIRST), RangeError);
  });
});
