/**
 * A whole subnet that finalizes just before the close: `npm run bench:finalize -- [--miners 256] [--objects 60]
 * [--within 60] [--store folder|s3]`. bench/README.md says what is measured and how.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import PQueue from "p-queue";
import { systemClock } from "../adapters/clock/system-clock.js";
import { signerFromUri, verifySr25519 } from "../adapters/wallet/wallet.js";
import { epochIdOf } from "../core/epoch-time.js";
import { messageOf } from "../core/errors.js";
import { epochKey, snapshotKey } from "../core/object-keys.js";
import type { ObjectStore, Wallet } from "../core/ports.js";
import { openRecord, sealRecord } from "../core/signed-record.js";
import { type Epoch, EpochSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { type ManifestObject, ManifestSchema, ReceiptSchema, SnapshotSchema } from "../gen/zipnet/v1/submission_pb.js";
import { type Clients, createClients } from "../rpc/client/client.js";
import { freePort } from "../test/parts/programs.js";
import { NETUID, NETWORK, SERVER_URI, catalogueBytes, settingsOf } from "../test/robustness/deployment.js";
import { startChain } from "../test/robustness/local-chain.js";
import { OUTPUT } from "./harness/build.js";
import { makeKeys } from "./harness/network.js";
import { BenchProcess, PINNED, SERVER_CORE, pause } from "./harness/processes.js";
import { START_MS, epochSoon, fill, openStore, recordAt } from "./harness/submissions.js";
import { keepResults, median, printAims, printTable, progress, say } from "./harness/report.js";

const CLOSE_REACTION_MS = 60_000;
/** For writing the objects before the first finalize call. */
const UPLOAD_MS = 75_000;

interface Load {
  readonly miners: number;
  readonly objects: number;
  readonly withinMs: number;
}

/** One miner's call. */
interface Answered {
  readonly latencyMs: number;
  readonly hotkey: string;
  /** Empty when it was receipted in time. */
  readonly problem: string;
}

async function finalize(
  clients: Clients,
  miner: Wallet,
  epoch: Epoch,
  objects: ManifestObject[],
  closeMs: number,
): Promise<Answered> {
  const { id: epochId, network, netuid, nonce } = epoch;
  const { hotkey } = miner;
  const manifest = sealRecord(ManifestSchema, { epochId, network, netuid, nonce, hotkey, objects }, miner);
  const sentMs = performance.now();
  const answered = (problem: string): Answered => ({ latencyMs: performance.now() - sentMs, hotkey, problem });
  try {
    const { receipt } = await clients.submissions.finalizeSubmission({ manifest });
    const answer = answered("");
    if (receipt === undefined) return { ...answer, problem: "no receipt" };
    const { receivedTime } = openRecord(ReceiptSchema, receipt, verifySr25519, signerFromUri(SERVER_URI).hotkey);
    const inTime = receivedTime !== undefined && timestampMs(receivedTime) < closeMs;
    return inTime ? answer : { ...answer, problem: "received after the close" };
  } catch (error) {
    return answered(messageOf(error));
  }
}

/** One epoch: filled, finalized by all within the time, closed. */
async function measure(
  store: ObjectStore,
  url: string,
  miners: readonly Wallet[],
  startMs: number,
  closeMs: number,
  load: Load,
) {
  const id = epochIdOf(startMs);
  const server = signerFromUri(SERVER_URI).hotkey;
  const record = await recordAt(store, epochKey(id), CLOSE_REACTION_MS + START_MS);
  const epoch = openRecord(EpochSchema, record, verifySr25519, server);
  progress(`epoch ${id} has ${epoch.zipCodes.length} zip codes; writing ${miners.length * load.objects} objects ...`);
  const queue = new PQueue({ concurrency: 32 });
  const filled = await queue.addAll(
    miners.map(
      ({ hotkey }) =>
        () =>
          fill(store, epoch, hotkey, load.objects),
    ),
  );
  const firstMs = closeMs - load.withinMs;
  if (Date.now() > firstMs) throw new Error("the objects were not written in time; take fewer");
  progress(
    `  waiting ${Math.round((firstMs - Date.now()) / 1000)} s for the last ${load.withinMs / 1000} s of the epoch`,
  );
  const answers = await Promise.all(
    miners.map(async (miner, index) => {
      const clients = createClients(
        { url, hotkey: server },
        { signer: miner, network: NETWORK, netuid: NETUID, clock: systemClock },
      );
      // Evenly over the time, the last one a second before the close.
      const atMs = firstMs + (index / miners.length) * Math.max(0, load.withinMs - 1_000);
      await pause(Math.max(0, atMs - Date.now()));
      try {
        return await finalize(clients, miner, epoch, filled[index] ?? [], closeMs);
      } finally {
        clients.close();
      }
    }),
  );
  const snapshot = openRecord(
    SnapshotSchema,
    await recordAt(store, snapshotKey(id), closeMs - Date.now() + CLOSE_REACTION_MS),
    verifySr25519,
    server,
  );
  return { answers, counted: snapshot.receipts.length };
}

function told(answers: readonly Answered[], counted: number, load: Load) {
  const sorted = answers.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
  const p99Ms = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
  const problems = answers.filter(({ problem }) => problem !== "");
  const figures = {
    receipted: answers.length - problems.length,
    counted,
    p50Ms: median(sorted),
    p99Ms,
    longestMs: sorted.at(-1) ?? Number.NaN,
  };
  say(`${load.miners} miners, ${load.objects} objects each, within the last ${load.withinMs / 1000} s of the epoch`);
  printTable(["receipted", "in the snapshot", "p50 ms", "p99 ms", "longest ms"], [Object.values(figures)]);
  for (const { hotkey, problem } of problems.slice(0, 5)) say(`  ${hotkey}: ${problem}`);
  printAims([
    { what: "receipted in time", measured: figures.receipted, bound: load.miners, is: "at least" },
    { what: "in the snapshot", measured: counted, bound: load.miners, is: "at least" },
  ]);
  return figures;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      miners: { type: "string", default: "256" },
      objects: { type: "string", default: "60" },
      within: { type: "string", default: "60" },
      store: { type: "string", default: "folder" },
    },
  });
  const load = {
    miners: Number(values.miners),
    objects: Number(values.objects),
    withinMs: Number(values.within) * 1000,
  };
  const dir = mkdtempSync(join(OUTPUT, "finalize-"));
  const miners = (await makeKeys()).miners.slice(0, load.miners);
  const { objects, store, stop } = await openStore(values.store, dir);
  const chain = await startChain(
    join(dir, "chain"),
    miners.map(({ hotkey }) => hotkey),
  );
  const catalogue = join(dir, "catalogue.bin");
  writeFileSync(catalogue, catalogueBytes());
  const { lengthSeconds, startMs } = epochSoon(UPLOAD_MS + load.withinMs);
  const port = await freePort();
  const settings = {
    ...settingsOf(0, { port, objects: "", catalogue, redisUrl: "memory", chainUrl: chain.url }),
    ZIPNET_OBJECTS: objects,
    ZIPNET_EPOCH_LENGTH_SECONDS: String(lengthSeconds),
    ZIPNET_FIRST_EPOCH: epochIdOf(startMs),
    ZIPNET_SETTLE_MS: "5000",
    ZIPNET_LOG_LEVEL: "info",
  };
  const environment = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const server = new BenchProcess(
    "server",
    ["env", ...environment, "node", "dist/cli/zipnet.js", "server"],
    SERVER_CORE,
  );
  try {
    const url = `http://127.0.0.1:${port}`;
    const { answers, counted } = await measure(store, url, miners, startMs, startMs + lengthSeconds * 1000, load);
    const figures = told(answers, counted, load);
    say(
      `server: ${Math.round(server.cpuNs() / 1e6)} ms of processor in all, ${Math.round(server.residentKb() / 1000)} MB`,
    );
    if (!PINNED) say("the processes share their cores (one core, or no taskset): the times say little");
    keepResults(`finalize-${values.store}`, { load, figures });
  } finally {
    await server.stop();
    await chain.stop();
    await stop();
    rmSync(dir, { recursive: true });
  }
}

await main();
