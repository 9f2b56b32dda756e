/** A score table as a person reads it. */
import { toBinary } from "@bufbuild/protobuf";
import Table from "cli-table3";
import { sha256Hex } from "../../core/hash.js";
import { percentText } from "../../core/judging/next-rank.js";
import { MinerVerdict, type ScoreTable, ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";

const HEAD = ["rank", "miner", "verdict", "score", "speed", "quality", "volume", "weight"];

/** A line per miner, and the hash of the table's bytes, by which validators compare. */
export function tableText(table: ScoreTable): string {
  const weights = new Map(table.weights.map(({ hotkey, weightBps }) => [hotkey, weightBps]));
  const rows = new Table({ head: HEAD, style: { head: [], border: [], compact: true } });
  for (const { rank, hotkey, verdict, ...score } of table.scores) {
    rows.push([
      rank === 0 ? "-" : String(rank),
      hotkey,
      MinerVerdict[verdict].toLowerCase(),
      ...[score.scoreBps, score.speedBps, score.qualityBps, score.volumeBps, weights.get(hotkey) ?? 0].map(percentText),
    ]);
  }
  const sha256 = sha256Hex(toBinary(ScoreTableSchema, table));
  const body = table.scores.length === 0 ? "nobody submitted anything" : rows.toString();
  return `epoch ${table.epochId}\n${body}\ntable ${sha256}\n`;
}
