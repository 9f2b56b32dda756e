/**
 * Telling the server how far the miner is: best effort, seldom, and never in the way of the work.
 */
import type { Clock, Log } from "../core/ports.js";
import type { Progress } from "../gen/zipnet/v1/submission_pb.js";
import type { ServerCalls } from "./server-calls.js";

/** Between two reports. */
const REPORT_INTERVAL_MS = 3000;

/** A difference of clocks that a miner is told of. Signed calls are refused from some seconds on. */
const NOTABLE_CLOCK_DIFFERENCE_MS = 2000;

/** Sends the newest progress now and then. */
export interface ProgressReporter {
  /** Remembers the progress; the newest one is sent when its time has come. */
  tell(progress: Progress): void;
  /** Runs until `ended`, and then sends the last progress, unless `signal` says that there is no time for that. Never rejects. */
  run(ended: AbortSignal, signal: AbortSignal): Promise<void>;
}

/**
 * Reports to the server every three seconds at most, the last report aside, and only what is new. Warns of a difference of
 * clocks, again only when it has become another.
 */
export function progressReporter(parts: {
  readonly server: Pick<ServerCalls, "reportProgress">;
  readonly clock: Clock;
  readonly log: Log;
}): ProgressReporter {
  const { server, clock, log } = parts;
  let newest: Progress | undefined;
  let toldDifferenceMs = 0;

  async function send(progress: Progress, signal: AbortSignal): Promise<void> {
    const sentMs = clock.now();
    try {
      const serverMs = await server.reportProgress(progress, signal);
      const differenceMs = serverMs - (sentMs + clock.now()) / 2;
      const isNews = Math.abs(differenceMs - toldDifferenceMs) > NOTABLE_CLOCK_DIFFERENCE_MS / 2;
      if (isNews && Math.abs(differenceMs) > NOTABLE_CLOCK_DIFFERENCE_MS) {
        toldDifferenceMs = differenceMs;
        const facts = { event: "clock_difference", difference_ms: Math.round(differenceMs) };
        log.warn(facts, `the server's clock is ${facts.difference_ms} ms ahead of ours; set this machine's clock`);
      }
    } catch (error) {
      log.debug({ err: error }, "the server could not be told of our progress");
    }
  }

  return {
    tell: (progress) => {
      newest = progress;
    },
    async run(ended, signal) {
      let sent: Progress | undefined;
      for (;;) {
        // Read before sending, so that what is told until the end is sent once more after it.
        const last = ended.aborted;
        if (newest !== undefined && newest !== sent && !signal.aborted) {
          sent = newest;
          await send(sent, signal);
        }
        if (last) return;
        await clock.sleepUntil(clock.now() + REPORT_INTERVAL_MS, ended).catch(() => undefined);
      }
    },
  };
}
