/**
 * What the next better rank would have taken, in sentences for the miner concerned. The same wherever the score table is.
 */
import type { Epoch, Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { type MinerScore, MinerVerdict } from "../../gen/zipnet/v1/report_pb.js";
import { durationText } from "../quantities.js";
import { millisOf } from "../timestamps.js";
import { latestReceiptMs } from "./speed.js";

/** What the sentences are made from. */
export interface RankFacts {
  readonly epoch: Epoch;
  readonly rules: Rules;
  readonly own: MinerScore;
  /** The miner one rank better; undefined for the first, and for who has no rank. */
  readonly better: MinerScore | undefined;
  /** Time of the miner's receipt, unix milliseconds; undefined where the receipt is not at hand. */
  readonly receivedMs: number | undefined;
}

/** Basis points as a person reads them, for example "12.34 %". */
export function percentText(bps: number): string {
  return `${bps < 0 ? "-" : ""}${Math.floor(Math.abs(bps) / 100)}.${String(Math.abs(bps) % 100).padStart(2, "0")} %`;
}

/** The sentences, at most 10 of at most 300 characters. */
export function nextRankSentences(facts: RankFacts): string[] {
  const { own, better } = facts;
  if (own.rank === 0) return ["Who lied or copied has no rank; the lost points say what was found."];
  if (better === undefined) return ["There is no better rank."];
  const share = `It got ${percentText(better.shareBps)} of the reward, this one ${percentText(own.shareBps)}.`;
  return [comparison(own, better, facts.rules), share, ...verification(facts), ...waysUp(facts)];
}

function comparison(own: MinerScore, better: MinerScore, rules: Rules): string {
  const parts = [
    `speed ${signed((better.speedBps - own.speedBps) * rules.speedWeightBps)}`,
    `quality ${signed((better.qualityBps - own.qualityBps) * rules.qualityWeightBps)}`,
    `volume ${signed((better.volumeBps - own.volumeBps) * rules.volumeWeightBps)}`,
  ];
  const scores = `Rank ${better.rank} scored ${percentText(better.scoreBps)}, this one ${percentText(own.scoreBps)}`;
  return `${scores}. By the weights of the parts it had: ${parts.join(", ")}.`;
}

/** A difference of a part times its weight, as points of the score. */
function signed(weighed: number): string {
  const bps = Math.trunc(weighed / 10_000);
  return `${bps < 0 ? "" : "+"}${percentText(bps)}`;
}

function verification({ own, better, rules }: RankFacts): string[] {
  if (own.verdict === MinerVerdict.VERIFIED || better?.verdict !== MinerVerdict.VERIFIED) return [];
  const first =
    `Rank ${better.rank} is verified. Who is not verified ranks after all who are, whatever the score: ` +
    `the best ${rules.spotCheckMiners} by the score without a spot check are checked`;
  const drawn = rules.spotCheckRandomMiners === 0 ? "" : `, and ${rules.spotCheckRandomMiners} drawn from the others`;
  return [`${first}${drawn}.`];
}

/** What each part by itself would have had to be for a score above the better one's. */
function waysUp(facts: RankFacts): string[] {
  const { own, better } = facts;
  if (better === undefined) return [];
  // Ties go by a hash, so only more than the better one's score is sure to be enough.
  const target = better.scoreBps + 1;
  const group = (score: MinerScore): number => (score.verdict === MinerVerdict.VERIFIED ? 0 : 1);
  const by = group(own) > group(better) ? "the score" : "the rank";
  if (own.scoreBps >= target) return [];
  if (target > 10_000) return [`${by === "the rank" ? "The rank" : "The score"} went by the tie-breaking hash alone.`];
  const ways = [earlierReceipt(facts, target), moreListings(own, target), betterRows(facts, target)];
  const open = ways.filter((way) => way !== undefined);
  if (open.length === 0) return [`No part by itself would have been enough for ${by}; several together would.`];
  return open.map((way) => `${way} would have been enough for ${by}.`);
}

function weighedOf({ speedBps, qualityBps, volumeBps }: MinerScore, rules: Rules): number {
  return speedBps * rules.speedWeightBps + qualityBps * rules.qualityWeightBps + volumeBps * rules.volumeWeightBps;
}

/** Basis points that one part has to gain for the score to reach the target. */
function gainNeeded({ own, rules }: RankFacts, target: number, weightBps: number): number {
  return weightBps === 0 ? Infinity : Math.ceil((target * 10_000 - weighedOf(own, rules)) / weightBps);
}

function earlierReceipt(facts: RankFacts, target: number): string | undefined {
  const { own, rules, epoch, receivedMs } = facts;
  if (own.volumeBps === 0) return undefined;
  const speedBps = own.speedBps + gainNeeded(facts, target, rules.speedWeightBps);
  const timeBps = Math.ceil((speedBps * 10_000) / own.volumeBps);
  if (timeBps > 10_000) return undefined;
  const latestMs = latestReceiptMs(timeBps, millisOf(epoch.startTime), millisOf(epoch.closeTime), rules);
  const moment = new Date(latestMs).toISOString();
  if (receivedMs === undefined) return `A receipt by ${moment}`;
  return `A receipt ${durationText(receivedMs - latestMs)} earlier, by ${moment},`;
}

/** More volume raises every part of a score in proportion. */
function moreListings(own: MinerScore, target: number): string | undefined {
  if (own.scoreBps === 0 || own.volumeBps === 0) return undefined;
  const volumeBps = Math.ceil((own.volumeBps * target) / own.scoreBps);
  if (volumeBps > 10_000) return undefined;
  const counted = own.countedListings || own.acceptedListings;
  const more = Math.ceil((counted * (volumeBps - own.volumeBps)) / own.volumeBps);
  return `About ${more} more counted listings, a volume of ${percentText(volumeBps)} instead of ${percentText(own.volumeBps)},`;
}

function betterRows(facts: RankFacts, target: number): string | undefined {
  const { own, rules } = facts;
  const qualityBps = own.qualityBps + gainNeeded(facts, target, rules.qualityWeightBps);
  // The rows of what was delivered cannot be worth more than all of it.
  if (qualityBps > own.volumeBps) return undefined;
  return `A quality of ${percentText(qualityBps)} instead of ${percentText(own.qualityBps)}`;
}
