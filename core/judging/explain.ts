/**
 * A miner's score as one report explains it.
 */
import { create } from "@bufbuild/protobuf";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { type ScoreExplanation, ScoreExplanationSchema } from "../../gen/zipnet/v1/judging_service_pb.js";
import type { Report } from "../../gen/zipnet/v1/report_pb.js";
import { nextRankSentences } from "./next-rank.js";

/** What a score is explained from. */
export interface ExplainInput {
  readonly report: Report;
  readonly epoch: Epoch;
  /** The miner. */
  readonly hotkey: string;
  /** Time of the miner's receipt, unix milliseconds; undefined where the receipt is not at hand. */
  readonly receivedMs: number | undefined;
}

/** The explanation; undefined where the report has no score of the miner. */
export function explainScore({ report, epoch, hotkey, receivedMs }: ExplainInput): ScoreExplanation | undefined {
  const { table } = report;
  const own = table?.scores.find((score) => score.hotkey === hotkey);
  const { rules } = epoch;
  if (table === undefined || own === undefined || rules === undefined) return undefined;
  const better = own.rank < 2 ? undefined : table.scores.find((score) => score.rank === own.rank - 1);
  return create(ScoreExplanationSchema, {
    validator: report.validator,
    score: own,
    evidence: report.evidence.filter((piece) => piece.hotkey === hotkey),
    weightBps: table.weights.find((weight) => weight.hotkey === hotkey)?.weightBps ?? 0,
    rankedMiners: table.scores.filter((score) => score.rank > 0).length,
    nextScoreBps: better?.scoreBps ?? 0,
    nextRank: nextRankSentences({ epoch, rules, own, better, receivedMs }),
  });
}
