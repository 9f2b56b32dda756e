/**
 * The epoch stream against other servers, in one run: `npm run bench:stream -- [--streams 1000,5000,10000] [--quick]`.
 * bench/README.md says what is measured and how.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { OUTPUT, cProgram } from "../harness/build.js";
import { writeCalls } from "../harness/calls.js";
import {
  type Candidate,
  GRPC_GO,
  GRPC_JS,
  OURS,
  PLAIN_CONNECT,
  RAW,
  RAW_COMPAT,
  RAW_CORE,
  allCandidates,
  oursCommand,
} from "../harness/candidates.js";
import { WATCH_EPOCHS, makeKeys } from "../harness/network.js";
import { PINNED, openFilesLimit } from "../harness/processes.js";
import { type Aim, figure, keepResults, medians, printAims, printTable, progress, say } from "../harness/report.js";
import { type DrainFigures, measureDrain } from "./drain.js";
import { type FanOutFigures, type FanOutOptions, type Load, measureFanOut } from "./fan-out.js";
import { STALLED, type StalledFigures, measureStalled } from "./stalled.js";

/** How much is measured. */
interface Plan {
  readonly streamCounts: readonly number[];
  readonly repeats: number;
  readonly publishes: number;
  readonly warmUps: number;
  readonly stalledEvents: readonly number[];
}

const FULL = { repeats: 3, publishes: 12, warmUps: 3, stalledEvents: [1_000, 2_000, 3_000, 4_000, 5_000] };
const QUICK = { repeats: 1, publishes: 6, warmUps: 2, stalledEvents: [500, 1_000] };

/** Files that a process has open besides its connections. */
const OTHER_FILES = 100;

/** What the memory of two runs differs by for no reason; queues of pointers alone take ten times as much. */
const FLAT_KB = 2_000;
/** The same with nobody who stopped: what grows there is what events cost, not what stalled readers cost. */
const OURS_ALL_READING = `${OURS}, none stopped`;

interface Measured {
  readonly candidate: string;
  readonly load: Load;
  readonly figures: FanOutFigures;
}

function planOf(args: readonly string[]): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: { streams: { type: "string" }, quick: { type: "boolean", default: false } },
  });
  const wanted = (values.streams ?? (values.quick ? "1000" : "1000,5000,10000")).split(",").map(Number);
  if (wanted.some((count) => !Number.isInteger(count) || count < 10)) {
    throw new TypeError(
      `--streams is "${values.streams}", but must be whole numbers of 10 and up, with commas between`,
    );
  }
  const limit = openFilesLimit() - OTHER_FILES;
  const tooMany = wanted.filter((count) => count > limit);
  if (tooMany.length > 0) {
    say(`left out: ${tooMany.join(", ")} streams need as many open files; raise the hard limit (ulimit -Hn)`);
  }
  return { ...(values.quick ? QUICK : FULL), streamCounts: wanted.filter((count) => count <= limit) };
}

/** One connection for every stream, and the largest number of streams on fewer and fewer connections. */
function loadsOf({ streamCounts }: Plan): Load[] {
  const most = Math.max(...streamCounts);
  const multiplexed = [10, 100, 1_000].filter((streams) => streams < most);
  return [
    ...streamCounts.map((connections) => ({ connections, streamsPerConnection: 1 })),
    ...multiplexed.map((streamsPerConnection) => ({
      connections: Math.floor(most / streamsPerConnection),
      streamsPerConnection,
    })),
  ];
}

/** Every candidate under every load, in turn, so that a slow minute of the machine meets all of them. */
async function measureAll(candidates: readonly Candidate[], plan: Plan, options: FanOutOptions): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const load of loadsOf(plan)) {
    const able = candidates.filter(({ program }) => !("missing" in program));
    const runs = new Map<string, FanOutFigures[]>(able.map(({ name }) => [name, []]));
    for (let repeat = 0; repeat < plan.repeats; repeat += 1) {
      for (const candidate of able) {
        const figures = await measureFanOut(candidate, load, options);
        runs.get(candidate.name)?.push(figures);
        progress(`  ${loadText(load)}, ${candidate.name}: last stream after ${figure(figures.lastMs)} ms`);
      }
    }
    for (const [candidate, figures] of runs) measured.push({ candidate, load, figures: medians(figures) });
  }
  return measured;
}

async function measureAllStalled(
  candidates: readonly Candidate[],
  { stalledEvents }: Plan,
  options: FanOutOptions,
): Promise<StalledFigures[]> {
  // Epochs of a second, so that what the cache keeps for some epochs does not look like a queue.
  const program = { command: await oursCommand({ epochSeconds: 1 }) };
  const stalled = [
    await measureStalled({ name: OURS, program }, STALLED, stalledEvents, options),
    await measureStalled({ name: OURS_ALL_READING, program }, 0, stalledEvents, options),
  ];
  for (const candidate of candidates) {
    if (![RAW_COMPAT, GRPC_JS, PLAIN_CONNECT].includes(candidate.name)) continue;
    stalled.push(await measureStalled(candidate, STALLED, stalledEvents, options));
  }
  return stalled;
}

function loadText({ connections, streamsPerConnection }: Load): string {
  const streams = connections * streamsPerConnection;
  return streamsPerConnection === 1 ? `${streams} streams` : `${streams} streams on ${connections} connections`;
}

function printFanOut(measured: readonly Measured[], candidates: readonly Candidate[]): void {
  const loads = [...new Set(measured.map(({ load }) => load))];
  for (const load of loads) {
    const rows = measured.filter((row) => row.load === load);
    const ours = rows.find(({ candidate }) => candidate === OURS)?.figures.lastMs ?? Number.NaN;
    say(`\n${loadText(load)}`);
    printTable(
      ["server", "first ms", "p50 ms", "p99 ms", "last ms", "ours / its last", "CPU us/msg", "idle KB", "open ms"],
      rows.map(({ candidate, figures }) => rowOf(candidate, figures, ours)),
    );
  }
  for (const { name, program } of candidates) {
    if ("missing" in program) say(`not measured: ${name}: ${program.missing}`);
  }
}

function rowOf(candidate: string, figures: FanOutFigures, oursLastMs: number): (string | number)[] {
  const { firstMs, p50Ms, p99Ms, lastMs, cpuUs, idleKb, openMs } = figures;
  return [candidate, firstMs, p50Ms, p99Ms, lastMs, oursLastMs / lastMs, cpuUs, idleKb, openMs];
}

/** The best figure of a peer under the largest load of single streams. */
function atMost(measured: readonly Measured[], streams: number, peer: string, name: "lastMs" | "idleKb"): number {
  const names = peer === RAW ? [RAW_CORE, RAW_COMPAT] : [peer];
  const values = measured
    .filter(({ load }) => load.connections === streams && load.streamsPerConnection === 1)
    .filter(({ candidate }) => names.includes(candidate))
    .map(({ figures }) => figures[name]);
  return values.length === 0 ? Number.NaN : Math.min(...values);
}

function aimsOf(measured: readonly Measured[], stalled: readonly StalledFigures[], drain: DrainFigures): Aim[] {
  const streams = Math.max(...measured.map(({ load }) => load.connections));
  const ratio = (peer: string, name: "lastMs" | "idleKb"): number =>
    atMost(measured, streams, OURS, name) / atMost(measured, streams, peer, name);
  const last = (peer: string, bound: number): Aim => ({
    what: `time to the last of ${streams} streams, against ${peer}`,
    measured: ratio(peer, "lastMs"),
    bound,
    is: "at most",
  });
  const idle = { what: `idle memory per stream, against ${RAW}`, measured: ratio(RAW, "idleKb"), bound: 1.5 };
  const growthOf = (name: string): number =>
    stalled.find(({ candidate }) => candidate === name)?.growthKb ?? Number.NaN;
  const growth = growthOf(OURS) - growthOf(OURS_ALL_READING);
  return [
    last(PLAIN_CONNECT, 0.15),
    last(GRPC_JS, 0.6),
    last(GRPC_GO, 0.7),
    last(RAW, 1),
    { ...idle, is: "at most" },
    { what: "growth for stalled readers, KB", measured: growth, bound: FLAT_KB, is: "at most" },
    {
      what: `longest delay while ${drain.streams} streams drain, ms`,
      measured: drain.longestDelayMs,
      bound: 50,
      is: "at most",
    },
  ];
}

function printStalled(stalled: readonly StalledFigures[]): void {
  const events = stalled[0]?.used.map((point) => `after ${point.events}, MB`) ?? [];
  say(`\nmemory with ${STALLED} streams that stopped reading`);
  printTable(
    ["server", ...events, "growth MB"],
    stalled.map(({ candidate, used, growthKb }) => [candidate, ...used.map(({ kb }) => kb / 1_000), growthKb / 1_000]),
  );
}

async function main(): Promise<void> {
  const plan = planOf(process.argv.slice(2));
  const receiver = cProgram("stream/receiver.c");
  if ("missing" in receiver) return say(`nothing is measured: ${receiver.missing}`);
  if (!PINNED) say("the processes share their cores (one core, or no taskset): the times say little");
  progress("building, and signing the calls ...");
  const candidates = await allCandidates();
  const most = Math.max(...plan.streamCounts);
  const callsFile = join(OUTPUT, "watch-calls");
  await writeCalls(callsFile, await makeKeys(), {
    scheme: "sr25519",
    procedure: WATCH_EPOCHS,
    requestBytes: new Uint8Array(),
    count: most,
  });
  const options = { ...plan, receiver: receiver.command, callsFile };

  const measured = await measureAll(candidates, plan, options);
  const stalled = await measureAllStalled(candidates, plan, options);
  const drain = await measureDrain(most, options);

  printFanOut(measured, candidates);
  printStalled(stalled);
  say(
    `\ndrain of ${drain.streams} streams: the last had its end after ${figure(drain.lastEndMs)} ms, ${drain.cut} were ` +
      `cut, the server was gone after ${figure(drain.closedMs)} ms, longest delay ${figure(drain.longestDelayMs)} ms\n`,
  );
  const aims = aimsOf(measured, stalled, drain);
  printAims(aims);
  keepResults("stream", { plan, measured, stalled, drain, aims });
}

await main();
