/**
 * Spot checks of the miners whom the rules want checked, one after the other and each step by step. Where the rows come
 * from is left to the caller, so that a simulation checks with the same code.
 */
import { provisionalOrder } from "../../core/judging/candidates.js";
import { countVerdicts } from "../../core/judging/comparison.js";
import { type NextStep, decide, nextStep } from "../../core/judging/decision.js";
import { type CheckedMiner, nextToCheck } from "../../core/judging/next-to-check.js";
import { type SampledListing, sampleListings } from "../../core/judging/sampling.js";
import { type SubmissionCheck, acceptedCount } from "../../core/judging/submission-check.js";
import { millisOf } from "../../core/timestamps.js";
import type { Evidence } from "../../gen/zipnet/v1/report_pb.js";
import type { SampledRow } from "./check-submissions.js";
import { type ClosedEpoch, sourceDeadlineMs } from "./closed-epoch.js";
import { type SpotCheckOptions, spotCheck } from "./spot-check.js";

/** The submitted rows of a sample, in its order, as far as they are here. */
export type RowsOfSample = (sample: readonly SampledListing[]) => Promise<SampledRow[]>;

/** What the spot checks of an epoch need. */
export interface SpotCheckBestOptions extends Omit<SpotCheckOptions, "deadlineMs" | "doubtMs"> {
  readonly closed: Pick<ClosedEpoch, "epoch" | "rules" | "seedBlockHash" | "judgingEndMs">;
  /** Called once for every miner that is checked. */
  readonly rowsOfMiner: (check: SubmissionCheck) => Promise<RowsOfSample>;
  /** What to hold of a piece of evidence, before it is counted: see adoptingFrom. Absent: what was found. */
  readonly adopt?: (found: Evidence) => Evidence;
}

/** Spot checks one miner after the other, until the rules have enough. Resolves with the evidence, by hotkey. */
export async function spotCheckBest(
  checks: readonly SubmissionCheck[],
  options: SpotCheckBestOptions,
  signal: AbortSignal,
): Promise<Map<string, Evidence[]>> {
  const { epoch, rules, seedBlockHash } = options.closed;
  const byHotkey = new Map(checks.map((check) => [check.hotkey, check]));
  const order = provisionalOrder(checks, epoch, rules, seedBlockHash);
  const checked = new Map<string, CheckedMiner>();
  const found = new Map<string, Evidence[]>();
  for (;;) {
    const check = byHotkey.get(nextToCheck({ order, checked, rules, epochId: epoch.id, seedBlockHash }) ?? "");
    if (check === undefined) return found;
    const evidence = await spotCheckOne(check, options, signal);
    found.set(check.hotkey, evidence);
    const decision = decide(countVerdicts(evidence), acceptedCount(check), rules);
    checked.set(check.hotkey, { decision, sampled: evidence.length });
  }
}

/** A part of the judging period: half a minute where that is four hours. */
function doubtMsOf({ epoch, judgingEndMs }: SpotCheckBestOptions["closed"]): number {
  return Math.floor((judgingEndMs - millisOf(epoch.closeTime)) / 480);
}

/** Reads the sample of one miner step by step, until it is decided. */
async function spotCheckOne(
  check: SubmissionCheck,
  options: SpotCheckBestOptions,
  signal: AbortSignal,
): Promise<Evidence[]> {
  const { parts, closed } = options;
  const { hotkey } = check;
  const rowsOf = await options.rowsOfMiner(check);
  const available = acceptedCount(check);
  const order = sampleListings(check, closed.seedBlockHash, available);
  const checking = { ...options, deadlineMs: sourceDeadlineMs(closed), doubtMs: doubtMsOf(closed) };
  const evidence: Evidence[] = [];
  const next = (): NextStep => nextStep(countVerdicts(evidence), available, closed.rules);
  let read = 0;
  for (let step = next(); step.kind === "sample" && read < available; step = next()) {
    const upTo = Math.max(step.upTo, read + 1);
    const found = await spotCheck(hotkey, await rowsOf(order.slice(read, upTo)), checking, signal);
    evidence.push(...found.map((piece) => options.adopt?.(piece) ?? piece));
    read = upTo;
  }
  // The second time, with others' findings, is told as a whole.
  if (options.adopt !== undefined) return evidence;
  const counts = countVerdicts(evidence);
  const facts = { event: "spot_check", epoch_id: closed.epoch.id, hotkey, ...counts };
  parts.log.info(facts, `${hotkey}: ${counts.pass} pass, ${counts.fail} fail, ${counts.unknown} unknown`);
  return evidence;
}
