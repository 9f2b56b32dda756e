/** Spares callers the wait for somebody who does not answer. */

/** How a breaker judges and waits. */
export interface BreakerOptions {
  /** A call that fails after this long has met silence; one that fails sooner got an answer or found no connection. */
  readonly silenceMs: number;
  /** How long calls fail at once after the first silence. Doubles with every further one. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** Passes calls on. Rejects at once while paused, and while one call tries whether the pause was long enough. */
export type Breaker = <T>(call: () => Promise<T>) => Promise<T>;

/** A breaker that lets calls through until one meets silence. */
export function breaker(options: BreakerOptions): Breaker {
  const { silenceMs, firstPauseMs, longestPauseMs, now } = options;
  let pauseMs = 0;
  let pausedUntilMs = -Infinity;
  let isTrying = false;

  return async (call) => {
    const startedMs = now();
    if (isTrying || startedMs < pausedUntilMs)
      throw new Error("it did not answer a moment ago and is tried again soon");
    const isTrial = pauseMs > 0;
    if (isTrial) isTrying = true;
    try {
      const answer = await call();
      // An answer from before the silence says nothing of now.
      if (startedMs >= pausedUntilMs) pauseMs = 0;
      return answer;
    } catch (error) {
      // Of many calls that met the same silence, the first one counts.
      if (now() - startedMs >= silenceMs && startedMs >= pausedUntilMs) {
        pauseMs = pauseMs === 0 ? firstPauseMs : Math.min(2 * pauseMs, longestPauseMs);
        pausedUntilMs = now() + pauseMs;
      }
      throw error;
    } finally {
      if (isTrial) isTrying = false;
    }
  };
}
