/**
 * What a miner earned in an epoch by the validators' reports, and what it lost and why. Pure.
 */
import type { LossReason, LostPoints, MinerScore, Report } from "../../gen/zipnet/v1/report_pb.js";

/** An epoch in a miner's history. */
export interface Earnings {
  /** Reports on the epoch. */
  readonly reports: number;
  /** Reports that judge this miner, which a report does when it has a receipt. */
  readonly judgedBy: number;
  /** The weight in the middle of all reports, the lower of two. 0 to 10,000 basis points. */
  readonly weightBps: number;
  /** Least and greatest weight of all reports. Equal where the validators agree. */
  readonly weightRangeBps: readonly [number, number];
  /** The judgement in the report with the weight in the middle; undefined where that has none. */
  readonly score: MinerScore | undefined;
}

/** A miner's earnings by all reports on one epoch. */
export function earningsOf(reports: readonly Report[], hotkey: string): Earnings {
  const judgements = reports
    .map(({ validator, table }) => ({
      validator,
      weightBps: table?.weights.find((weight) => weight.hotkey === hotkey)?.weightBps ?? 0,
      score: table?.scores.find((score) => score.hotkey === hotkey),
    }))
    .toSorted((a, b) => a.weightBps - b.weightBps || (a.validator < b.validator ? -1 : 1));
  const middle = judgements[Math.floor((judgements.length - 1) / 2)];
  return {
    reports: reports.length,
    judgedBy: judgements.filter(({ score }) => score !== undefined).length,
    weightBps: middle?.weightBps ?? 0,
    weightRangeBps: [judgements[0]?.weightBps ?? 0, judgements.at(-1)?.weightBps ?? 0],
    score: middle?.score,
  };
}

/** What was lost for one reason. */
export interface Loss {
  readonly reason: LossReason;
  /** Basis points of the score. */
  readonly lostBps: number;
  /** Entries, of which one may sum up others. */
  readonly entries: number;
  /** The entry that cost most. */
  readonly largest: LostPoints;
}

/** Losses summed up by reason, the greatest first. */
export function lossesByReason(lost: readonly LostPoints[]): Loss[] {
  const byReason = new Map<LossReason, Loss>();
  for (const entry of lost) {
    const sum = byReason.get(entry.reason);
    byReason.set(entry.reason, {
      reason: entry.reason,
      lostBps: (sum?.lostBps ?? 0) + entry.lostBps,
      entries: (sum?.entries ?? 0) + 1,
      largest: sum === undefined || entry.lostBps > sum.largest.lostBps ? entry : sum.largest,
    });
  }
  return [...byReason.values()].toSorted((a, b) => b.lostBps - a.lostBps || a.reason - b.reason);
}
