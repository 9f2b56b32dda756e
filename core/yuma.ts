/**
 * Yuma consensus: what a subnet's chain makes of its validators' weights.
 *
 * It is here so that a person, and the embedded chain, can see what weights lead to. It follows the real chain in
 * consensus, clipping, validator trust and incentive. It differs on purpose in these points:
 * - Bonds have no memory. The real chain's bonds are a moving average over epochs (10 percent of the new value by
 *   default); here a validator's bond in a miner is its stake-scaled clipped weight of this run alone.
 * - Only validators that set weights count. The real chain counts an active validator's stake even before its first
 *   weights, and stops counting one that has been silent for about 5,000 blocks.
 * - Figures are double-precision numbers, not 32.32 fixed point. Stakes are compared exactly.
 */
import type { UidWeight } from "./ports.js";

/** A validator with a permit, and the weights that it set. */
interface YumaValidator {
  readonly uid: number;
  /** Above 0. */
  readonly stakeRao: bigint;
  /** Every uid at most once. Only proportions count. */
  readonly weights: readonly UidWeight[];
}

/** What a run of the consensus reads. */
export interface YumaInput {
  /** Neurons of the subnet; uids are 0 to neuronCount - 1. */
  readonly neuronCount: number;
  /** The owner's uid, which alone may weigh itself; others' weights on themselves do not count. */
  readonly ownerUid?: number;
  /** Every uid at most once, in any order. */
  readonly validators: readonly YumaValidator[];
}

/** What a run of the consensus finds: by uid, each from 0 to 1. */
export interface YumaResult {
  /** The largest weight that validators with more than half of the stake give at least. */
  readonly consensus: number[];
  /** Part of the miners' emission. Adds up to 1, or is all 0 when nobody has consensus. */
  readonly incentive: number[];
  /** Part of the validators' emission. Adds up to 1, or is all 0 when nobody has consensus. */
  readonly dividends: number[];
  /** How much of a validator's row survived the clipping. */
  readonly validatorTrust: number[];
}

/** A row with parts that add up to 1, or an empty one. */
interface Row {
  readonly uid: number;
  readonly stakeRao: bigint;
  readonly parts: readonly { readonly uid: number; readonly part: number }[];
}

/** Runs the consensus. Pure; the order of validators and of weights does not matter. */
export function yumaConsensus(input: YumaInput): YumaResult {
  const rows = input.validators
    .map((validator) => normalizedRow(validator, input.ownerUid))
    .sort((a, b) => a.uid - b.uid);
  const totalStake = rows.reduce((sum, row) => sum + row.stakeRao, 0n);
  const consensus = stakeWeightedMedians(rows, totalStake, input.neuronCount);

  const clipped = rows.map((row) => ({
    uid: row.uid,
    stake: Number(row.stakeRao) / Number(totalStake),
    parts: row.parts.map(({ uid, part }) => ({ uid, part: Math.min(part, consensus[uid] ?? 0) })),
  }));

  const validatorTrust = zeros(input.neuronCount);
  const ranks = zeros(input.neuronCount);
  for (const row of clipped) {
    for (const { uid, part } of row.parts) {
      validatorTrust[row.uid] = (validatorTrust[row.uid] ?? 0) + part;
      ranks[uid] = (ranks[uid] ?? 0) + row.stake * part;
    }
  }
  const incentive = proportions(ranks);

  const dividends = zeros(input.neuronCount);
  for (const row of clipped) {
    for (const { uid, part } of row.parts) {
      const rank = ranks[uid] ?? 0;
      if (rank === 0) continue;
      const bond = (row.stake * part) / rank;
      dividends[row.uid] = (dividends[row.uid] ?? 0) + bond * (incentive[uid] ?? 0);
    }
  }
  return { consensus, incentive, dividends: proportions(dividends), validatorTrust };
}

/** A validator's weights as parts of its row, ascending by uid, without zeros and without itself. */
function normalizedRow(validator: YumaValidator, ownerUid: number | undefined): Row {
  const counted = validator.weights
    .filter(({ uid, weightU16 }) => weightU16 > 0 && (uid !== validator.uid || uid === ownerUid))
    .sort((a, b) => a.uid - b.uid);
  const sum = counted.reduce((total, { weightU16 }) => total + weightU16, 0);
  return {
    uid: validator.uid,
    stakeRao: validator.stakeRao,
    parts: counted.map(({ uid, weightU16 }) => ({ uid, part: weightU16 / sum })),
  };
}

/** Per uid the largest weight that more than half of the stake gives at least; 0 where there is none. */
function stakeWeightedMedians(rows: readonly Row[], totalStake: bigint, neuronCount: number): number[] {
  const columns = Array.from({ length: neuronCount }, (): { part: number; stakeRao: bigint }[] => []);
  for (const row of rows) {
    for (const { uid, part } of row.parts) columns[uid]?.push({ part, stakeRao: row.stakeRao });
  }
  return columns.map((column) => {
    column.sort((a, b) => b.part - a.part);
    let stakeAtLeast = 0n;
    for (const { part, stakeRao } of column) {
      stakeAtLeast += stakeRao;
      // Exactly half is not enough: with two equal stakes the lower of two weights stands, as on the real chain.
      if (2n * stakeAtLeast > totalStake) return part;
    }
    return 0;
  });
}

/** Values as parts of their sum; all zeros stay zeros. */
function proportions(values: readonly number[]): number[] {
  const sum = values.reduce((total, value) => total + value, 0);
  return sum === 0 ? values.map(() => 0) : values.map((value) => value / sum);
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0);
}
