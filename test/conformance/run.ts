/**
 * Runs the Connect conformance runner (`connectconformance`, on the path) against our adapter and prints how many cases
 * passed. The runner's own suite twice, with what a server of ours takes and with the compressions that it leaves off,
 * which only the plain path knows; then suites of our own for what it does not look at. Exits with 1 unless every case
 * passed and streams were handed over.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { parse, stringify } from "yaml";
import { handoverSuite } from "./handover-suite.js";
import { refusedSuite } from "./refused-suite.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));

interface Config {
  readonly features: { readonly compressions: readonly string[] };
}

/** A run of the runner. */
interface Run {
  readonly name: string;
  readonly compressions: readonly string[];
  /** Whether the server takes and answers compressed messages, as no server of ours does. */
  readonly isCompressed: boolean;
  /** Cases that there are at least, so that a runner that finds nothing to do does not count as a success. */
  readonly minCases: number;
  /** Streams that must have been handed over: those with a message to send, in binary, over HTTP/2, without deadline. */
  readonly minHandovers: number;
  /** Test cases instead of the runner's own. */
  readonly suite?: object;
}

/** Cases of our suites. One is done by three protocols, in the clear and over TLS, and gRPC by its Go library too. */
const handedOver = handoverSuite.testCases.length * 7;
const refused = refusedSuite.testCases.length * 2;

const RUNS: readonly Run[] = [
  {
    name: "as we serve",
    compressions: ["COMPRESSION_IDENTITY"],
    isCompressed: false,
    minCases: 1_900,
    minHandovers: 35,
  },
  {
    name: "compressed",
    compressions: ["COMPRESSION_GZIP", "COMPRESSION_BR"],
    isCompressed: true,
    minCases: 3_300,
    minHandovers: 0,
  },
  {
    name: "handed over",
    compressions: ["COMPRESSION_IDENTITY"],
    isCompressed: false,
    minCases: handedOver,
    minHandovers: handedOver,
    suite: handoverSuite,
  },
  {
    name: "refused",
    compressions: ["COMPRESSION_IDENTITY"],
    isCompressed: false,
    minCases: refused,
    minHandovers: 0,
    suite: refusedSuite,
  },
];

/** The runner starts many servers; as one file of plain JavaScript each is up at once. */
function bundleServer(dir: string): string {
  const outfile = join(dir, "server.mjs");
  const entryPoints = [join(HERE, "server.ts")];
  buildSync({
    entryPoints,
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  return outfile;
}

/** What the runner wrote, and its exit code. */
async function runRunner(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ text: string; code: number }> {
  const child = spawn("connectconformance", args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const output of [child.stdout, child.stderr]) output.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? 1));
  });
  return { text, code };
}

/** The runner's arguments for a run, whose files it writes. */
function argumentsOf(run: Run, dir: string): string[] {
  const { features } = parse(readFileSync(join(HERE, "config.yaml"), "utf8")) as Config;
  const config = join(dir, "config.yaml");
  writeFileSync(config, stringify({ features: { ...features, compressions: run.compressions } }));
  const args = ["--mode", "server", "--conf", config];
  if (run.suite === undefined) return args;
  const suite = join(dir, "suite.yaml");
  writeFileSync(suite, stringify(run.suite, { aliasDuplicateObjects: false }));
  return [...args, "--parallel", "64", "--test-file", suite];
}

/** Does one run; true when everything passed. */
async function passes(run: Run, server: string, dir: string): Promise<boolean> {
  const tally = join(dir, `${run.name}.tally`);
  const { text, code } = await runRunner([...argumentsOf(run, dir), "--", process.execPath, server], {
    ZIPNET_CONFORMANCE_TALLY: tally,
    ZIPNET_CONFORMANCE_COMPRESSED: run.isCompressed ? "yes" : "",
  });
  const [, passed = "0", failed = "?"] = /^(\d+) passed, (\d+) failed/m.exec(text) ?? [];
  const handovers = existsSync(tally) ? statSync(tally).size : 0;
  const isGood = code === 0 && failed === "0" && Number(passed) >= run.minCases && handovers >= run.minHandovers;
  if (!isGood) process.stdout.write(text);
  process.stdout.write(
    `Connect conformance, ${run.name}: ${passed} passed, ${failed} failed; ${handovers} streams handed over\n`,
  );
  return isGood;
}

const dir = mkdtempSync(join(tmpdir(), "zipnet-conformance-"));
try {
  const server = bundleServer(dir);
  for (const run of RUNS) if (!(await passes(run, server, dir))) process.exitCode = 1;
} finally {
  rmSync(dir, { recursive: true });
}
