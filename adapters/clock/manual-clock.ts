import type { Clock } from "../../core/ports.js";

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves to a moment, waking sleepers in the order of their moments, each with the clock at that moment. */
  advanceTo(timeMs: number): Promise<void>;
  /** Sleepers at present, so that a test can wait until a program sleeps. */
  readonly sleepers: number;
}

interface Sleeper {
  readonly timeMs: number;
  readonly wake: () => void;
}

/** Lets everything run that is ready to run. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A clock for tests and simulations. */
export function manualClock(startMs: number): ManualClock {
  let nowMs = startMs;
  const sleeping = new Set<Sleeper>();

  function nextDue(timeMs: number): Sleeper | undefined {
    let next: Sleeper | undefined;
    for (const sleeper of sleeping) {
      if (sleeper.timeMs <= timeMs && (next === undefined || sleeper.timeMs < next.timeMs)) next = sleeper;
    }
    return next;
  }

  return {
    now: () => nowMs,
    get sleepers() {
      return sleeping.size;
    },
    sleepUntil: (timeMs, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason as Error);
          return;
        }
        if (timeMs <= nowMs) {
          resolve();
          return;
        }
        const abort = (): void => {
          sleeping.delete(sleeper);
          reject(signal.reason as Error);
        };
        const sleeper: Sleeper = {
          timeMs,
          wake: () => {
            sleeping.delete(sleeper);
            signal.removeEventListener("abort", abort);
            resolve();
          },
        };
        signal.addEventListener("abort", abort, { once: true });
        sleeping.add(sleeper);
      }),
    async advanceTo(timeMs) {
      await settle();
      for (let due = nextDue(timeMs); due !== undefined; due = nextDue(timeMs)) {
        nowMs = Math.max(nowMs, due.timeMs);
        due.wake();
        // What the sleeper does next may sleep again before timeMs, and that sleep is due too.
        await settle();
      }
      nowMs = Math.max(nowMs, timeMs);
    },
  };
}
