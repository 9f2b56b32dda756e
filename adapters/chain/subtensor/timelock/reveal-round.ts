/**
 * The round of drand that a commit of weights is sealed for.
 */
import { type EpochSchedule, revealBlock } from "./epoch-schedule.js";
import { roundAt } from "./quicknet.js";

/** Blocks behind the opening one whose round is taken: by then the chain surely holds that round's signature. */
const MARGIN_BLOCKS = 3;

/**
 * The round whose signature the chain holds when it opens a commit that is sent now.
 *
 * @param schedule the subnet's epochs as of the newest block.
 */
export function revealRound(
  schedule: EpochSchedule,
  at: { readonly revealPeriodEpochs: number; readonly nowMs: number; readonly blockTimeMs: number },
): number {
  const blocks = revealBlock(schedule, at.revealPeriodEpochs) + MARGIN_BLOCKS - schedule.currentBlock;
  return roundAt(at.nowMs + blocks * at.blockTimeMs);
}
