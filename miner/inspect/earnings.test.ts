import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { HOTKEY_A, HOTKEY_B } from "../../core/samples.test-support.js";
import { LossReason, LostPointsSchema, type Report, ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { earningsOf, lossesByReason } from "./earnings.js";

function reportOf(validator: string, weightBps: number | undefined, isJudged = true): Report {
  return create(ReportSchema, {
    validator,
    table: {
      scores: isJudged ? [{ hotkey: HOTKEY_A, scoreBps: weightBps ?? 0 }] : [],
      weights: weightBps === undefined ? [] : [{ hotkey: HOTKEY_A, weightBps }],
    },
  });
}

describe("a miner's earnings", () => {
  it("are nothing without a report, and for a hotkey that no report names", () => {
    const none = { reports: 0, judgedBy: 0, weightBps: 0, weightRangeBps: [0, 0], score: undefined };
    assert.deepEqual(earningsOf([], HOTKEY_A), none);
    assert.deepEqual(earningsOf([reportOf("v", 5000)], HOTKEY_B), { ...none, reports: 1 });
  });

  it("are those of the report in the middle, whatever the order, with the range", () => {
    const reports = [reportOf("a", 5000), reportOf("b", 100), reportOf("c", 3000), reportOf("d", undefined, false)];
    fc.assert(
      fc.property(fc.shuffledSubarray(reports, { minLength: 4 }), (shuffled) => {
        const { weightBps, weightRangeBps, reports: count, judgedBy, score } = earningsOf(shuffled, HOTKEY_A);
        assert.deepEqual([weightBps, weightRangeBps, count, judgedBy], [100, [0, 5000], 4, 3]);
        assert.equal(score?.scoreBps, 100);
      }),
    );
  });
});

describe("losses by reason", () => {
  const reasons = [LossReason.LATE, LossReason.COVERAGE, LossReason.SPOT_CHECK];
  const entries = fc.array(
    fc
      .record({ reason: fc.constantFrom(...reasons), lostBps: fc.integer({ min: 0, max: 500 }) })
      .map((init) => create(LostPointsSchema, init)),
    { maxLength: 30 },
  );

  it("keep every point and every entry, the greatest sum first, with the entry that cost most", () => {
    fc.assert(
      fc.property(entries, (lost) => {
        const losses = lossesByReason(lost);
        const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
        assert.equal(sum(losses.map(({ lostBps }) => lostBps)), sum(lost.map(({ lostBps }) => lostBps)));
        assert.equal(sum(losses.map((loss) => loss.entries)), lost.length);
        for (const [index, { reason, largest, lostBps }] of losses.entries()) {
          const ofReason = lost.filter((entry) => entry.reason === reason);
          assert.equal(largest.lostBps, Math.max(...ofReason.map((entry) => entry.lostBps)));
          assert.ok(lostBps >= (losses[index + 1]?.lostBps ?? 0));
        }
      }),
    );
  });
});
