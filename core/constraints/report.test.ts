import assert from "node:assert/strict";
import * as reports from "../../gen/zipnet/v1/report_pb.js";
import { HOTKEY_A, HOTKEY_B, broken, sample } from "../samples.test-support.js";

describe("the constraints on a report", () => {
  it("leave a liar nothing, and order the scores", () => {
    const { MinerScoreSchema, ScoreTableSchema, MinerVerdict } = reports;
    assert.deepEqual(
      broken(MinerScoreSchema, (score) => void (score.verdict = MinerVerdict.LIAR)),
      ["rank", "score_bps", "share_bps"],
    );
    assert.deepEqual(
      broken(ScoreTableSchema, (table) => table.scores.reverse()),
      ["scores[1]"],
    );
    assert.deepEqual(
      broken(ScoreTableSchema, (table) => table.weights.reverse()),
      ["weights[1].hotkey"],
    );
    assert.deepEqual(
      broken(ScoreTableSchema, (table) => table.weights.pop()),
      ["weights"],
    );
    assert.deepEqual(
      broken(ScoreTableSchema, (table) => void (table.weights = [])),
      [],
    );
    const lost = sample(reports.LostPointsSchema);
    assert.deepEqual(
      broken(MinerScoreSchema, (score) => void (score.lost = Array(101).fill(lost))),
      [],
    );
    assert.deepEqual(
      broken(MinerScoreSchema, (score) => void (score.lost = Array(102).fill(lost))),
      ["lost"],
    );
  });

  it("tie evidence to the report, and quote any submitted listing", () => {
    const { ReportSchema, EvidenceSchema } = reports;
    assert.deepEqual(
      broken(ReportSchema, (report) => void (report.evidence = [])),
      ["table.scores[0].lost[0].evidence_id"],
    );
    const table = { ...sample(reports.ScoreTableSchema), epochId: "20261122T160000Z" };
    assert.deepEqual(
      broken(ReportSchema, (report) => void (report.table = table)),
      ["table.epoch_id"],
    );
    assert.deepEqual(
      broken(ReportSchema, (report) => report.evidence.push(...report.evidence)),
      ["evidence[1].id"],
    );
    assert.deepEqual(
      broken(EvidenceSchema, (evidence) => void (evidence.id = "x")),
      ["id"],
    );
    assert.deepEqual(
      broken(EvidenceSchema, (evidence) => evidence.differences.reverse()),
      ["differences[1].field"],
    );
    assert.deepEqual(
      broken(EvidenceSchema, (evidence) => Object.assign(evidence.submitted as object, { priceUsd: 0 })),
      [],
    );
  });

  it("order evidence by hotkey, then by listing id as text", () => {
    const piece = (hotkey: string, listingId: string): reports.Evidence => {
      const evidence = sample(reports.EvidenceSchema);
      Object.assign(evidence.submitted as object, { listingId });
      return { ...evidence, hotkey, id: `${hotkey}/98101/${listingId}` };
    };
    const wrong = (...evidence: reports.Evidence[]) =>
      broken(reports.ReportSchema, (report) => {
        report.evidence = [sample(reports.EvidenceSchema), ...evidence];
      });
    assert.deepEqual(wrong(piece(HOTKEY_A, "9"), piece(HOTKEY_B, "10"), piece(HOTKEY_B, "9")), []);
    assert.deepEqual(wrong(piece(HOTKEY_A, "10")), ["evidence[1]"]);
    assert.deepEqual(wrong(piece(HOTKEY_B, "9"), piece(HOTKEY_A, "99")), ["evidence[2]"]);
  });
});
