/**
 * From ranks to shares of the reward, and from shares to weights.
 */
import { create } from "@bufbuild/protobuf";
import { type Rules, UnearnedShareRule } from "../../gen/zipnet/v1/epoch_pb.js";
import { type HotkeyWeight, HotkeyWeightSchema } from "../../gen/zipnet/v1/report_pb.js";
import { apportion, byText } from "./apportion.js";

/** An honest miner that stands in line for a share. */
export interface Earner {
  readonly hotkey: string;
  /** Spot checked and found honest: may win. */
  readonly verified: boolean;
  /** Score without spot check, by which the participation share is divided. */
  readonly heuristicScoreBps: number;
}

/** Of each coldkey the first rules.max_earners_per_coldkey; all of them where that is 0. */
export function bestOfColdkeys<M extends { readonly coldkey: string }>(ranked: readonly M[], rules: Rules): M[] {
  const taken = new Map<string, number>();
  return ranked.filter(({ coldkey }) => {
    const before = taken.get(coldkey) ?? 0;
    taken.set(coldkey, before + 1);
    return rules.maxEarnersPerColdkey === 0 || before < rules.maxEarnersPerColdkey;
  });
}

/**
 * Shares in basis points, by hotkey: the winners' shares to the best verified, the participation share to all others
 * in proportion to their heuristic score, each at least 1. What nobody earned is in nobody's share.
 *
 * @param ranked honest miners that delivered something, best first.
 */
export function sharesOf(ranked: readonly Earner[], rules: Rules): Map<string, number> {
  const winners = ranked.filter((earner) => earner.verified).slice(0, rules.winnerShareBps.length);
  const others = ranked.filter((earner) => !winners.includes(earner));
  const winnerShares = winners.map((_, place) => rules.winnerShareBps[place] ?? 0);
  // Everybody honest stands above zero, even where the participation share is smaller than their number; what is
  // lacking comes from the winners, in proportion.
  const pool = others.length === 0 ? 0 : Math.max(rules.participationShareBps, others.length);
  const room = Math.min(
    10_000 - pool,
    winnerShares.reduce((sum, share) => sum + share, 0),
  );
  const taken = pool > rules.participationShareBps ? apportion(room, winnerShares) : winnerShares;
  const parts = apportion(
    pool - others.length,
    others.map((earner) => earner.heuristicScoreBps),
  );
  return new Map([
    ...winners.map((earner, place): [string, number] => [earner.hotkey, taken[place] ?? 0]),
    ...others.map((earner, index): [string, number] => [earner.hotkey, 1 + (parts[index] ?? 0)]),
  ]);
}

/**
 * The weights that follow from shares: exactly 10,000 together, ascending by hotkey, every one at least 1. What nobody
 * earned goes to those who did, in proportion, or to the owner's hotkey, as rules.unearned_share says. Empty when
 * nobody earned anything and nothing is burned.
 */
export function weightsOf(shares: ReadonlyMap<string, number>, rules: Rules, ownerHotkey: string): HotkeyWeight[] {
  const earned = new Map([...shares].filter(([, share]) => share > 0).sort(([a], [b]) => byText(a, b)));
  const unearned = 10_000 - [...earned.values()].reduce((sum, share) => sum + share, 0);
  if (rules.unearnedShare === UnearnedShareRule.BURN) {
    if (unearned > 0) earned.set(ownerHotkey, (earned.get(ownerHotkey) ?? 0) + unearned);
    return asWeights([...earned]);
  }
  const whole = apportion(10_000, [...earned.values()]);
  return asWeights([...earned.keys()].map((hotkey, index): [string, number] => [hotkey, whole[index] ?? 0]));
}

function asWeights(entries: readonly (readonly [string, number])[]): HotkeyWeight[] {
  return entries
    .map(([hotkey, weightBps]) => create(HotkeyWeightSchema, { hotkey, weightBps }))
    .sort((a, b) => byText(a.hotkey, b.hotkey));
}
