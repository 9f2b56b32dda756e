import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  ListingVerdict,
  LossReason,
  MinerVerdict,
  type Report,
  ReportSchema,
  type ScoreTable,
} from "../../gen/zipnet/v1/report_pb.js";
import { HOTKEY_A, HOTKEY_B } from "../samples.test-support.js";
import { diffReports } from "./report-diff.js";

const MINERS = [HOTKEY_A, HOTKEY_B] as const;
const { FAIL, PASS, UNKNOWN } = ListingVerdict;

/** A report on two miners of equal weight; one listing of the first has this verdict. */
function reportOf(verdict: ListingVerdict, change: (table: ScoreTable) => void = () => undefined): Report {
  const report = create(ReportSchema, {
    epochId: "20261122T120000Z",
    table: {
      epochId: "20261122T120000Z",
      snapshotSha256: "ab".repeat(32),
      scoringVersion: "test",
      scores: MINERS.map((hotkey, index) => ({
        hotkey,
        rank: index + 1,
        verdict: MinerVerdict.VERIFIED,
        scoreBps: 9_000 - index,
        acceptedListings: 100,
      })),
      weights: MINERS.map((hotkey) => ({ hotkey, weightBps: 5_000 })),
    },
    evidence: [{ id: `${HOTKEY_A}/98101/4711`, hotkey: HOTKEY_A, verdict, note: "what was seen" }],
  });
  change(report.table ?? assert.fail());
  return report;
}

/** The table of a validator that convicts the first miner. */
function convict(table: ScoreTable): void {
  const [first, second] = table.scores;
  if (first === undefined || second === undefined) return assert.fail();
  Object.assign(first, { rank: 0, verdict: MinerVerdict.LIAR, scoreBps: 0, shareBps: 0 });
  second.rank = 1;
  table.scores = [second, first];
  table.weights = [{ ...(table.weights[1] ?? assert.fail()), weightBps: 10_000 }];
}

describe("diffReports", () => {
  it("finds nothing between reports that differ in times and pages only", () => {
    const other = reportOf(PASS);
    const [piece = assert.fail()] = other.evidence;
    piece.pageSha256 = "cd".repeat(32);
    assert.deepEqual(diffReports(reportOf(PASS), other), { isSameTable: true, movedBps: 0, basis: [], miners: [] });
  });

  it("names the miner, the check and the listing, and the weight that moved", () => {
    const { isSameTable, movedBps, basis, miners } = diffReports(reportOf(PASS), reportOf(FAIL, convict));
    assert.deepEqual([isSameTable, movedBps, basis], [false, 5_000, []]);
    const [first = assert.fail(), second = assert.fail()] = miners;
    assert.deepEqual([first.hotkey, first.weightBps], [HOTKEY_A, [5_000, 0]]);
    assert.deepEqual(first.checks, [
      { check: "verdict", zipCode: "", listingId: "", found: ["VERIFIED", "LIAR"] },
      {
        check: "spot check",
        zipCode: "98101",
        listingId: "4711",
        found: ["PASS: what was seen", "FAIL: what was seen"],
      },
    ]);
    assert.deepEqual([second.hotkey, second.weightBps, second.checks], [HOTKEY_B, [5_000, 10_000], []]);
  });

  it("tells losses that one of them alone has, and verdicts that moved nothing", () => {
    const lost = { reason: LossReason.COVERAGE, lostBps: 10, zipCode: "98101", detail: "9 of 10 listings" };
    const withLoss = create(ReportSchema, reportOf(UNKNOWN));
    withLoss.table?.scores[1]?.lost.push(...reportWithLoss(lost));
    const { movedBps, miners } = diffReports(withLoss, reportOf(PASS));
    assert.equal(movedBps, 0);
    assert.deepEqual(
      miners.map(({ hotkey, checks }) => [hotkey, checks.map(({ check, found }) => [check, ...found])]),
      [
        [HOTKEY_A, [["spot check", "UNKNOWN: what was seen", "PASS: what was seen"]]],
        [HOTKEY_B, [["coverage", "9 of 10 listings", ""]]],
      ],
    );
  });

  it("says when the reports judge different things, and refuses two epochs", () => {
    const other = reportOf(PASS, (table) => {
      table.scoringVersion = "another";
    });
    const { basis } = diffReports(reportOf(PASS), other);
    assert.deepEqual(
      basis.map(({ check, found }) => [check, ...found]),
      [["rules of scoring", "test", "another"]],
    );
    const later = create(ReportSchema, { epochId: "20261122T160000Z" });
    assert.throws(() => diffReports(reportOf(PASS), later), /20261122T160000Z/);
  });

  it("moves as much weight in one direction as in the other", () => {
    const weights = fc.tuple(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 10_000 }));
    fc.assert(
      fc.property(weights, ([mine, theirs]) => {
        const of = (bps: number): Report =>
          reportOf(PASS, (table) => {
            for (const [index, weight] of table.weights.entries()) weight.weightBps = index === 0 ? bps : 10_000 - bps;
          });
        const there = diffReports(of(mine), of(theirs)).movedBps;
        assert.equal(there, Math.abs(mine - theirs));
        assert.equal(diffReports(of(theirs), of(mine)).movedBps, there);
      }),
    );
  });
});

function reportWithLoss(lost: { reason: LossReason; lostBps: number; zipCode: string; detail: string }) {
  return create(ReportSchema, { table: { scores: [{ lost: [lost] }] } }).table?.scores[0]?.lost ?? assert.fail();
}
