import assert from "node:assert/strict";
import fc from "fast-check";
import { acceptedUntilMs } from "./extension.js";

const HOUR_MS = 3_600_000;

describe("the extension of an epoch that was recorded late", () => {
  const until = (recordedMs: number) => acceptedUntilMs(0, 4 * HOUR_MS, recordedMs);

  it("gives half an epoch from the record on, within three quarters of an epoch after the close", () => {
    assert.equal(until(0), 4 * HOUR_MS);
    assert.equal(until(2 * HOUR_MS), 4 * HOUR_MS, "half of the epoch is left: nothing is added");
    assert.equal(until(3 * HOUR_MS), 5 * HOUR_MS);
    assert.equal(until(4.5 * HOUR_MS), 6.5 * HOUR_MS);
    assert.equal(until(6 * HOUR_MS), 7 * HOUR_MS);
    assert.equal(until(7 * HOUR_MS), 4 * HOUR_MS, "too late for any of it");
  });

  it("never shortens an epoch, never ends before it began, and leaves a quarter of an epoch for judging", () => {
    const times = fc.record({
      startMs: fc.integer({ min: 0, max: 2_000_000 }).map((seconds) => seconds * 1000),
      lengthMs: fc.integer({ min: 1, max: 86_400 }).map((seconds) => seconds * 1000),
      lateMs: fc.integer({ min: 0, max: 200_000_000 }),
    });
    fc.assert(
      fc.property(times, ({ startMs, lengthMs, lateMs }) => {
        const closeMs = startMs + lengthMs;
        const recordedMs = startMs + lateMs;
        const endMs = acceptedUntilMs(startMs, closeMs, recordedMs);
        assert.ok(endMs >= closeMs && endMs <= closeMs + (3 * lengthMs) / 4);
        assert.ok(endMs === closeMs || endMs > recordedMs);
        assert.ok(lateMs > lengthMs / 2 || endMs === closeMs);
        if (recordedMs + lengthMs / 2 <= closeMs + (3 * lengthMs) / 4)
          assert.ok(endMs >= recordedMs + lengthMs / 2 - 1);
      }),
    );
  });
});
