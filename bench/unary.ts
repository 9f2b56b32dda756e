/**
 * GetEpoch of a closed epoch over gRPC, against other servers, in one run: `npm run bench:unary -- [--quick]`.
 * bench/README.md says what is measured and how.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { GetEpochRequestSchema } from "../gen/zipnet/v1/epoch_service_pb.js";
import { authCostUs } from "./harness/auth-cost.js";
import { OUTPUT, type Program, cProgram } from "./harness/build.js";
import { type Scheme, writeCalls } from "./harness/calls.js";
import { GRPC_JS, OURS, PLAIN_CONNECT, allCandidates, oursCommand } from "./harness/candidates.js";
import { Epochs, GET_EPOCH, type Keys, makeKeys } from "./harness/network.js";
import { BenchProcess, PINNED, RECEIVER_CORE, SERVER_CORE } from "./harness/processes.js";
import { type Aim, keepResults, medians, printAims, printTable, progress, say } from "./harness/report.js";

const EPOCH_SECONDS = 14_400;
const CONNECTIONS = 10;
const CALLS_AT_A_TIME = 10;

/** Calls in sessions are many more, because they take a fraction of the time. */
const FULL = { repeats: 3, calls: { sr25519: 10_000, session: 40_000 }, authCalls: 10_000 };
const QUICK = { repeats: 1, calls: { sr25519: 3_000, session: 15_000 }, authCalls: 3_000 };
/** Until the server's code has been compiled for speed; a server that serves for weeks is always past that. */
const WARM_UP_CALLS = 5_000;

const OURS_SIGNED = `${OURS}, every call signed`;
const OURS_SESSION = `${OURS}, in sessions`;
const OURS_UNCHECKED = `${OURS}, signatures not checked`;

/** A server, and how the calls to it are authenticated. Only ours looks at that. */
interface Subject {
  readonly name: string;
  readonly program: Program;
  readonly scheme: Scheme;
}

interface Figures {
  readonly [figure: string]: number;
  readonly callsPerSecond: number;
  /** Processor time of the server per call. */
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Calls without an answer. */
  readonly failed: number;
}

/** Files of prepared calls. */
interface CallFiles {
  readonly warmUp: string;
  readonly measured: string;
}

async function subjects(): Promise<Subject[]> {
  const peers = (await allCandidates()).filter(({ name }) => name !== OURS);
  const checked = { command: await oursCommand() };
  return [
    { name: OURS_SESSION, program: checked, scheme: "session" },
    { name: OURS_SIGNED, program: checked, scheme: "sr25519" },
    {
      name: OURS_UNCHECKED,
      program: { command: await oursCommand({ checksSignatures: false }) },
      scheme: "sr25519",
    },
    ...peers.map(({ name, program }) => ({ name, program, scheme: "session" as const })),
  ];
}

async function prepareCalls(keys: Keys, scheme: Scheme, count: number): Promise<CallFiles> {
  const epochs = new Epochs(keys.server, EPOCH_SECONDS);
  const request = create(GetEpochRequestSchema, { epochId: epochs.idOf(epochs.first) });
  const plan = { scheme, procedure: GET_EPOCH, requestBytes: toBinary(GetEpochRequestSchema, request) };
  const files = { warmUp: join(OUTPUT, `unary-warm-up-${scheme}`), measured: join(OUTPUT, `unary-${scheme}`) };
  await writeCalls(files.warmUp, keys, { ...plan, count: WARM_UP_CALLS });
  await writeCalls(files.measured, keys, { ...plan, count });
  return files;
}

/** Starts a server, has it close the epoch that is asked for, and makes the calls. */
async function measure({ name, program }: Subject, load: readonly string[], files: CallFiles): Promise<Figures> {
  if ("missing" in program) throw new Error(`${name} cannot be measured: ${program.missing}`);
  const server = new BenchProcess(name, program.command, SERVER_CORE);
  try {
    const { port } = await server.answer<{ port: number }>("listening");
    for (const command of ["publish", "settle", "publish", "settle"]) await server.ask(command);
    await makeCalls(port, load, files.warmUp);
    const cpuBeforeNs = server.cpuNs();
    const made = await makeCalls(port, load, files.measured);
    return {
      callsPerSecond: made.calls / (made.elapsed_ns / 1e9),
      cpuUs: (server.cpuNs() - cpuBeforeNs) / 1e3 / made.calls,
      p50Ms: made.p50_ns / 1e6,
      p99Ms: made.p99_ns / 1e6,
      failed: made.failed,
    };
  } finally {
    await server.stop();
  }
}

/** What load.c tells. */
interface Made {
  readonly calls: number;
  readonly failed: number;
  readonly elapsed_ns: number;
  readonly p50_ns: number;
  readonly p99_ns: number;
}

async function makeCalls(port: number, load: readonly string[], callsFile: string): Promise<Made> {
  const args = [port, CONNECTIONS, CALLS_AT_A_TIME, GET_EPOCH, callsFile].map(String);
  const process = new BenchProcess("the load", [...load, ...args], RECEIVER_CORE);
  try {
    return await process.answer<Made>("made");
  } finally {
    await process.stop();
  }
}

function report(results: ReadonlyMap<string, Figures>, authUs: Readonly<Record<Scheme, number>>): Aim[] {
  const rateOf = (name: string): number => results.get(name)?.callsPerSecond ?? Number.NaN;
  printTable(
    ["server", "calls/s", "against plain connect-node", "CPU us/call", "p50 ms", "p99 ms", "failed"],
    [...results].map(([name, { callsPerSecond, cpuUs, p50Ms, p99Ms, failed }]) => [
      name,
      callsPerSecond,
      callsPerSecond / rateOf(PLAIN_CONNECT),
      cpuUs,
      p50Ms,
      p99Ms,
      failed,
    ]),
  );
  say(
    `authentication costs ${authUs.sr25519.toFixed(0)} us per call that the hotkey has signed, and ` +
      `${authUs.session.toFixed(0)} us per call in a session\n`,
  );
  const against = (peer: string, bound: number): Aim => ({
    what: `GetEpoch in sessions, signatures checked, against ${peer}`,
    measured: rateOf(OURS_SESSION) / rateOf(peer),
    bound,
    is: "at least",
  });
  return [against(PLAIN_CONNECT, 3), against(GRPC_JS, 1)];
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
  const plan = values.quick ? QUICK : FULL;
  const load = cProgram("load.c");
  if ("missing" in load) return say(`nothing is measured: ${load.missing}`);
  if (!PINNED) say("the processes share their cores (one core, or no taskset): the rates say little");
  progress("building, and signing the calls ...");
  const keys = await makeKeys();
  const files = {
    sr25519: await prepareCalls(keys, "sr25519", plan.calls.sr25519),
    session: await prepareCalls(keys, "session", plan.calls.session),
  };
  const runs = new Map<string, Figures[]>();
  const able = await subjects();
  for (let repeat = 0; repeat < plan.repeats; repeat += 1) {
    for (const subject of able) {
      if ("missing" in subject.program) {
        if (repeat === 0) say(`not measured: ${subject.name}: ${subject.program.missing}`);
        continue;
      }
      const figures = await measure(subject, load.command, files[subject.scheme]);
      runs.set(subject.name, [...(runs.get(subject.name) ?? []), figures]);
      progress(`  ${subject.name}: ${Math.round(figures.callsPerSecond)} calls/s`);
    }
  }
  const results = new Map([...runs].map(([name, all]) => [name, medians(all)]));
  const call = { procedure: GET_EPOCH, requestBytes: new Uint8Array(), count: plan.authCalls };
  const authUs = { sr25519: await authCostUs(keys, "sr25519", call), session: await authCostUs(keys, "session", call) };
  const aims = report(results, authUs);
  printAims(aims);
  keepResults("unary", { plan, results: Object.fromEntries(results), authUs, aims });
}

await main();
