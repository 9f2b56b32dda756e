/**
 * How long uploaded listings are kept. Records are kept for ever.
 */
import { epochNumberOfId } from "./epoch-time.js";
import type { RetentionRule } from "./ports.js";

/**
 * Closed epochs, the newest first, whose listings are never deleted: three in which an epoch is judged and settled, and
 * three more in which a judgement can be held against what was judged.
 */
export const MIN_KEPT_EPOCHS = 6;

const DAY_SECONDS = 86_400;

/** The shortest rule in days for epochs of a length: what is that old belongs to no epoch that must be kept. 1 and up. */
export function leastKeepDays(epochLengthSeconds: number): number {
  return Math.ceil(((MIN_KEPT_EPOCHS + 1) * epochLengthSeconds) / DAY_SECONDS);
}

/**
 * The owner's rule as it stands while an epoch runs: an epoch's listings may be deleted when it closed so many days ago,
 * and when MIN_KEPT_EPOCHS epochs have closed after it.
 *
 * @param keepDays 0 for ever; else leastKeepDays or more, or a RangeError.
 * @param runningEpoch number of the newest epoch that is recorded. A clock that is wrong deletes nothing.
 */
export function retentionRule(keepDays: number, epochLengthSeconds: number, runningEpoch: number): RetentionRule {
  const least = leastKeepDays(epochLengthSeconds);
  if (!Number.isInteger(keepDays) || (keepDays !== 0 && keepDays < least)) {
    throw new RangeError(
      `listings cannot be kept for ${keepDays} days, but for ${least} at least, with epochs of ${epochLengthSeconds} seconds; or 0: for ever`,
    );
  }
  const keptEpochs = Math.max(MIN_KEPT_EPOCHS, Math.ceil((keepDays * DAY_SECONDS) / epochLengthSeconds));
  return {
    keepDays,
    mayDelete(epochId) {
      const number = epochNumberOfId(epochId, epochLengthSeconds);
      return keepDays !== 0 && number !== undefined && number < runningEpoch - keptEpochs;
    },
  };
}
