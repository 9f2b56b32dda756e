/**
 * Drain: a server with all its streams open is told to go down. Every stream has to get its Drain and its end, and the
 * event loop has to stay free for calls meanwhile.
 */
import { OURS, oursCommand } from "../harness/candidates.js";
import { type FanOutOptions, withStreams } from "./fan-out.js";

/** What is measured. */
export interface DrainFigures {
  readonly streams: number;
  /** Streams that were cut instead of ended. */
  readonly cut: number;
  /** From the signal until the last stream had its end. */
  readonly lastEndMs: number;
  /** From the signal until the server was gone. */
  readonly closedMs: number;
  /** Longest time for which the event loop did nothing else. */
  readonly longestDelayMs: number;
}

/** Measures our own server. */
export async function measureDrain(
  streams: number,
  options: Pick<FanOutOptions, "receiver" | "callsFile">,
): Promise<DrainFigures> {
  const candidate = { name: OURS, program: { command: await oursCommand() } };
  const load = { connections: streams, streamsPerConnection: 1 };
  return await withStreams(candidate, load, options, async ({ server, receiver }) => {
    await server.ask("gc");
    await server.ask("watch-delays");
    const { startNs, endNs } = await server.ask<{ startNs: number; endNs: number }>("drain");
    const ends = await receiver.answer<{ last_ns: number; cut: number }>("ends");
    const delays = await server.ask<{ maxMs: number }>("delays");
    return {
      streams,
      cut: ends.cut,
      lastEndMs: (ends.last_ns - startNs) / 1e6,
      closedMs: (endNs - startNs) / 1e6,
      longestDelayMs: delays.maxMs,
    };
  });
}
