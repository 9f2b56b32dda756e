/** Constraints of Report in zipnet/v1/report.proto. */
import { type Report, ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { anything, list, moment, required, text } from "./combinators.js";
import { epochId, hotkey, netuid, network } from "./common.js";
import { evidence } from "./evidence.js";
import { constraintsOn, type CrossCheck } from "./message.js";
import { scoreTable } from "./score.js";
import { show } from "./show.js";

const checkReport: CrossCheck<Report> = (report, at, tell) => {
  const ids = new Set<string>();
  report.evidence.forEach((piece, i) => {
    if (ids.has(piece.id)) tell(at(`evidence[${i}].id`), `is ${show(piece.id)} again`, "stand there once");
    ids.add(piece.id);
    const before = report.evidence[i - 1];
    const listingId = piece.submitted?.listingId ?? "";
    const beforeId = before?.submitted?.listingId ?? "";
    const sinks =
      before !== undefined &&
      (piece.hotkey < before.hotkey || (piece.hotkey === before.hotkey && listingId < beforeId));
    if (sinks) tell(at(`evidence[${i}]`), `is ${show(piece.id)}`, "ascend by hotkey, then by listing id");
  });
  const { table } = report;
  if (table === undefined) return;
  if (table.epochId !== report.epochId) {
    tell(at("table.epoch_id"), `is ${show(table.epochId)}`, `be the report's, ${show(report.epochId)}`);
  }
  table.scores.forEach((score, i) =>
    score.lost.forEach(({ evidenceId }, j) => {
      const path = at(`table.scores[${i}].lost[${j}].evidence_id`);
      if (evidenceId !== "" && !ids.has(evidenceId))
        tell(path, `is ${show(evidenceId)}`, "be the id of a piece of evidence");
    }),
  );
};

/** Report. */
export const report = constraintsOn(
  ReportSchema,
  {
    epochId,
    network,
    netuid,
    validator: hotkey,
    judgedTime: required(moment("nanoseconds")),
    softwareVersion: text(1, 32),
    table: required(scoreTable.check),
    evidence: list(0, 1_000_000, evidence.check),
    downloadedFiles: anything(),
    downloadedBytes: anything(),
    adoptedEvidence: anything(),
  },
  checkReport,
);
