/**
 * How a server that is measured is told what to do: commands in lines on stdin, one line of JSON for each on stdout.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";

/** The moment now, on the clock that all processes of the machine share. */
export function nowNs(): number {
  return Number(process.hrtime.bigint());
}

type Command = () => unknown;

/** Often enough for delays of some ten milliseconds, and no work to speak of. */
const DELAY_RESOLUTION_MS = 5;

/** What every server can do. watchesDelays: from the start, because a server under load takes commands late. */
function commonCommands(watchesDelays: boolean): Record<string, Command> {
  const delays = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  if (watchesDelays) delays.enable();
  return {
    /** Answers what is still in use afterwards: the heap, and what objects in it hold outside of it. */
    gc() {
      // Twice: what the first run sets free may hold more.
      for (let run = 0; run < 2; run += 1) globalThis.gc?.();
      const { heapUsed, external } = process.memoryUsage();
      return { usedKb: (heapUsed + external) / 1024 };
    },
    "watch-delays": () => {
      delays.reset();
      return delays.enable();
    },
    // A measured delay includes the timer's own resolution.
    delays: () => ({
      maxMs: Math.max(0, delays.max / 1e6 - DELAY_RESOLUTION_MS),
      p99Ms: Math.max(0, delays.percentile(99) / 1e6 - DELAY_RESOLUTION_MS),
    }),
  };
}

/**
 * Says that the server listens, and does what it is told until stdin ends.
 *
 * @param openingMessages messages that every stream gets at once.
 * @param ownCommands what each answers is told with its name.
 */
export function serveCommands(
  listening: { readonly port: number; readonly openingMessages: number },
  ownCommands: Readonly<Record<string, Command>>,
  watchesDelays = false,
): void {
  const commands: Record<string, Command> = { ...commonCommands(watchesDelays), ...ownCommands };
  const say = (answer: object): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
  const input = createInterface(process.stdin);
  input.on("line", (name) => {
    Promise.resolve(commands[name]?.()).then(
      (value) => say({ [name]: value ?? null }),
      (error: unknown) => {
        // A rejection that nobody handles ends the process with its stack.
        throw error;
      },
    );
  });
  input.once("close", () => process.kill(process.pid, "SIGKILL"));
  say({ listening });
}
