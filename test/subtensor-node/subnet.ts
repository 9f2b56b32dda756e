/**
 * The subnet in the chain's storage: who is on it, with which stake and permit, and its epochs.
 */
import { maxUpscaled, U16_MAX } from "../../core/weights.js";
import { yumaConsensus } from "../../core/yuma.js";
import type { State } from "./state.js";

/** What holds on the subnet. */
export interface SubnetRules {
  readonly netuid: number;
  readonly ownerHotkey: string;
  readonly tempo: number;
  readonly weightsRateLimit: number;
  readonly minAllowedWeights: number;
  readonly weightsVersionKey: bigint;
  readonly maxValidators: number;
  readonly minStakeRao: bigint;
  /** Blocks between two announcements of an address. */
  readonly servingRateLimit: number;
  readonly commitReveal: boolean;
}

/** A subnet on which nobody is registered. */
export function writeRules(state: State, rules: SubnetRules): void {
  const { netuid } = rules;
  state.put("subtensorModule.networksAdded", [netuid], true);
  state.put("subtensorModule.tempo", [netuid], rules.tempo);
  state.put("subtensorModule.weightsSetRateLimit", [netuid], rules.weightsRateLimit);
  state.put("subtensorModule.minAllowedWeights", [netuid], rules.minAllowedWeights);
  state.put("subtensorModule.weightsVersionKey", [netuid], rules.weightsVersionKey);
  state.put("subtensorModule.maxAllowedValidators", [netuid], rules.maxValidators);
  state.put("subtensorModule.stakeThreshold", [], rules.minStakeRao);
  state.put("subtensorModule.servingRateLimit", [netuid], rules.servingRateLimit);
  state.put("subtensorModule.commitRevealWeightsEnabled", [netuid], rules.commitReveal);
  if (rules.ownerHotkey === "") return;
  state.put("subtensorModule.subnetOwnerHotkey", [netuid], rules.ownerHotkey);
  enrol(state, netuid, rules.ownerHotkey, 0n, 0);
}

/** Lists with one entry per uid. */
const BY_UID = ["incentive", "dividends", "consensus", "validatorTrust", "lastUpdate"] as const;

/** Gives a hotkey the next uid, or the given one, whose holder loses it; and a stake. Registered already: only the stake. */
export function enrol(
  state: State,
  netuid: number,
  hotkey: string,
  stakeRao: bigint,
  block: number,
  uid?: number,
): number {
  state.put("subtensorModule.totalHotkeyAlpha", [hotkey, netuid], stakeRao);
  const known = uidOf(state, netuid, hotkey);
  if (known === undefined) {
    const count = state.number("subtensorModule.subnetworkN", netuid);
    const free = uid ?? count;
    if (free < count) state.remove("subtensorModule.uids", netuid, hotkeyOf(state, netuid, free));
    else state.put("subtensorModule.subnetworkN", [netuid], free + 1);
    state.put("subtensorModule.keys", [netuid, free], hotkey);
    state.put("subtensorModule.uids", [netuid, hotkey], free);
    state.put("subtensorModule.owner", [hotkey], hotkey);
    state.put("subtensorModule.blockAtRegistration", [netuid, free], block);
    for (const list of BY_UID) {
      const values = state.numbers(`subtensorModule.${list}`, netuid);
      values[free] = 0;
      state.put(`subtensorModule.${list}`, [netuid], values);
    }
    state.remove("subtensorModule.weights", netuid, free);
    state.remove("subtensorModule.axons", netuid, hotkey);
  }
  givePermits(state, netuid);
  return known ?? uidOf(state, netuid, hotkey) ?? 0;
}

/** A hotkey's uid; undefined where it is not registered. */
export function uidOf(state: State, netuid: number, hotkey: string): number | undefined {
  return (state.get("subtensorModule.uids", netuid, hotkey) as number | null) ?? undefined;
}

function hotkeyOf(state: State, netuid: number, uid: number): string {
  return String(state.get("subtensorModule.keys", netuid, uid));
}

/** All hotkeys, by uid. */
export function hotkeysOf(state: State, netuid: number): string[] {
  const count = state.number("subtensorModule.subnetworkN", netuid);
  return Array.from({ length: count }, (_, uid) => hotkeyOf(state, netuid, uid));
}

/** What the chain weighs a hotkey's vote with. */
export function stakeOf(state: State, netuid: number, hotkey: string): bigint {
  return state.bigint("subtensorModule.totalHotkeyAlpha", hotkey, netuid);
}

/** Permits for those with the most stake. The real chain works them out at each epoch only; here at once, too. */
function givePermits(state: State, netuid: number): void {
  const least = state.bigint("subtensorModule.stakeThreshold");
  const most = state.number("subtensorModule.maxAllowedValidators", netuid);
  const stakes = hotkeysOf(state, netuid).map((hotkey, uid) => ({ uid, stake: stakeOf(state, netuid, hotkey) }));
  const chosen = stakes
    .filter(({ stake }) => stake > 0n && stake >= least)
    .sort((a, b) => (a.stake === b.stake ? a.uid - b.uid : a.stake > b.stake ? -1 : 1))
    .slice(0, most);
  const permitted = new Set(chosen.map(({ uid }) => uid));
  state.put(
    "subtensorModule.validatorPermit",
    [netuid],
    [...stakes.keys()].map((uid) => permitted.has(uid)),
  );
}

/** Whether an epoch runs in a block, by the chain's stateful schedule. */
export function isEpochDue(state: State, netuid: number, block: number): boolean {
  const pending = state.number("subtensorModule.pendingEpochAt", netuid);
  if (pending > 0 && block >= pending) return true;
  return (
    block - state.number("subtensorModule.lastEpochBlock", netuid) >= state.number("subtensorModule.tempo", netuid)
  );
}

/** Stores a row as the chain does: scaled to the largest, in the order given. */
export function storeRow(
  state: State,
  netuid: number,
  uid: number,
  uids: readonly number[],
  raw: readonly number[],
): void {
  const scaled = maxUpscaled(raw);
  state.put(
    "subtensorModule.weights",
    [netuid, uid],
    uids.map((target, index) => [target, scaled[index]]),
  );
}

/** Runs an epoch where one is due. */
export function runEpoch(state: State, netuid: number, block: number): void {
  const since = state.number("subtensorModule.blocksSinceLastStep", netuid);
  state.put("subtensorModule.blocksSinceLastStep", [netuid], since + 1);
  if (!isEpochDue(state, netuid, block)) return;
  givePermits(state, netuid);
  const hotkeys = hotkeysOf(state, netuid);
  const permits = state.get("subtensorModule.validatorPermit", netuid) as boolean[];
  const validators = hotkeys.flatMap((hotkey, uid) => {
    const row = state.get("subtensorModule.weights", netuid, uid) as [number, number][];
    if (permits[uid] !== true || row.length === 0) return [];
    const weights = row.map(([target, weightU16]) => ({ uid: target, weightU16 }));
    return [{ uid, stakeRao: stakeOf(state, netuid, hotkey), weights }];
  });
  const found = yumaConsensus({ neuronCount: hotkeys.length, validators });
  for (const list of ["incentive", "dividends", "consensus", "validatorTrust"] as const) {
    state.put(
      `subtensorModule.${list}`,
      [netuid],
      found[list].map((part) => Math.round(part * U16_MAX)),
    );
  }
  state.put("subtensorModule.lastEpochBlock", [netuid], block);
  state.put("subtensorModule.pendingEpochAt", [netuid], 0);
  state.put("subtensorModule.blocksSinceLastStep", [netuid], 0);
  state.put("subtensorModule.subnetEpochIndex", [netuid], state.number("subtensorModule.subnetEpochIndex", netuid) + 1);
}
