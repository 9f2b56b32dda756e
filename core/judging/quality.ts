/**
 * Quality: how complete and plausible all rows are, and how the sampled ones compare with the source.
 */
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import type { SpotCheckCounts } from "./decision.js";
import type { SubmissionCheck } from "./submission-check.js";

/** Quality of all rows without asking the source, 0 to 10,000 basis points. 0 without rows. */
export function heuristicQualityBps(check: SubmissionCheck): number {
  return check.rows === 0 ? 0 : Math.floor(check.rowQualityBps / check.rows);
}

/**
 * What a sample is worth, 0 to 10,000 basis points: full while no more of it failed than honest scraping shows, and
 * rules.fail_penalty times less for every basis point above.
 *
 * An UNKNOWN listing counts like a passed one: it must never cost a point, and with a FAIL in the sample it would if it
 * only left the count. So the result depends on nothing in which two validators can honestly differ.
 */
export function spotCheckBps(counts: SpotCheckCounts, rules: Rules): number {
  const sampled = counts.pass + counts.fail + counts.unknown;
  if (sampled === 0) return 0;
  const aboveTolerated = Math.ceil((10_000 * counts.fail) / sampled) - rules.toleratedFailBps;
  return Math.max(0, 10_000 - rules.failPenalty * Math.max(0, aboveTolerated));
}

/** Quality as it is scored: both halves where the spot check stands, the heuristic one for the whole otherwise. */
export function qualityBps(heuristicBps: number, spotBps: number | undefined): number {
  return spotBps === undefined ? heuristicBps : Math.floor((heuristicBps + spotBps) / 2);
}
