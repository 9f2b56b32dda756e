/**
 * What a spot check proves: an exact binomial test, in integers.
 */
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";

/** Verdicts of a sample, counted. */
export interface SpotCheckCounts {
  readonly pass: number;
  readonly fail: number;
  readonly unknown: number;
}

/** What a spot check decides about a miner. */
export type SpotCheckDecision = "verified" | "unverified" | "liar";

/**
 * The fewest failures among `sampled` listings that prove a liar: as many would happen to an honest miner, whose
 * listings fail at rules.tolerated_fail_bps, with a probability of at most rules.accusation_chance_ppm. Undefined when
 * not even a sample that fails as a whole proves anything, because it is too small.
 */
export function convictingFailures(sampled: number, rules: Rules): number | undefined {
  const failBps = BigInt(rules.toleratedFailBps);
  const passBps = 10_000n - failBps;
  const n = BigInt(sampled);
  const whole = 10_000n ** n;
  // C(n,i) fail^i pass^(n-i), a whole number at every step; `atLeast` is the sum from i up, out of `whole`.
  let exactly = passBps ** n;
  let atLeast = whole;
  for (let i = 0n; i <= n; i += 1n) {
    if (atLeast * 1_000_000n <= BigInt(rules.accusationChancePpm) * whole) return Number(i);
    atLeast -= exactly;
    exactly = (exactly * (n - i) * failBps) / ((i + 1n) * passBps);
  }
  return undefined;
}

/**
 * The decision on a checked miner. UNKNOWN listings stand in the test as not failed, so they never help to convict, and
 * two validators of which one got an answer where the other did not decide alike.
 *
 * - liar: enough listings failed.
 * - unverified: more than rules.max_unknown_bps of the sample is UNKNOWN, or the sample is too small to convict anybody.
 * - verified: otherwise.
 */
export function decide(counts: SpotCheckCounts, rules: Rules): SpotCheckDecision {
  const sampled = counts.pass + counts.fail + counts.unknown;
  const convicting = convictingFailures(sampled, rules);
  if (convicting === undefined) return "unverified";
  if (counts.fail >= convicting) return "liar";
  return counts.unknown * 10_000 > rules.maxUnknownBps * sampled ? "unverified" : "verified";
}
