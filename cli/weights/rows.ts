/**
 * A validator's weights as a table: what its judgement asks for beside what the chain holds. Pure.
 */
import Table from "cli-table3";
import type { Metagraph, Neuron, UidWeight } from "../../core/ports.js";
import { uidWeights } from "../../core/weights.js";
import type { HotkeyWeight } from "../../gen/zipnet/v1/report_pb.js";

/** One hotkey's weight. */
export interface WeightsRow {
  readonly hotkey: string;
  /** Undefined: it is not registered any more. */
  readonly uid: number | undefined;
  /** Part of the whole in basis points, by the judgement. */
  readonly shareBps: number;
  /** What would be sent, 0 to 65,535. */
  readonly weightU16: number;
  /** What the chain holds now; undefined: no entry. */
  readonly onChainU16: number | undefined;
}

/** Shares of an epoch's judgement. */
export type Shares = readonly Pick<HotkeyWeight, "hotkey" | "weightBps">[];

/** Weights to send, and every hotkey that they or the chain's present row name. */
export interface PlannedWeights {
  readonly rows: readonly WeightsRow[];
  /** What would be sent, ascending by uid. */
  readonly weights: readonly UidWeight[];
}

/** The row that the chain holds, each share as a part of the row's sum. */
export function heldWeights({ neurons }: Metagraph, own: Neuron | undefined): PlannedWeights {
  const weights = own?.weights ?? [];
  const whole = weights.reduce((sum, { weightU16 }) => sum + weightU16, 0);
  const rows = weights.map(({ uid, weightU16 }) => ({
    hotkey: neurons.find((neuron) => neuron.uid === uid)?.hotkey ?? "nobody",
    uid,
    shareBps: whole === 0 ? 0 : (10_000 * weightU16) / whole,
    weightU16,
    onChainU16: weightU16,
  }));
  return { rows: rows.toSorted(byWeight), weights };
}

/** The judgement's weights beside the chain's, largest share first. */
export function plannedWeights(shares: Shares, metagraph: Metagraph, own: Neuron | undefined): PlannedWeights {
  const { weights } = uidWeights(shares, metagraph);
  const asked = new Map(shares.map(({ hotkey, weightBps }) => [hotkey, weightBps]));
  const sent = new Map(weights.map(({ uid, weightU16 }) => [uid, weightU16]));
  const held = new Map((own?.weights ?? []).map(({ uid, weightU16 }) => [uid, weightU16]));
  const rows = metagraph.neurons.map(({ uid, hotkey }) => ({
    hotkey,
    uid,
    shareBps: asked.get(hotkey) ?? 0,
    weightU16: sent.get(uid) ?? 0,
    onChainU16: held.get(uid),
  }));
  const registered = new Set(metagraph.neurons.map(({ hotkey }) => hotkey));
  const gone = shares
    .filter(({ hotkey }) => !registered.has(hotkey))
    .map(({ hotkey, weightBps }) => ({
      hotkey,
      uid: undefined,
      shareBps: weightBps,
      weightU16: 0,
      onChainU16: undefined,
    }));
  const named = [...rows, ...gone].filter(
    ({ uid, shareBps, onChainU16 }) => shareBps > 0 || onChainU16 !== undefined || (uid !== undefined && sent.has(uid)),
  );
  return { rows: named.toSorted(byWeight), weights };
}

function byWeight(a: WeightsRow, b: WeightsRow): number {
  return b.shareBps - a.shareBps || (b.onChainU16 ?? 0) - (a.onChainU16 ?? 0) || (a.uid ?? 0) - (b.uid ?? 0);
}

/** The table as text. */
export function rowsText(rows: readonly WeightsRow[]): string {
  if (rows.length === 0) return "no weights, neither judged nor on the chain";
  const table = new Table({
    head: ["hotkey", "uid", "share", "u16", "on chain now"],
    colAligns: ["left", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const { hotkey, uid, shareBps, weightU16, onChainU16 } of rows) {
    const share = `${(shareBps / 100).toFixed(2)} %`;
    const isGone = uid === undefined;
    table.push([hotkey, isGone ? "gone" : uid, share, isGone ? "-" : weightU16, onChainU16 ?? "-"]);
  }
  return table.toString();
}
