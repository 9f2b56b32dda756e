/**
 * One WatchEpochs stream on the plain path, for calls that cannot be handed over to the hub (JSON, HTTP/1.1, a page in a
 * browser, a caller's deadline): a cursor that walks the log. It keeps the same promises; a slow client just reads later.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import type { WatchEpochsResponse } from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { EpochLog, Ticket } from "../epoch-log/epoch-log.js";
import {
  type WatchMessageOptions,
  drainDelayMs,
  drainedError,
  happenedBy,
  passNext,
  watchMessage,
} from "./watch-messages.js";

/** What one stream needs. */
export interface WatchOptions extends WatchMessageOptions {
  /** Rings when the process goes down. */
  readonly drained: Ticket;
  /** Hotkey of the caller; decides its place in the drain window. */
  readonly caller: string;
  /** The call's own signal. */
  readonly signal: AbortSignal;
}

/**
 * The messages of a stream after its first, from a revision on. Ends with the call's signal; at the
 * call's deadline it rejects with DEADLINE_EXCEEDED, and after a Drain with UNAVAILABLE, which is how the caller learns
 * that this was not the end.
 */
export async function* watchEpochs(
  log: EpochLog,
  startRevision: number,
  options: WatchOptions,
): AsyncGenerator<WatchEpochsResponse> {
  const { clock, signal, bookmarkIntervalMs } = options;
  let cursor = startRevision;
  let lastMessageMs = clock.now();
  const message = (happened: Parameters<typeof watchMessage>[0]): WatchEpochsResponse => {
    lastMessageMs = clock.now();
    return watchMessage(happened, cursor, options);
  };

  let hasCaughtUp = false;
  for (;;) {
    // Taken before reading: a change between reading and waiting has then rung already.
    const ticket = log.ticket();
    const newest = (await log.newestRevision()) ?? cursor;
    for (let passed = await passNext(log, cursor, newest); passed !== undefined;) {
      if (signal.aborted) return assertNotLate(signal);
      cursor = passed.passedRevision;
      yield message(happenedBy(passed.event));
      passed = await passNext(log, cursor, newest);
    }
    cursor = Math.max(cursor, newest);
    if (!hasCaughtUp) {
      hasCaughtUp = true;
      yield message({ case: "caughtUp", value: {} });
    }
    const woken = await waitFor(ticket, lastMessageMs + bookmarkIntervalMs, options);
    if (woken === "aborted") return assertNotLate(signal);
    if (woken === "quiet") yield message({ case: "bookmark", value: {} });
    if (woken === "drained") {
      const reconnectDelayMs = drainDelayMs(options.caller, options.drainWindowMs);
      yield message({ case: "drain", value: { reconnectDelayMs } });
      throw drainedError();
    }
  }
}

/** Throws DEADLINE_EXCEEDED where that ended the call: an end without an error would say that there is no more to come. */
function assertNotLate({ reason }: AbortSignal): void {
  if (reason instanceof ConnectError && reason.code === Code.DeadlineExceeded) throw reason;
}

type Woken = "rung" | "quiet" | "drained" | "aborted";

/** Waits for a change, the moment of the next bookmark, the drain or the end of the call; leaves nothing behind. */
async function waitFor(ticket: Ticket, bookmarkMs: number, options: WatchOptions): Promise<Woken> {
  const { clock, signal, drained } = options;
  const timer = new AbortController();
  const stops: (() => void)[] = [() => timer.abort()];
  try {
    return await new Promise<Woken>((resolve, reject) => {
      if (signal.aborted) return resolve("aborted");
      const onAbort = (): void => resolve("aborted");
      signal.addEventListener("abort", onAbort, { once: true });
      stops.push(() => signal.removeEventListener("abort", onAbort));
      stops.push(drained.onRing(() => resolve("drained")));
      stops.push(ticket.onRing(() => resolve("rung")));
      clock.sleepUntil(bookmarkMs, timer.signal).then(
        () => resolve("quiet"),
        (error: unknown) => {
          if (!timer.signal.aborted) reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  } finally {
    for (const stop of stops) stop();
  }
}
