/**
 * Waiting for what the chain took to be finalized.
 */
import { ZipnetError } from "../../../core/errors.js";
import type { Chain, Clock, Metagraph } from "../../../core/ports.js";

/** The subnet once a block is finalized; undefined when the signal was aborted before. */
export async function metagraphFrom(
  chain: Chain,
  blockNumber: number,
  signal: AbortSignal,
): Promise<Metagraph | undefined> {
  for await (const { number } of chain.watchFinalized(signal)) {
    if (number < blockNumber) continue;
    try {
      return await chain.metagraph(signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      // The chain went away just now; the weights are set none the less, and the next block shows them.
      if (!(error instanceof ZipnetError) || error.reason !== "UNAVAILABLE") throw error;
    }
  }
  return undefined;
}

/** Runs something with a signal that is aborted with the given one, and after the time. */
export async function within<T>(
  timeMs: number,
  clock: Clock,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const patience = new AbortController();
  const stop = (): void => patience.abort();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  clock.sleepUntil(clock.now() + timeMs, patience.signal).then(stop, stop);
  try {
    return await run(patience.signal);
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}
