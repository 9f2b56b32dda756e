/**
 * What to do about weights at a block. Pure.
 */
import type { HotkeyWeight } from "../../gen/zipnet/v1/report_pb.js";
import type { Metagraph, UidWeight } from "../../core/ports.js";
import { weightsObstacles } from "../../core/weights-preflight.js";
import { uidWeights } from "../../core/weights.js";

/** A judgement whose judging period is over. */
export interface SettledTable {
  readonly epochId: string;
  readonly weights: readonly HotkeyWeight[];
}

/** What was sent last, by our own record. */
export interface LastSent {
  readonly epochId: string;
  /** The block that holds it, or, as long as nothing is known of its fate, the first one that can. */
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
  /** Nothing until something else changes; an alarm where somebody has to change it. */
  | { readonly kind: "nothing"; readonly reason: string; readonly isAlarm: boolean };

/**
 * Plans the next setting of weights: once per tempo from the newest settled table, and at once when a newer table is
 * settled, as soon as the rate limit allows. Never anything but a table of our own: without one, nothing is set.
 */
export function planWeights(input: {
  metagraph: Metagraph;
  hotkey: string;
  table: SettledTable | undefined;
  last: LastSent | undefined;
  /** Key of the judging rules that this program knows. */
  versionKey: bigint;
}): WeightsPlan {
  const { metagraph, hotkey, table, last, versionKey } = input;
  const obstacles = weightsObstacles({ metagraph, hotkey, versionKey });
  const lasting = obstacles.filter(({ kind }) => kind === "lasting");
  if (lasting.length > 0) {
    return { kind: "nothing", reason: lasting.map(({ text }) => text).join("; "), isAlarm: true };
  }
  if (table === undefined) return { kind: "nothing", reason: "no epoch is judged and settled yet", isAlarm: false };
  const { weights, missing } = uidWeights(table.weights, metagraph);
  if (weights.length === 0) {
    const reason = `nobody who is registered earned anything in ${table.epochId}`;
    return { kind: "nothing", reason, isAlarm: false };
  }
  const passing = obstacles.flatMap((obstacle) => (obstacle.kind === "passing" ? [obstacle] : []));
  const allowedFrom = Math.max(0, ...passing.map(({ untilBlock }) => untilBlock));
  const isSet = last?.epochId === table.epochId && isInThisTempo(metagraph, hotkey, last);
  if (isSet && !paysStrangers(metagraph, hotkey, weights)) {
    const untilBlock = Math.max(metagraph.nextEpochBlock, allowedFrom);
    return { kind: "wait", untilBlock, reason: `the weights from ${table.epochId} are set in this tempo` };
  }
  if (passing.length > 0) {
    return { kind: "wait", untilBlock: allowedFrom, reason: passing.map(({ text }) => text).join("; ") };
  }
  return { kind: "set", epochId: table.epochId, weights, missing };
}

/**
 * Whether the row on chain pays a uid that has nothing to get: it changed hands while the weights were on their way. What
 * is sealed shows later than it is set, so nothing can be said of it.
 */
function paysStrangers(
  { neurons, revealPeriodEpochs }: Metagraph,
  hotkey: string,
  weights: readonly UidWeight[],
): boolean {
  if (revealPeriodEpochs > 0) return false;
  const earning = new Set(weights.filter(({ weightU16 }) => weightU16 > 0).map(({ uid }) => uid));
  const row = neurons.find((neuron) => neuron.hotkey === hotkey)?.weights ?? [];
  return row.some(({ uid, weightU16 }) => weightU16 > 0 && !earning.has(uid));
}

/** Whether the chain shows what was sent last, and shows it since the tempo that is running. */
function isInThisTempo({ nextEpochBlock, tempo, neurons }: Metagraph, hotkey: string, last: LastSent): boolean {
  const lastUpdate = neurons.find((neuron) => neuron.hotkey === hotkey)?.lastUpdateBlock ?? 0;
  return lastUpdate >= Math.max(1, nextEpochBlock - tempo, last.blockNumber);
}
