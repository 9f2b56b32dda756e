/**
 * Fan-out: how long after an event was published it has reached every stream, what that costs the server, and what a
 * stream costs that is merely held.
 */
import { type Candidate } from "../harness/candidates.js";
import { LEAST_CLOSED_BYTES, LEAST_EPOCH_BYTES, WATCH_EPOCHS } from "../harness/network.js";
import { BenchProcess, RECEIVER_CORE, SERVER_CORE, pause } from "../harness/processes.js";
import { median } from "../harness/report.js";

/** How many streams, on how many connections. */
export interface Load {
  readonly connections: number;
  readonly streamsPerConnection: number;
  /** Connections whose callers do not read. Default 0. */
  readonly stalledConnections?: number;
}

/** What is measured at one candidate under one load. */
export interface FanOutFigures {
  readonly [figure: string]: number;
  /** From the publishing to the first, the middle, the 99th of a hundred and the last stream. */
  readonly firstMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lastMs: number;
  /** Processor time of the server per message and stream. */
  readonly cpuUs: number;
  /** Resident memory of the server per stream before anything was published. */
  readonly idleKb: number;
  /** Time to open one stream, one after another as fast as the server takes them. */
  readonly openMs: number;
}

/** How to measure. */
export interface FanOutOptions {
  /** Events to publish; the first of them warm the server up and do not count. */
  readonly publishes: number;
  readonly warmUps: number;
  /** Command of the receiver. */
  readonly receiver: readonly string[];
  /** Prepared calls of all streams. */
  readonly callsFile: string;
}

/** Moments on the clock that all processes share. */
interface Times {
  readonly first_ns: number;
  readonly p50_ns: number;
  readonly p99_ns: number;
  readonly last_ns: number;
}

/** A server with its streams, all of them open. */
export interface OpenStreams {
  readonly server: BenchProcess;
  readonly receiver: BenchProcess;
  readonly streams: number;
  readonly port: number;
  readonly idleKb: number;
  readonly openMs: number;
}

/** Starts a server and opens the streams, does something with them, and ends both. */
export async function withStreams<T>(
  { name, program }: Pick<Candidate, "name" | "program">,
  { connections, streamsPerConnection, stalledConnections = 0 }: Load,
  { receiver: command, callsFile }: Pick<FanOutOptions, "receiver" | "callsFile">,
  work: (open: OpenStreams) => Promise<T>,
): Promise<T> {
  if ("missing" in program) throw new Error(`${name} cannot be measured: ${program.missing}`);
  const streams = connections * streamsPerConnection;
  const server = new BenchProcess(name, program.command, SERVER_CORE);
  let receiver: BenchProcess | undefined;
  try {
    const { port, openingMessages } = await server.answer<{ port: number; openingMessages: number }>("listening");
    const emptyKb = await residentAfterGc(server);
    const shape = [port, connections, streamsPerConnection, WATCH_EPOCHS, callsFile];
    const args = [...shape, openingMessages, stalledConnections].map(String);
    const startMs = performance.now();
    receiver = new BenchProcess("the receiver", [...command, ...args], RECEIVER_CORE);
    await receiver.answer("ready");
    const openMs = (performance.now() - startMs) / streams;
    const idleKb = ((await residentAfterGc(server)) - emptyKb) / streams;
    return await work({ server, receiver, streams, port, idleKb, openMs });
  } finally {
    await server.stop();
    await receiver?.stop();
  }
}

/** Resident memory once nothing is left to collect, in KB. */
async function residentAfterGc(server: BenchProcess): Promise<number> {
  await pause(200);
  await server.ask("gc");
  await pause(100);
  return server.residentKb();
}

/** Measures one candidate under one load. */
export async function measureFanOut(candidate: Candidate, load: Load, options: FanOutOptions): Promise<FanOutFigures> {
  return await withStreams(candidate, load, options, async (open) => {
    const rounds: Omit<FanOutFigures, "idleKb" | "openMs">[] = [];
    for (let round = 0; round < options.publishes; round += 1) {
      rounds.push(await publishOnce(open));
      await settle(open);
    }
    const counted = rounds.slice(options.warmUps);
    const middle = (figure: keyof FanOutFigures): number => median(counted.map((round) => round[figure] ?? Number.NaN));
    return {
      firstMs: middle("firstMs"),
      p50Ms: middle("p50Ms"),
      p99Ms: middle("p99Ms"),
      lastMs: middle("lastMs"),
      cpuUs: middle("cpuUs"),
      idleKb: open.idleKb,
      openMs: open.openMs,
    };
  });
}

async function publishOnce({
  server,
  receiver,
  streams,
}: OpenStreams): Promise<Omit<FanOutFigures, "idleKb" | "openMs">> {
  await receiver.ask(`expect ${LEAST_EPOCH_BYTES} ${streams}`);
  const cpuBeforeNs = server.cpuNs();
  const startNs = await server.ask<number>("publish");
  const times = await receiver.answer<Times>("round");
  // The last message has arrived before the server has done with it.
  await pause(50);
  const msAt = (ns: number): number => (ns - startNs) / 1e6;
  return {
    firstMs: msAt(times.first_ns),
    p50Ms: msAt(times.p50_ns),
    p99Ms: msAt(times.p99_ns),
    lastMs: msAt(times.last_ns),
    cpuUs: (server.cpuNs() - cpuBeforeNs) / 1e3 / streams,
  };
}

/** Lets the server do what its next epoch needs; what that tells the streams is not measured. */
export async function settle({
  server,
  receiver,
  streams,
}: Pick<OpenStreams, "server" | "receiver" | "streams">): Promise<void> {
  await receiver.ask(`expect ${LEAST_CLOSED_BYTES} ${streams}`);
  const messages = await server.ask<number | null>("settle");
  if (messages === 1) await receiver.answer("round");
}
