/**
 * Ten thousand followers of a server that is killed and started again: `npm run bench:reconnect -- [--streams 10000]
 * [--quick]`. bench/README.md says what is measured and how.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { WatchEpochsRequestSchema } from "../gen/zipnet/v1/epoch_service_pb.js";
import { OUTPUT, cProgram } from "./harness/build.js";
import { writeCalls } from "./harness/calls.js";
import { OURS, oursCommand } from "./harness/candidates.js";
import { LEAST_EPOCH_BYTES, type Keys, WATCH_EPOCHS, makeKeys } from "./harness/network.js";
import { BenchProcess, PINNED, SERVER_CORE } from "./harness/processes.js";
import { keepResults, medians, printTable, progress, say } from "./harness/report.js";
import { nowNs } from "./servers/control.js";
import { type OpenStreams, settle, withStreams } from "./stream/fan-out.js";

/** What a follower gets that comes back: where it starts, the epoch that it has missed, that this was all. */
const MESSAGES_WHEN_BACK = 3;

interface Figures {
  readonly [figure: string]: number;
  /** From the kill until the new process listens. */
  readonly startMs: number;
  /** From then on, until the first, the middle, the 99th of a hundred and the last follower has caught up. */
  readonly firstMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lastMs: number;
  /** Longest time for which the server's event loop did nothing else, and what all but one in a hundred stay below. */
  readonly longestDelayMs: number;
  readonly p99DelayMs: number;
  /** Processor time of the server per follower. */
  readonly cpuUs: number;
}

async function measure(streams: number, keys: Keys, receiver: readonly string[]): Promise<Figures> {
  const dir = mkdtempSync(join(OUTPUT, "reconnect-"));
  const callsFile = join(dir, "calls");
  await writeCalls(callsFile, keys, callsFrom(new Uint8Array(), streams));
  const candidate = { name: OURS, program: { command: await oursCommand({ dir, isDurable: true }) } };
  try {
    const load = { connections: streams, streamsPerConnection: 1 };
    return await withStreams(candidate, load, { receiver, callsFile }, (open) => killAndStart(open, keys, dir));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function callsFrom(resumeToken: Uint8Array, count: number) {
  const requestBytes = toBinary(WatchEpochsRequestSchema, create(WatchEpochsRequestSchema, { resumeToken }));
  return { scheme: "sr25519" as const, procedure: WATCH_EPOCHS, requestBytes, count };
}

async function killAndStart(open: OpenStreams, keys: Keys, dir: string): Promise<Figures> {
  const { server, receiver, streams, port } = open;
  await receiver.ask(`expect ${LEAST_EPOCH_BYTES} ${streams}`);
  await server.ask("publish");
  await receiver.answer("round");
  await settle(open);
  // The calls that the followers will make are signed now: a follower's own signature is no cost of the server's.
  const token = Buffer.from(await server.ask<string>("token"), "hex");
  const callsFile = join(dir, "calls-back");
  await writeCalls(callsFile, keys, callsFrom(token, streams));
  await receiver.ask(`follow ${callsFile} ${MESSAGES_WHEN_BACK}`);

  const replacement = await oursCommand({ dir, isDurable: true, port, isReplacement: true });
  const killedNs = nowNs();
  await server.stop();
  const again = new BenchProcess(OURS, replacement, SERVER_CORE);
  try {
    await again.answer("listening");
    const listeningNs = nowNs();
    const cpuBeforeNs = again.cpuNs();
    const back = await receiver.answer<Record<"first_ns" | "p50_ns" | "p99_ns" | "last_ns", number>>("ready");
    const delays = await again.ask<{ maxMs: number; p99Ms: number }>("delays");
    const msAt = (ns: number): number => (ns - listeningNs) / 1e6;
    return {
      startMs: (listeningNs - killedNs) / 1e6,
      firstMs: msAt(back.first_ns),
      p50Ms: msAt(back.p50_ns),
      p99Ms: msAt(back.p99_ns),
      lastMs: msAt(back.last_ns),
      longestDelayMs: delays.maxMs,
      p99DelayMs: delays.p99Ms,
      cpuUs: (again.cpuNs() - cpuBeforeNs) / 1e3 / streams,
    };
  } finally {
    await again.stop();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { streams: { type: "string" }, quick: { type: "boolean", default: false } },
  });
  const streams = Number(values.streams ?? (values.quick ? 1_000 : 10_000));
  if (!PINNED) say("the processes share their cores (one core, or no taskset): the times say little");
  progress("building, and signing the calls ...");
  const receiver = cProgram("stream/receiver.c");
  if ("missing" in receiver) return say(`nothing is measured: ${receiver.missing}`);
  const keys = await makeKeys();
  const runs: Figures[] = [];
  for (let repeat = 0; repeat < (values.quick ? 1 : 3); repeat += 1) {
    const figures = await measure(streams, keys, receiver.command);
    runs.push(figures);
    progress(`  all ${streams} caught up after ${Math.round(figures.lastMs)} ms`);
  }
  const result = medians(runs);
  say(`${streams} followers of a server that was killed and started again, each with its token and a signed call`);
  printTable(
    [
      "killed to listening ms",
      "first back ms",
      "p50 ms",
      "p99 ms",
      "all back ms",
      "longest delay ms",
      "p99 delay ms",
      "CPU us each",
    ],
    [
      [
        result.startMs,
        result.firstMs,
        result.p50Ms,
        result.p99Ms,
        result.lastMs,
        result.longestDelayMs,
        result.p99DelayMs,
        result.cpuUs,
      ],
    ],
  );
  keepResults("reconnect", { streams, runs, result });
}

await main();
