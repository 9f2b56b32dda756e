/**
 * Who is spot checked, and in which order.
 */
import { millisOf } from "../timestamps.js";
import type { Epoch, Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { bytesToHex, sha256Of } from "../hash.js";
import { byText } from "./apportion.js";
import { heuristicQualityBps } from "./quality.js";
import { speedBps } from "./speed.js";
import { type SubmissionCheck, acceptedCount } from "./submission-check.js";
import { type Consensus, consensusOf, volumeOf } from "./volume.js";

/** The three parts of a score and their sum by the rules' weights, each 0 to 10,000 basis points. */
export interface ScoreParts {
  readonly speedBps: number;
  readonly qualityBps: number;
  readonly volumeBps: number;
  readonly scoreBps: number;
}

/** The score of parts by the rules' weights. */
export function weighParts(parts: Omit<ScoreParts, "scoreBps">, rules: Rules): ScoreParts {
  const sum =
    parts.speedBps * rules.speedWeightBps +
    parts.qualityBps * rules.qualityWeightBps +
    parts.volumeBps * rules.volumeWeightBps;
  return { ...parts, scoreBps: Math.floor(sum / 10_000) };
}

/**
 * A submission's score without asking the source. A submission without any accepted listing has nothing: being early
 * with nothing is not speed.
 */
export function heuristicParts(check: SubmissionCheck, consensus: Consensus, epoch: Epoch, rules: Rules): ScoreParts {
  if (acceptedCount(check) === 0) return { speedBps: 0, qualityBps: 0, volumeBps: 0, scoreBps: 0 };
  const startMs = millisOf(epoch.startTime);
  const closeMs = millisOf(epoch.closeTime);
  const parts = {
    speedBps: speedBps(check.receivedMs, startMs, closeMs, rules),
    qualityBps: heuristicQualityBps(check),
    volumeBps: volumeOf(check, consensus).bps,
  };
  return weighParts(parts, rules);
}

/** What ties are broken by: a hash of the seed and the hotkey, as hexadecimal text. Smaller comes first. */
function tieBreaker(seedBlockHash: string, hotkey: string): string {
  return bytesToHex(sha256Of(`${seedBlockHash}\n${hotkey}`));
}

/** Puts miners in order: higher score first, ties by tieBreaker. */
export function byScore(seedBlockHash: string) {
  return (a: { hotkey: string; scoreBps: number }, b: { hotkey: string; scoreBps: number }): number =>
    b.scoreBps - a.scoreBps || byText(tieBreaker(seedBlockHash, a.hotkey), tieBreaker(seedBlockHash, b.hotkey));
}

/**
 * Hotkeys that may be spot checked, best first by the score without spot checks. Proven liars and submissions without
 * an accepted listing are not among them.
 */
export function provisionalOrder(
  checks: readonly SubmissionCheck[],
  epoch: Epoch,
  rules: Rules,
  seedBlockHash: string,
): string[] {
  const sound = checks.filter((check) => check.lie === undefined && acceptedCount(check) > 0);
  const consensus = consensusOf(sound);
  return sound
    .map((check) => ({ hotkey: check.hotkey, scoreBps: heuristicParts(check, consensus, epoch, rules).scoreBps }))
    .sort(byScore(seedBlockHash))
    .map((entry) => entry.hotkey);
}
