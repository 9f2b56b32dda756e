import type { Block, Clock } from "../../../core/ports.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Finalized blocks, ascending, over streams that may break: opens the next one after a pause that doubles from 0.1 to
 * 5 seconds and starts over at the first block that comes. Ends when the signal is aborted, and only then.
 *
 * @param open starts one stream; it gets a signal of its own, because ending an iteration does not end a call.
 */
export async function* watchFinalized(
  open: (signal: AbortSignal) => AsyncIterable<Block>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Block> {
  let newest = -1;
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const stream = new AbortController();
    const abort = (): void => stream.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      for await (const block of open(stream.signal)) {
        pauseMs = FIRST_PAUSE_MS;
        if (signal.aborted) return;
        if (block.number <= newest) continue;
        newest = block.number;
        yield block;
      }
    } catch {
      // Whatever broke the stream, the answer is the next one.
    } finally {
      signal.removeEventListener("abort", abort);
      stream.abort();
    }
    await clock.sleepUntil(clock.now() + pauseMs, signal).catch(() => {});
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}
