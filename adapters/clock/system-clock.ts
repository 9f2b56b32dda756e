import type { Clock } from "../../core/ports.js";

/** setTimeout counts in 31 bits: anything longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleepUntil: (timeMs, signal) =>
    new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      // The wall clock may be set while we sleep, and timers may fire a little early: look again instead of trusting.
      const step = (): void => {
        const leftMs = timeMs - Date.now();
        if (leftMs > 0) {
          timer = setTimeout(step, Math.min(leftMs, LONGEST_TIMER_MS));
        } else {
          signal.removeEventListener("abort", abort);
          resolve();
        }
      };
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener("abort", abort, { once: true });
      step();
    }),
};
