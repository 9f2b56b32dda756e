/** Explanations of a score as a person reads them. */
import { equals } from "@bufbuild/protobuf";
import Table from "cli-table3";
import { percentText } from "../../core/judging/next-rank.js";
import { millisOf } from "../../core/timestamps.js";
import type { Epoch, Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import type { ScoreExplanation } from "../../gen/zipnet/v1/judging_service_pb.js";
import {
  type Evidence,
  ListingVerdict,
  LossReason,
  type MinerScore,
  MinerScoreSchema,
  MinerVerdict,
} from "../../gen/zipnet/v1/report_pb.js";

const STYLE = { head: [], border: [], compact: true };

/** The name of a value of an enumeration as a person reads it. */
const nameText = (name: string | undefined): string => (name ?? "unknown").toLowerCase().replaceAll("_", " ");

/** A miner's score in an epoch by each validator; those that found the same stand together. */
export function explanationText(hotkey: string, epoch: Epoch, explanations: readonly ScoreExplanation[]): string {
  const head = `miner ${hotkey} in epoch ${epoch.id}`;
  if (explanations.length === 0) return `${head}\nno report judges this miner\n`;
  const sections = alike(explanations).map((group) => sectionText(group, epoch.rules));
  return `${[head, ...sections].join("\n\n")}\n`;
}

/** Groups of explanations that say the same of the score, the weight and the next rank, in the order given. */
function alike(explanations: readonly ScoreExplanation[]): ScoreExplanation[][] {
  const groups: ScoreExplanation[][] = [];
  for (const explanation of explanations) {
    const group = groups.find(([first]) => first !== undefined && isSame(first, explanation));
    if (group === undefined) groups.push([explanation]);
    else group.push(explanation);
  }
  return groups;
}

function isSame(a: ScoreExplanation, b: ScoreExplanation): boolean {
  if (a.score === undefined || b.score === undefined || a.weightBps !== b.weightBps) return false;
  return equals(MinerScoreSchema, a.score, b.score) && a.nextRank.join() === b.nextRank.join();
}

function sectionText(group: readonly ScoreExplanation[], rules: Rules | undefined): string {
  const [first] = group;
  const score = first?.score;
  if (first === undefined || score === undefined) return "";
  const evidence = new Map(group.flatMap((one) => one.evidence).map((piece) => [piece.id, piece]));
  const validators = group.map(({ validator }) => validator).join(", ");
  const place = score.rank === 0 ? "no rank" : `rank ${score.rank} of ${first.rankedMiners}`;
  return [
    `judged by ${validators}`,
    `${nameText(MinerVerdict[score.verdict])}, ${place}, score ${percentText(score.scoreBps)}, weight ${percentText(first.weightBps)}`,
    partsText(score, rules),
    checkText(first.evidence),
    lostText(score, evidence),
    ...failedText(score, first.evidence),
    "the next better rank",
    ...first.nextRank.map((sentence) => `  ${sentence}`),
  ].join("\n");
}

function partsText(score: MinerScore, rules: Rules | undefined): string {
  const table = new Table({ head: ["part", "value", "weight", "what it is made of"], style: STYLE });
  const volume = `${score.countedListings} of ${score.acceptedListings} accepted listings counted`;
  const weight = (bps: number | undefined): string => percentText(bps ?? 0);
  const time = `${percentText(score.timeBps)} for the receipt's time, times volume`;
  table.push(["speed", percentText(score.speedBps), weight(rules?.speedWeightBps), time]);
  table.push(["quality", percentText(score.qualityBps), weight(rules?.qualityWeightBps), "the rows, times volume"]);
  table.push(["volume", percentText(score.volumeBps), weight(rules?.volumeWeightBps), volume]);
  return table.toString();
}

function checkText(evidence: readonly Evidence[]): string {
  if (evidence.length === 0) return "not spot checked";
  const count = (verdict: ListingVerdict): number => evidence.filter((piece) => piece.verdict === verdict).length;
  const { PASS, FAIL, UNKNOWN } = ListingVerdict;
  const counts = `${count(PASS)} as submitted, ${count(FAIL)} not, ${count(UNKNOWN)} unknown`;
  const adopted = evidence.filter((piece) => piece.adoptedFrom.length > 0).length;
  return `spot check of ${evidence.length} listings: ${counts}${adopted === 0 ? "" : `, ${adopted} adopted from others`}`;
}

function lostText({ lost }: MinerScore, evidence: ReadonlyMap<string, Evidence>): string {
  if (lost.length === 0) return "no point was lost";
  const table = new Table({ head: ["lost", "why", "zip code", "listing", "what", "evidence"], style: STYLE });
  for (const { reason, lostBps, zipCode, listingId, detail, evidenceId } of lost) {
    const why = nameText(LossReason[reason]);
    table.push([percentText(lostBps), why, zipCode, listingId, detail, evidenceText(evidence.get(evidenceId))]);
  }
  return table.toString();
}

/** What a liar was convicted by: its single lost entry names no listing. */
function failedText({ verdict }: MinerScore, evidence: readonly Evidence[]): string[] {
  const failed = evidence.filter((piece) => piece.verdict === ListingVerdict.FAIL);
  if (verdict !== MinerVerdict.LIAR || failed.length === 0) return [];
  const table = new Table({ head: ["zip code", "listing", "evidence"], style: STYLE });
  for (const piece of failed) {
    table.push([piece.submitted?.zipCode ?? "", piece.submitted?.listingId ?? "", evidenceText(piece)]);
  }
  return ["sampled listings that the source does not show as submitted", table.toString()];
}

function evidenceText(piece: Evidence | undefined): string {
  if (piece === undefined) return "";
  const fields = piece.differences.map((one) => `${one.field} ${one.submitted || "-"} is ${one.observed || "-"}`);
  const said = fields.length === 0 ? piece.note : fields.join(", ");
  const page = piece.url === "" ? "no page" : `${piece.url}, status ${piece.httpStatus}`;
  return `${said}; ${page}, ${new Date(millisOf(piece.fetchedTime)).toISOString()}`;
}
