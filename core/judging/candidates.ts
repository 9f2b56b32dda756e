/**
 * Scores without asking the source, and who may be spot checked by them.
 */
import { millisOf } from "../timestamps.js";
import type { Epoch, Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { bytesToHex, sha256Of } from "../hash.js";
import { byText } from "./apportion.js";
import { heuristicQualityBps } from "./quality.js";
import { bestOfColdkeys } from "./shares.js";
import { speedBps } from "./speed.js";
import { type SubmissionCheck, acceptedCount } from "./submission-check.js";
import { type Held, expectedHeld, volumeOf } from "./volume.js";

/** The parts of a score as MinerScore has them, each 0 to 10,000 basis points. */
export interface ScoreParts {
  readonly timeBps: number;
  readonly speedBps: number;
  readonly qualityBps: number;
  readonly volumeBps: number;
  readonly scoreBps: number;
}

/** Parts by the rules' weights, 0 to 10,000 basis points. */
export function weighedBps(parts: Omit<ScoreParts, "scoreBps" | "timeBps">, rules: Rules): number {
  const sum =
    parts.speedBps * rules.speedWeightBps +
    parts.qualityBps * rules.qualityWeightBps +
    parts.volumeBps * rules.volumeWeightBps;
  return Math.floor(sum / 10_000);
}

/**
 * The parts of a score. Speed and quality are those of what was delivered: being early or tidy with little is worth
 * little.
 *
 * @param of what the receipt's time, the rows and the volume are worth by themselves, 0 to 10,000 basis points each.
 */
export function scoreParts(of: { timeBps: number; qualityBps: number; volumeBps: number }, rules: Rules): ScoreParts {
  const { timeBps, volumeBps } = of;
  const delivered = (bps: number): number => Math.floor((bps * volumeBps) / 10_000);
  const parts = { speedBps: delivered(timeBps), qualityBps: delivered(of.qualityBps), volumeBps };
  return { timeBps, ...parts, scoreBps: weighedBps(parts, rules) };
}

/** A submission's score without asking the source. */
export function heuristicParts(check: SubmissionCheck, held: Held, epoch: Epoch, rules: Rules): ScoreParts {
  const [startMs, closeMs] = [millisOf(epoch.startTime), millisOf(epoch.closeTime)];
  const timeBps = speedBps(check.receivedMs, startMs, closeMs, rules);
  const volumeBps = volumeOf(check, held).bps;
  return scoreParts({ timeBps, qualityBps: heuristicQualityBps(check), volumeBps }, rules);
}

/** What is put in order. */
interface Scored {
  readonly hotkey: string;
  readonly coldkey: string;
  readonly scoreBps: number;
}

/**
 * Puts miners in order: higher score first. Ties go by a hash of the seed and the coldkey, as hexadecimal text, smaller
 * first, and between hotkeys of one coldkey by that of the seed and the hotkey: more hotkeys are no more lots.
 */
export function byScore(seedBlockHash: string) {
  const lotOf = (key: string): string => bytesToHex(sha256Of(`${seedBlockHash}\n${key}`));
  const byLot = (a: string, b: string): number => (a === b ? 0 : byText(lotOf(a), lotOf(b)));
  return (a: Scored, b: Scored): number =>
    b.scoreBps - a.scoreBps || byLot(a.coldkey, b.coldkey) || byLot(a.hotkey, b.hotkey);
}

/**
 * Hotkeys that may be spot checked, best first by the score without spot checks, where volume is measured by what the
 * catalogue expects: nobody's submission moves the place of another. Proven liars, copies and submissions without an
 * accepted listing are not among them, and of each coldkey only as many as may earn.
 */
export function provisionalOrder(
  checks: readonly SubmissionCheck[],
  epoch: Epoch,
  rules: Rules,
  seedBlockHash: string,
): string[] {
  const held = expectedHeld(epoch);
  const ranked = checks
    .filter((check) => check.lie === undefined && check.copyOf === undefined && acceptedCount(check) > 0)
    .map((check) => ({ ...check, scoreBps: heuristicParts(check, held, epoch, rules).scoreBps }))
    .sort(byScore(seedBlockHash));
  return bestOfColdkeys(ranked, rules).map(({ hotkey }) => hotkey);
}
