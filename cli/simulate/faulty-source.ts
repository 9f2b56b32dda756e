/** The market as a validator asks it: some requests fail, and some validators are refused for a while. */
import type { Clock, ListingSource, LookUp } from "../../core/ports.js";
import { chanceOf } from "./chance.js";
import { type World, pageOf } from "./world.js";

/** A clock on which whoever sleeps is awake at once, and the time slept has passed. */
export interface DrivenClock extends Clock {
  pass(ms: number): void;
}

/** A clock that stands at a moment. */
export function drivenClock(startMs: number): DrivenClock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    pass: (ms) => {
      nowMs += ms;
    },
    sleepUntil: (timeMs, signal) => {
      if (signal.aborted) return Promise.reject(signal.reason as Error);
      nowMs = Math.max(nowMs, timeMs);
      return Promise.resolve();
    },
  };
}

/** What one look-up takes. */
const LOOK_UP_MS = 400;
const NO_PAGE = { httpStatus: 0, pageSha256: "" } as const;

/**
 * The source for one validator in one epoch.
 *
 * @param failBps requests that get no answer, of 10,000; the whole for a validator that is refused.
 * @param luck seeds which ones.
 */
export function faultySource(world: World, clock: DrivenClock, failBps: number, luck: string): ListingSource {
  const requests = chanceOf(luck);
  return {
    name: "simulated",
    search: () => {
      throw new Error("a validator searches nothing");
    },
    lookUp(listingId): Promise<LookUp> {
      clock.pass(LOOK_UP_MS);
      const fetchedTimeMs = clock.now();
      const url = `https://listings.example/homedetails/${listingId}_zpid/`;
      if (requests.happens(failBps)) {
        return Promise.resolve({ ...NO_PAGE, url, fetchedTimeMs, outcome: "unreachable", note: "no answer in time" });
      }
      const home = world.home(listingId);
      const listing = home === undefined ? undefined : pageOf(home, fetchedTimeMs);
      if (listing === undefined) {
        return Promise.resolve({ ...NO_PAGE, httpStatus: 404, url, fetchedTimeMs, outcome: "absent" });
      }
      return Promise.resolve({ ...NO_PAGE, httpStatus: 200, url, fetchedTimeMs, outcome: "found", listing });
    },
  };
}
