/**
 * How long to wait after a failure.
 */

/** Longest wait after the first failure; doubles with each further one. */
export const FIRST_BACKOFF_MS = 1_000;
/** Longest wait at all. */
export const MAX_BACKOFF_MS = 60_000;

/**
 * Milliseconds to wait, with full jitter: anything up to a limit that doubles, so that many callers do not come back
 * together.
 *
 * @param failuresBefore failures in a row before this one; 0 and up.
 * @param random 0 (included) to 1 (excluded).
 */
export function backoffMs(failuresBefore: number, random: number): number {
  return Math.floor(random * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failuresBefore, 16)));
}
