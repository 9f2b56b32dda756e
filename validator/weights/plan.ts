/**
 * What to do about weights at a block. Pure.
 */
import type { HotkeyWeight } from "../../gen/zipnet/v1/report_pb.js";
import type { Metagraph, UidWeight } from "../../core/ports.js";
import { uidWeights } from "../../core/weights.js";

/** A judgement whose judging period is over. */
export interface SettledTable {
  readonly epochId: string;
  readonly weights: readonly HotkeyWeight[];
}

/** What was set last, by our own record. */
export interface LastSet {
  readonly epochId: string;
  readonly blockNumber: number;
}

/** What to do. */
export type WeightsPlan =
  | {
      readonly kind: "set";
      readonly epochId: string;
      readonly weights: readonly UidWeight[];
      readonly missing: readonly string[];
    }
  /** Nothing before this block. */
  | { readonly kind: "wait"; readonly untilBlock: number; readonly reason: string }
  /** Nothing until something else changes. */
  | { readonly kind: "nothing"; readonly reason: string };

/**
 * Plans the next setting of weights: once per tempo from the newest settled table, and at once when a newer table is
 * settled, as soon as the rate limit allows. Never anything but a table of our own: without one, nothing is set.
 */
export function planWeights(input: {
  metagraph: Metagraph;
  hotkey: string;
  table: SettledTable | undefined;
  last: LastSet | undefined;
  /** Key of the judging rules that this program knows. */
  versionKey: bigint;
}): WeightsPlan {
  const { metagraph, hotkey, table, last, versionKey } = input;
  const own = metagraph.neurons.find((neuron) => neuron.hotkey === hotkey);
  if (own === undefined)
    return { kind: "nothing", reason: `${hotkey} is not registered on subnet ${metagraph.netuid}` };
  if (!own.validatorPermit && metagraph.ownerHotkey !== hotkey) {
    return { kind: "nothing", reason: `${hotkey} has no validator permit` };
  }
  // The subnet asks for newer judging rules than ours; weights by the old ones are what its gate is there to keep out.
  if (metagraph.weightsVersionKey > versionKey) {
    const asked = metagraph.weightsVersionKey;
    return {
      kind: "nothing",
      reason: `the subnet asks for version key ${asked}, this program has ${versionKey}: update it`,
    };
  }
  if (table === undefined) return { kind: "nothing", reason: "no epoch is judged and settled yet" };
  const { weights, missing } = uidWeights(table.weights, metagraph);
  if (weights.length === 0)
    return { kind: "nothing", reason: `nobody who is registered earned anything in ${table.epochId}` };
  const lastUpdate = own.lastUpdateBlock;
  const allowedFrom = lastUpdate === 0 ? 0 : lastUpdate + metagraph.weightsRateLimit;
  const tempoStart = metagraph.nextEpochBlock - metagraph.tempo;
  if (last?.epochId === table.epochId && lastUpdate !== 0 && lastUpdate >= tempoStart) {
    const untilBlock = Math.max(metagraph.nextEpochBlock, allowedFrom);
    return { kind: "wait", untilBlock, reason: `the weights from ${table.epochId} are set in this tempo` };
  }
  if (metagraph.block.number < allowedFrom) {
    return { kind: "wait", untilBlock: allowedFrom, reason: "the chain's rate limit" };
  }
  return { kind: "set", epochId: table.epochId, weights, missing };
}
