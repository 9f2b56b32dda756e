/**
 * What a spot check proves: a sequential likelihood-ratio test, in integers.
 *
 * The sample is read in steps. After each, the ratio says how many times likelier the verdicts are of a miner whose
 * listings fail at rules.fabricated_fail_bps than of an honest one, whose listings fail at rules.tolerated_fail_bps. For
 * an honest miner the chance that the ratio ever reaches R is at most 1/R, however often one looks (Ville's inequality).
 */
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";

/** Listings that are read between two looks at the ratio. */
const STEP_LISTINGS = 10;
const MILLION = 1_000_000n;

/** Verdicts of a sample, counted. */
export interface SpotCheckCounts {
  readonly pass: number;
  readonly fail: number;
  readonly unknown: number;
}

/** What a spot check decides about a miner. */
export type SpotCheckDecision = "verified" | "unverified" | "liar";

/** What a spot check does next. */
export type NextStep =
  | { readonly kind: "decided"; readonly decision: SpotCheckDecision }
  /** Read on, until so many listings of the sample's order have a verdict. */
  | { readonly kind: "sample"; readonly upTo: number };

/**
 * The next step of a spot check, from what was read so far. UNKNOWN listings count as not failed, so they never help to
 * convict, and two validators of which one got an answer where the other did not decide alike.
 *
 * - liar: the ratio has reached 1,000,000 / rules.accusation_chance_ppm.
 * - unverified: more than rules.max_unknown_bps of what was read is UNKNOWN, or the submission is so small that it could
 *   fail as a whole and prove nothing.
 * - verified: rules.spot_check_listings were read and none failed; or the ratio has fallen to
 *   rules.missed_fabrication_ppm / 1,000,000; or rules.spot_check_max_listings were read, and doubt is no proof.
 *
 * @param counts verdicts of the first listings of the sample's order, up to 10,000. @param available accepted listings
 * of the submission.
 */
export function nextStep(counts: SpotCheckCounts, available: number, rules: Rules): NextStep {
  const { fail, unknown } = counts;
  const read = counts.pass + fail + unknown;
  if (convicts(fail, read, rules)) return decided("liar");
  const first = Math.min(available, rules.spotCheckListings);
  if (read < first) return sampleUpTo(read, first);
  const most = Math.min(available, Math.max(rules.spotCheckListings, rules.spotCheckMaxListings));
  if (unknown * 10_000 > rules.maxUnknownBps * read || !convicts(most, most, rules)) return decided("unverified");
  if (fail === 0 || read >= most || acquits(fail, read, rules)) return decided("verified");
  return sampleUpTo(read, most);
}

/** The decision that verdicts lead to: "unverified" where the sample was not read as far as the rules demand. */
export function decide(counts: SpotCheckCounts, available: number, rules: Rules): SpotCheckDecision {
  const next = nextStep(counts, available, rules);
  return next.kind === "decided" ? next.decision : "unverified";
}

function decided(decision: SpotCheckDecision): NextStep {
  return { kind: "decided", decision };
}

function sampleUpTo(read: number, most: number): NextStep {
  return { kind: "sample", upTo: Math.min(read + STEP_LISTINGS - (read % STEP_LISTINGS), most) };
}

/** Whether so many failures among the listings read prove a liar. */
function convicts(failed: number, read: number, rules: Rules): boolean {
  const { ofFabricator, ofHonest } = likelihoods(failed, read, rules);
  return ofFabricator * BigInt(rules.accusationChancePpm) >= MILLION * ofHonest;
}

/** Whether so few failures leave no doubt worth following. */
function acquits(failed: number, read: number, rules: Rules): boolean {
  const { ofFabricator, ofHonest } = likelihoods(failed, read, rules);
  return ofFabricator * MILLION <= BigInt(rules.missedFabricationPpm) * ofHonest;
}

/** How likely the verdicts are of either kind of miner, both out of the same whole. */
function likelihoods(failed: number, read: number, rules: Rules): { ofFabricator: bigint; ofHonest: bigint } {
  const of = (failBps: number): bigint =>
    BigInt(failBps) ** BigInt(failed) * BigInt(10_000 - failBps) ** BigInt(read - failed);
  return { ofFabricator: of(rules.fabricatedFailBps), ofHonest: of(rules.toleratedFailBps) };
}
