/**
 * Which miners are spot checked, one after the other.
 */
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { sha256Of } from "../hash.js";
import { randomSequence, shuffled } from "../random.js";
import { byText } from "./apportion.js";
import type { SpotCheckDecision } from "./decision.js";

/** Name of the random checks' algorithm; part of their seed. */
const RANDOM_CHECK_VERSION = "zipnet-random-check-v1";

/** What came of one miner's spot check. */
export interface CheckedMiner {
  readonly decision: SpotCheckDecision;
  /** Listings of it that were sampled. */
  readonly sampled: number;
}

/** What the next miner to check follows from. */
export interface CheckingState {
  /** From provisionalOrder. */
  readonly order: readonly string[];
  /** Those checked so far, by hotkey. */
  readonly checked: ReadonlyMap<string, CheckedMiner>;
  readonly rules: Rules;
  readonly epochId: string;
  /** Hash of the snapshot's seed block, hexadecimal. */
  readonly seedBlockHash: string;
}

/**
 * The next miner to spot check, or undefined when the checks are done. First come the best rules.spot_check_miners of
 * the order; then, while fewer of them are verified than there are winners, the next in line; then
 * rules.spot_check_random_miners of the others, drawn by the seed, so that nobody is safe from a check by staying out of
 * the best. None is begun once rules.spot_check_budget_miners were checked, or rules.spot_check_budget_listings sampled.
 */
export function nextToCheck(state: CheckingState): string | undefined {
  const { checked, rules } = state;
  const budgetMiners = Math.max(rules.spotCheckMiners, rules.spotCheckBudgetMiners);
  const sampled = [...checked.values()].reduce((sum, miner) => sum + miner.sampled, 0);
  if (checked.size >= budgetMiners || sampled >= rules.spotCheckBudgetListings) return undefined;
  const best = bestToCheck(state);
  return [...best, ...drawnToCheck(state, best)].find((hotkey) => !checked.has(hotkey));
}

/** The start of the order that is checked, by what is known of it so far. */
function bestToCheck({ order, checked, rules }: CheckingState): string[] {
  let verified = 0;
  const end = order.findIndex((hotkey, index) => {
    if (index >= rules.spotCheckMiners && verified >= rules.winnerShareBps.length) return true;
    if (checked.get(hotkey)?.decision === "verified") verified += 1;
    return false;
  });
  return order.slice(0, end < 0 ? order.length : end);
}

/** The others that are checked, in the order of drawing. Does not depend on how many of the best are checked. */
function drawnToCheck({ order, rules, epochId, seedBlockHash }: CheckingState, best: readonly string[]): string[] {
  const random = randomSequence(sha256Of(`${RANDOM_CHECK_VERSION}\n${seedBlockHash}\n${epochId}`));
  const isBest = new Set(best);
  return shuffled([...order].sort(byText), random)
    .filter((hotkey) => !isBest.has(hotkey))
    .slice(0, rules.spotCheckRandomMiners);
}
