/**
 * A validator that checks every submission of a full subnet: `npm run bench:judging -- [--miners 256] [--rounds 3]
 * [--python python3]`. bench/README.md says what is measured and how.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { systemClock } from "../adapters/clock/system-clock.js";
import { filesInChildren } from "../adapters/parquet/children/files-in-children.js";
import { folderState } from "../adapters/state/folder-state.js";
import { readyCrypto, verifySr25519 } from "../adapters/wallet/wallet.js";
import { scoreTable } from "../core/judging/scoring.js";
import { acceptedCount } from "../core/judging/submission-check.js";
import { defaultRules } from "../core/rules.js";
import { SignedRecordSchema } from "../gen/zipnet/v1/record_pb.js";
import { ReceiptSchema } from "../gen/zipnet/v1/submission_pb.js";
import { quietLog } from "../test/support/quiet-log.js";
import type { ClosedEpoch } from "../validator/judge/closed-epoch.js";
import { KeptFiles } from "../validator/judge/kept-files.js";
import { readSubmissions } from "../validator/judge/read-submissions.js";
import { workStore } from "../validator/judge/work-store.js";
import { OUTPUT } from "./harness/build.js";
import { keepResults, median, printAims, printTable, progress, say } from "./harness/report.js";
import { duckdbScans } from "./judging/duckdb.js";
import { processorSeconds, residentBytes } from "./judging/processes.js";
import { benchEpoch, receivedMs } from "./judging/submissions.js";

/** The built one, so that no loader is measured with it. */
const CHILD = new URL("../dist/adapters/parquet/children/child.js", import.meta.url);
const SAMPLE_MS = 100;
const GIB = 1024 ** 3;
const NOT_ASKED = (): never => {
  throw new Error("everything is here, so nobody is asked for it");
};

/** What judging took. */
interface Judged {
  readonly seconds: number;
  readonly processorSeconds: number;
  /** Of that time, what the scores took once every file was checked. */
  readonly scoringSeconds: number;
  readonly peakBytes: number;
  readonly rows: number;
}

/** A closed epoch with these manifests; the records that it would be opened from are not made. */
function closedEpoch(manifests: Readonly<Record<string, string>>): ClosedEpoch {
  const epoch = benchEpoch();
  const receipts = Object.entries(manifests).map(([hotkey, manifestSha256], index) => {
    const receivedTime = timestampFromMs(receivedMs(index));
    return create(ReceiptSchema, { epochId: epoch.id, hotkey, manifestSha256, receivedTime, totalBytes: 1n });
  });
  const end = { judgingEndMs: Number.MAX_SAFE_INTEGER, uselessFromMs: Number.MAX_SAFE_INTEGER };
  const hotkeysToRead = new Set(Object.keys(manifests));
  const rules = epoch.rules ?? defaultRules(1);
  return {
    records: { epoch: create(SignedRecordSchema), snapshot: create(SignedRecordSchema) },
    epoch,
    rules,
    snapshotSha256: "00".repeat(32),
    seedBlockHash: "5e".repeat(32),
    receipts,
    hotkeysToRead,
    ...end,
  };
}

async function judge(dir: string): Promise<Judged> {
  const closed = closedEpoch(JSON.parse(readFileSync(join(dir, "manifests.json"), "utf8")) as Record<string, string>);
  const state = folderState(dir);
  const kept = await KeptFiles.open(state, Number.MAX_SAFE_INTEGER);
  const files = filesInChildren({ atOnce: availableParallelism(), onDeath: say, program: CHILD });
  const transfer = { put: NOT_ASKED, get: NOT_ASKED };
  const server = {} as never;
  const parts = { clock: systemClock, log: quietLog, server, transfer, verify: verifySr25519, files };
  const work = workStore(state, closed.epoch.id);
  let peakBytes = 0;
  const sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes());
  }, SAMPLE_MS);
  const [startMs, usedBefore] = [performance.now(), processorSeconds()];
  try {
    const concurrency = availableParallelism();
    const { checks } = await readSubmissions({ parts, closed, work, kept, concurrency }, new AbortController().signal);
    const checkedMs = performance.now();
    scoreTable({ ...closed, ownerHotkey: "", checks, evidence: new Map() });
    const endMs = performance.now();
    const rows = checks.reduce((sum, check) => sum + acceptedCount(check), 0);
    const used = processorSeconds() - usedBefore;
    const times = { seconds: (endMs - startMs) / 1000, scoringSeconds: (endMs - checkedMs) / 1000 };
    return { ...times, processorSeconds: used, peakBytes: Math.max(peakBytes, residentBytes()), rows };
  } finally {
    clearInterval(sampling);
    await files.close();
  }
}

function told(runs: readonly Judged[], dir: string, python: string): object {
  const of = (name: keyof Judged): number => median(runs.map((run) => run[name]));
  const [seconds, used, rows] = [of("seconds"), of("processorSeconds"), of("rows")];
  const scanned = duckdbScans(join(dir, "files/*/*/*"), runs.length + 1, python);
  const scans = "missing" in scanned ? [] : scanned.runs.slice(1);
  if ("missing" in scanned) say(`DuckDB: left out, because ${scanned.missing}`);
  const scanSeconds = median(scans.map((scan) => scan.seconds));
  const scanUsed = median(scans.map((scan) => scan.processorSeconds));
  printTable(
    ["", "s", "listings per second", "processor s", "us of processor per listing"],
    [
      ["judging", seconds, rows / seconds, used, (used / rows) * 1e6],
      ["DuckDB's scan", scanSeconds, rows / scanSeconds, scanUsed, (scanUsed / rows) * 1e6],
    ],
  );
  say(`the scores themselves: ${of("scoringSeconds").toFixed(2)} s`);
  printAims([
    { what: "time against DuckDB's scan", measured: seconds / scanSeconds, bound: 4, is: "at most" },
    { what: "processor time against DuckDB's scan", measured: used / scanUsed, bound: 4, is: "at most" },
    { what: "peak memory in GiB, children included", measured: of("peakBytes") / GIB, bound: 2, is: "at most" },
  ]);
  return { runs, scanned };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      miners: { type: "string", default: "256" },
      rounds: { type: "string", default: "3" },
      python: { type: "string", default: "python3" },
    },
  });
  const dir = mkdtempSync(join(OUTPUT, "judging-"));
  try {
    await readyCrypto();
    progress(`making the submissions of ${values.miners} miners ...`);
    const maker = fileURLToPath(new URL("judging/submissions.ts", import.meta.url));
    execFileSync(process.execPath, ["--import=tsx", maker, dir, values.miners], { stdio: "inherit" });
    const runs: Judged[] = [];
    while (runs.length < Number(values.rounds)) {
      progress(`judging, ${runs.length + 1} of ${values.rounds} ...`);
      const run = await judge(dir);
      progress(
        `  ${run.rows} listings in ${run.seconds.toFixed(1)} s, ${run.processorSeconds.toFixed(1)} s of processor`,
      );
      runs.push(run);
    }
    keepResults("judging", { miners: Number(values.miners), ...told(runs, dir, values.python) });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

await main();
