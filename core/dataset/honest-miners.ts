/**
 * Which miners' listings belong in the dataset: those that the validators' reports hold for honest.
 */
import { MinerVerdict, type ScoreTable } from "../../gen/zipnet/v1/report_pb.js";

/** A validator's table of an epoch, and the stake behind it. */
export interface WeighedTable {
  readonly table: ScoreTable;
  readonly stakeRao: bigint;
}

/** What the reports together hold a miner for. */
export interface HonestMiner {
  readonly hotkey: string;
  /** Whether more than half of the reporting stake has spot checked it and found it honest. */
  readonly isVerified: boolean;
}

/**
 * The miners that more than half of the reporting stake holds for honest, ascending by hotkey: with every verdict
 * but LIAR and COPY, and with accepted listings. None where less than a third of all validators' stake reported. A report that does not name a miner speaks
 * against it.
 *
 * @param validatorStakeRao stake of all validators, whether they reported or not.
 */
export function honestMiners(tables: readonly WeighedTable[], validatorStakeRao: bigint): HonestMiner[] {
  const honest = new Map<string, bigint>();
  const verified = new Map<string, bigint>();
  let reportedRao = 0n;
  for (const { table, stakeRao } of tables) {
    reportedRao += stakeRao;
    for (const { hotkey, verdict, acceptedListings } of table.scores) {
      // Of a submission that was not read, or has nothing, nobody can say that it is honest.
      if (!isHonest(verdict) || acceptedListings === 0) continue;
      honest.set(hotkey, (honest.get(hotkey) ?? 0n) + stakeRao);
      if (verdict === MinerVerdict.VERIFIED) verified.set(hotkey, (verified.get(hotkey) ?? 0n) + stakeRao);
    }
  }
  if (reportedRao === 0n || reportedRao * 3n < validatorStakeRao) return [];
  const isMost = (stakeRao: bigint): boolean => stakeRao * 2n > reportedRao;
  return [...honest]
    .filter(([, stakeRao]) => isMost(stakeRao))
    .map(([hotkey]) => ({ hotkey, isVerified: isMost(verified.get(hotkey) ?? 0n) }))
    .sort((a, b) => (a.hotkey < b.hotkey ? -1 : 1));
}

/** A copy adds nothing to its original, and no second witness of it. */
function isHonest(verdict: MinerVerdict): boolean {
  return verdict !== MinerVerdict.LIAR && verdict !== MinerVerdict.COPY;
}
