/**
 * A doorbell inside one process: it carries no data, so a slow listener costs a place in a set, not a queue.
 */
import type { Ticket } from "./epoch-log.js";

/** A doorbell. */
export interface Doorbell {
  /** Calls everybody who waits, and those who hold a ticket and did not wait yet. */
  ring(): void;
  /** A ticket for the next ring. */
  ticket(): Ticket;
}

/** Makes a doorbell. Adding and removing a listener takes the same time however many wait. */
export function doorbell(): Doorbell {
  let rings = 0;
  let waiting = new Set<() => void>();
  return {
    ring() {
      rings += 1;
      const called = waiting;
      waiting = new Set();
      for (const listener of called) listener();
    },
    ticket() {
      const taken = rings;
      return {
        onRing(listener) {
          if (rings !== taken) {
            listener();
            return () => {};
          }
          // A function of its own, so that one listener may wait with several tickets.
          const entry = (): void => listener();
          waiting.add(entry);
          return () => void waiting.delete(entry);
        },
      };
    },
  };
}

/** A doorbell that rings once, when the signal is aborted. One listener on the signal, however many wait. */
export function doorbellOf(signal: AbortSignal): Pick<Doorbell, "ticket"> {
  const bell = doorbell();
  const ticket = bell.ticket();
  if (signal.aborted) bell.ring();
  else signal.addEventListener("abort", () => bell.ring(), { once: true });
  return { ticket: () => ticket };
}
