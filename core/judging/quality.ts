/**
 * Quality: how complete and plausible all rows are, and how the sampled ones compare with the source.
 */
import type { SpotCheckCounts } from "./decision.js";
import type { SubmissionCheck } from "./submission-check.js";

/** Quality of all rows without asking the source, 0 to 10,000 basis points. 0 without rows. */
export function heuristicQualityBps(check: SubmissionCheck): number {
  return check.rows === 0 ? 0 : Math.floor(check.rowQualityBps / check.rows);
}

/**
 * Part of the sample that did not fail, 0 to 10,000 basis points.
 *
 * An UNKNOWN listing counts like a passed one: it must never cost a point, and with a FAIL in the sample it would if it
 * only left the count. So the result depends on nothing in which two validators can honestly differ.
 */
export function spotCheckBps(counts: SpotCheckCounts): number {
  const sampled = counts.pass + counts.fail + counts.unknown;
  return sampled === 0 ? 0 : Math.floor((10_000 * (sampled - counts.fail)) / sampled);
}

/** Quality as it is scored: both halves where the spot check stands, the heuristic one for the whole otherwise. */
export function qualityBps(heuristicBps: number, spotBps: number | undefined): number {
  return spotBps === undefined ? heuristicBps : Math.floor((heuristicBps + spotBps) / 2);
}
