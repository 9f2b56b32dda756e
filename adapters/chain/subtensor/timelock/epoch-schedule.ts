/**
 * When the chain runs a subnet's epochs. The schedule has a state of its own (the owner may change the tempo or trigger an
 * epoch), so a future epoch is found by walking the blocks as the chain will.
 */

/** The state of a subnet's epochs, all of it as of one block. */
export interface EpochSchedule {
  readonly currentBlock: number;
  /** LastEpochBlock: block of the last epoch. */
  readonly lastEpochBlock: number;
  /** PendingEpochAt: block from which on an epoch that the owner triggered runs; 0 for none. */
  readonly pendingEpochAt: number;
  /** SubnetEpochIndex: epochs that have run. */
  readonly subnetEpochIndex: number;
  /** Tempo: blocks between two epochs; 0 where the subnet runs none. */
  readonly tempo: number;
  /** BlocksSinceLastStep. */
  readonly blocksSinceLastStep: number;
}

/** The longest tempo that an owner may set; a subnet without an epoch for longer than that runs one at once. */
const MAX_TEMPO = 50_400;

/**
 * The block at which the chain opens a commit that the block after the current one includes: the first one of the epoch
 * that begins so many epochs after the commit's. RangeError for a subnet without epochs.
 */
export function revealBlock(schedule: EpochSchedule, revealPeriodEpochs: number): number {
  const { tempo } = schedule;
  if (tempo === 0) throw new RangeError("the subnet's tempo is 0: it runs no epochs and opens no commit");
  let { lastEpochBlock, pendingEpochAt, subnetEpochIndex, blocksSinceLastStep } = schedule;
  const isEpoch = (block: number): boolean =>
    (pendingEpochAt > 0 && block >= pendingEpochAt) ||
    blocksSinceLastStep > MAX_TEMPO ||
    block - lastEpochBlock >= tempo;
  // Commits are opened, and new ones counted, before the block's own epoch is run.
  const epochAt = (block: number): number => subnetEpochIndex + (isEpoch(block) ? 1 : 0);
  const commitBlock = schedule.currentBlock + 1;
  const target = epochAt(commitBlock) + revealPeriodEpochs;
  let block = commitBlock;
  while (epochAt(block) < target) {
    blocksSinceLastStep += 1;
    if (isEpoch(block)) {
      lastEpochBlock = block;
      pendingEpochAt = 0;
      subnetEpochIndex += 1;
      blocksSinceLastStep = 0;
    }
    block += 1;
  }
  return block;
}
