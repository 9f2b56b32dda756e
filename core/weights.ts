/**
 * From shares by hotkey to weights as the chain takes and holds them.
 */
import type { HotkeyWeight } from "../gen/zipnet/v1/report_pb.js";
import type { Metagraph, UidWeight } from "./ports.js";

/** The largest weight, and the whole of which the chain's u16 figures are parts. */
export const U16_MAX = 65_535;

/** Weights that are ready to set. */
export interface UidWeights {
  /** Ascending by uid; the largest is 65,535. Empty when no registered hotkey has a share: there is no uniform fallback. */
  readonly weights: UidWeight[];
  /** Hotkeys with a share that are not registered any more, in the order given. Their shares are dropped, not passed on. */
  readonly missing: string[];
}

/**
 * Turns shares by hotkey into weights by uid, as of a metagraph. The row is padded with explicit zeros, lowest free
 * uids first, up to the shortest row that the subnet accepts. RangeError for a hotkey that stands there twice.
 */
export function uidWeights(
  shares: readonly Pick<HotkeyWeight, "hotkey" | "weightBps">[],
  metagraph: Pick<Metagraph, "neurons" | "minAllowedWeights">,
): UidWeights {
  const uidOf = new Map(metagraph.neurons.map((neuron) => [neuron.hotkey, neuron.uid]));
  const bpsByUid = new Map<number, number>();
  const missing: string[] = [];
  for (const { hotkey, weightBps } of shares) {
    const uid = uidOf.get(hotkey);
    if (uid === undefined) {
      missing.push(hotkey);
      continue;
    }
    if (bpsByUid.has(uid)) throw new RangeError(`hotkey ${hotkey} has two weights, but may have one`);
    bpsByUid.set(uid, weightBps);
  }
  if (![...bpsByUid.values()].some((bps) => bps > 0)) return { weights: [], missing };
  for (const { uid } of metagraph.neurons) {
    if (bpsByUid.size >= metagraph.minAllowedWeights) break;
    if (!bpsByUid.has(uid)) bpsByUid.set(uid, 0);
  }
  const row = [...bpsByUid].sort(([a], [b]) => a - b);
  const scaled = maxUpscaled(row.map(([, bps]) => bps));
  return { weights: row.map(([uid], index) => ({ uid, weightU16: scaled[index] ?? 0 })), missing };
}

/**
 * The chain's own normalization: scales so that the largest becomes 65,535, rounded to the nearest, halves up. All
 * zeros stay zeros. RangeError for a value that is negative or no finite number.
 */
export function maxUpscaled(raw: readonly number[]): number[] {
  let largest = 0;
  for (const value of raw) {
    if (!(value >= 0 && value < Infinity)) {
      throw new RangeError(`weight is ${value}, but must be a finite number from 0 up`);
    }
    largest = Math.max(largest, value);
  }
  return largest === 0 ? raw.map(() => 0) : raw.map((value) => Math.round((value * U16_MAX) / largest));
}
