/**
 * A limit on how many things happen at one time; whoever waits longest is next.
 */

/** A limited number of slots. */
export interface Slots {
  /** Waits for a slot; returns how to give it back, which must be called once. Rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<() => void>;
}

/** Makes `count` slots, 1 and up. */
export function slots(count: number): Slots {
  let free = count;
  const waiting: (() => void)[] = [];

  function giveBack(): void {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return giveBack;
      }
      return new Promise((resolve, reject) => {
        const wake = (): void => {
          signal.removeEventListener("abort", abort);
          resolve(giveBack);
        };
        const abort = (): void => {
          waiting.splice(waiting.indexOf(wake), 1);
          reject(signal.reason as Error);
        };
        waiting.push(wake);
        signal.addEventListener("abort", abort, { once: true });
      });
    },
  };
}
