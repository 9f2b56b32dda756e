/**
 * What the keeper does next: a pure decision from the records that exist and the time. The keeper does it, looks at the
 * records again and asks again, so it does not matter where it was stopped or who else writes.
 *
 * Order of the records: epochs ascending, and the snapshot of an epoch after the epoch that follows it, before the one
 * after that. Once an epoch's snapshot stands, the epoch that follows it can no longer be recorded: readers were told
 * that nothing comes between.
 */
import { epochNumberAt, epochStartMs } from "../../core/epoch-time.js";

/** An epoch that is recorded. */
export interface KeptEpoch {
  readonly number: number;
  readonly hasSnapshot: boolean;
  /** Until when submissions to it are taken, in unix milliseconds: its close, or the end of its extension. */
  readonly acceptedUntilMs: number;
}

/** What the decision is made from. */
export interface KeptRecords {
  /** The newest recorded epoch and the one before it, newest first. */
  readonly newest: readonly KeptEpoch[];
  /** Highest number of an epoch that turned out to have no draw since the keeper started; -1 for none. */
  readonly undrawable: number;
}

/** What to go by. */
export interface PlanRules {
  readonly epochLengthSeconds: number;
  /** Time after the last submission in which a receipt may still be written. */
  readonly settleMs: number;
  /** Missing epochs are made up for when there are at most this many. */
  readonly maxMissedEpochs: number;
  /** Number of the epoch with which an empty record begins at the earliest; 0 where it begins at once. */
  readonly firstEpoch: number;
}

/** One step of the keeper. Each waits for its moment, which may be past. */
export type Step =
  /** Draw this epoch from `notBeforeMs`, its start. `skipped` epochs before it are given up: too many were missed. */
  | { readonly kind: "draw"; readonly number: number; readonly notBeforeMs: number; readonly skipped: number }
  /** Close this epoch, to which submissions were taken until `acceptedUntilMs`, from `notBeforeMs` with its snapshot. */
  | {
      readonly kind: "close";
      readonly number: number;
      readonly acceptedUntilMs: number;
      readonly notBeforeMs: number;
    };

/** The next step. */
export function nextStep(records: KeptRecords, nowMs: number, rules: PlanRules): Step {
  const draw = (number: number, skipped = 0): Step => ({
    kind: "draw",
    number,
    notBeforeMs: epochStartMs(number, rules.epochLengthSeconds),
    skipped,
  });
  const close = ({ number, acceptedUntilMs }: KeptEpoch): Step => ({
    kind: "close",
    number,
    acceptedUntilMs,
    notBeforeMs: acceptedUntilMs + rules.settleMs,
  });

  const current = epochNumberAt(nowMs, rules.epochLengthSeconds);
  const [newest, before] = records.newest;
  if (newest === undefined) return draw(Math.max(current, rules.firstEpoch, records.undrawable + 1));
  if (before !== undefined && !before.hasSnapshot) return close(before);

  const next = newest.number + 1;
  if (!newest.hasSnapshot) {
    const missed = current - next;
    const follows = records.undrawable < next && missed <= rules.maxMissedEpochs;
    return follows ? draw(next) : close(newest);
  }
  const wanted = Math.max(next + 1, records.undrawable + 1);
  const missed = current - wanted;
  return missed > rules.maxMissedEpochs ? draw(current, missed) : draw(wanted);
}
