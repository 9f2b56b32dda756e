/**
 * Stalled readers: streams whose callers stop reading while thousands of events are published. A server that queues for
 * them grows with every event.
 */
import { type Candidate } from "../harness/candidates.js";
import { LEAST_EPOCH_BYTES } from "../harness/network.js";
import { pause } from "../harness/processes.js";
import { progress } from "../harness/report.js";
import { type FanOutOptions, type OpenStreams, withStreams } from "./fan-out.js";

/** Streams that stop reading. */
export const STALLED = 200;
/** Streams that go on reading, by which it is seen that the events do go out. */
const READING = 20;
/** For what the last events still have under way. */
const SETTLING_MS = 500;
/** Events between two looks at whether they have arrived. */
const BATCH = 50;

/** The server's memory as events are published. */
export interface StalledFigures {
  readonly candidate: string;
  /** What is in use after so many events and a garbage collection, in KB. The first stands behind the warm-up. */
  readonly used: readonly { readonly events: number; readonly kb: number }[];
  /** From the first figure to the last, in KB. */
  readonly growthKb: number;
}

/** Measures one candidate with so many stalled streams. The memory is looked at after each of the event counts. */
export async function measureStalled(
  candidate: Pick<Candidate, "name" | "program">,
  stalledConnections: number,
  eventCounts: readonly number[],
  options: Pick<FanOutOptions, "receiver" | "callsFile">,
): Promise<StalledFigures> {
  const load = { connections: stalledConnections + READING, streamsPerConnection: 1, stalledConnections };
  return await withStreams(candidate, load, options, async (open) => {
    const used: { events: number; kb: number }[] = [];
    let published = 0;
    for (const events of eventCounts) {
      for (; published < events; published += BATCH) await publishBatch(open);
      await pause(SETTLING_MS);
      const { usedKb: kb } = await open.server.ask<{ usedKb: number }>("gc");
      used.push({ events, kb });
      progress(`  ${candidate.name}: ${Math.round(kb)} KB after ${events} events`);
    }
    const growthKb = (used.at(-1)?.kb ?? Number.NaN) - (used[0]?.kb ?? Number.NaN);
    return { candidate: candidate.name, used, growthKb };
  });
}

async function publishBatch({ server, receiver }: OpenStreams): Promise<void> {
  await receiver.ask(`expect ${LEAST_EPOCH_BYTES} ${BATCH * READING}`);
  for (let event = 0; event < BATCH; event += 1) {
    await server.ask("publish");
    await server.ask("settle");
  }
  await receiver.answer("round");
}
