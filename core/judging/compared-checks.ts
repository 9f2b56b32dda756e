/**
 * The cheap checks' results after the submissions of an epoch were held against each other and against what one miner
 * can read: what the provisional order, the spot checks and the scores all go by.
 */
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import { compareSubmissions } from "./heuristics/heuristics.js";
import { withFindings, withoutRows } from "./left-out.js";
import { type SubmissionCheck, acceptedCount } from "./submission-check.js";

/**
 * Marks copies, leaves out rows that are implausible among all others, and scales down the quality of rows that claim to
 * be read faster than rules.max_listings_per_second. One result per check, in the order given; what they say does not
 * depend on that order.
 *
 * @param seedBlockHash hash of the snapshot's seed block, hexadecimal.
 */
export function comparedChecks(
  checks: readonly SubmissionCheck[],
  rules: Rules,
  seedBlockHash: string,
): SubmissionCheck[] {
  const { copies, implausible } = compareSubmissions(checks, seedBlockHash);
  return checks.map((check) => {
    const copyOf = copies.get(check.hotkey);
    const paced = slowedDown(check, rules);
    if (copyOf !== undefined) return { ...paced, copyOf };
    return withoutRows(paced, implausible.get(check.hotkey) ?? []);
  });
}

/** One second's worth is free: the rows of a page are read in one moment. */
function slowedDown(check: SubmissionCheck, { maxListingsPerSecond }: Rules): SubmissionCheck {
  const listings = acceptedCount(check);
  if (check.scrapedMs === undefined) return check;
  const durationMs = check.scrapedMs.last - check.scrapedMs.first;
  const possible = Math.floor((maxListingsPerSecond * (durationMs + 1000)) / 1000);
  if (listings <= possible) return check;
  const rowQualityBps = Math.floor((check.rowQualityBps * possible) / listings);
  const detail = `${listings} listings are said to be read within ${durationMs} ms, where ${possible} can be`;
  const lostRowBps = check.rowQualityBps - rowQualityBps;
  const finding = { reason: LossReason.RATE, zipCode: "", listingId: "", detail, lostRowBps } as const;
  return { ...check, ...withFindings(check, [finding]), rowQualityBps };
}
