/** What two reports disagree on, as a person reads it. */
import Table from "cli-table3";
import { percentText } from "../../core/judging/next-rank.js";
import type { CheckDifference, Pair } from "../../core/judging/finding-diff.js";
import type { MinerDifference, ReportDifference } from "../../core/judging/report-diff.js";
import { millisOf } from "../../core/timestamps.js";
import { type MinerScore, MinerVerdict, type Report } from "../../gen/zipnet/v1/report_pb.js";

const STYLE = { head: [], border: [], compact: true };
/** Differences of one miner that are told one by one. */
const MOST_TOLD = 200;

/** The difference of two reports: the weight that it moved, then miner by miner what was found differently. */
export function differenceText(reports: Pair<Report>, difference: ReportDifference): string {
  const [first, second] = reports;
  const head = [
    `epoch ${first.epochId}`,
    `first   ${aboutText(first)}`,
    `second  ${aboutText(second)}`,
    difference.isSameTable
      ? "the score tables are the same, byte for byte"
      : `the score tables differ; ${percentText(difference.movedBps)} of the weight goes to other miners`,
    ...difference.basis.map(({ check, found }) => `they do not share the ${check}: ${found[0]} and ${found[1]}`),
  ];
  return `${[head.join("\n"), ...difference.miners.map(minerText)].join("\n\n")}\n`;
}

function aboutText({ validator, softwareVersion, judgedTime, evidence, adoptedEvidence }: Report): string {
  const judged = new Date(millisOf(judgedTime)).toISOString();
  const pieces = `${evidence.length} pieces of evidence, ${adoptedEvidence} of them adopted`;
  return `${validator}, judged ${judged} by zipnet ${softwareVersion}, ${pieces}`;
}

function minerText({ hotkey, weightBps, scores, checks }: MinerDifference): string {
  const weights = weightBps.map(percentText).join(" and ");
  const head = `miner ${hotkey}: weight ${weights}; ${scores.map(standingText).join(" and ")}`;
  if (checks.length === 0) return `${head}\nnothing was found differently of it; its place differs because others' do`;
  const table = new Table({ head: ["check", "zip code", "listing", "first", "second"], style: STYLE });
  for (const each of checks.slice(0, MOST_TOLD)) table.push(rowOf(each));
  const rest = checks.length - MOST_TOLD;
  return [head, table.toString(), ...(rest > 0 ? [`${rest} more`] : [])].join("\n");
}

function rowOf({ check, zipCode, listingId, found }: CheckDifference): string[] {
  return [check, zipCode, listingId, found[0] || "-", found[1] || "-"];
}

function standingText(score: MinerScore | undefined): string {
  if (score === undefined) return "not judged";
  const place = score.rank === 0 ? "no rank" : `rank ${score.rank}`;
  return `${MinerVerdict[score.verdict].toLowerCase()}, ${place}, score ${percentText(score.scoreBps)}`;
}
