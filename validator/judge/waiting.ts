/**
 * Waiting: between tries, and for one's turn.
 */
import type { Clock } from "../../core/ports.js";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;

/** Pause before a try, in milliseconds; it doubles up to five minutes. tries: tries that failed, 1 and up. */
export function pauseMs(tries: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS);
}

/** Pauses before the next try, but not beyond the deadline; whether there is time for one. */
export async function pauseBefore(
  deadlineMs: number,
  tries: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  const nextMs = clock.now() + pauseMs(tries);
  if (nextMs >= deadlineMs) return false;
  await clock.sleepUntil(nextMs, signal);
  return true;
}

/** Does the work on each item, so many at a time, in order of the items. Rejects with the first failure. */
export async function eachOf<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (failed) return;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
