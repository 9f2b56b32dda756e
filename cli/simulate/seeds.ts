/** Many seeds at once: a process of its own for each, as many at a time as there are processors. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { ZipnetError } from "../../core/errors.js";
import type { SeedFigures } from "./ledger.js";

/** Runs the command once per seed with the given flags and "--json"; answers what each printed, in the order of the seeds. */
export async function runSeeds(
  seeds: readonly string[],
  flags: readonly string[],
  tell: (done: number) => void,
  signal: AbortSignal,
): Promise<SeedFigures[]> {
  const figures: SeedFigures[] = [];
  const queue = seeds.entries();
  let done = 0;
  const worker = async (): Promise<void> => {
    for (const [index, seed] of queue) {
      figures[index] = await runSeed([...flags, "--seed", seed, "--seeds", "1", "--json"], signal);
      tell((done += 1));
    }
  };
  await Promise.all(Array.from({ length: Math.min(seeds.length, availableParallelism()) }, worker));
  return figures;
}

async function runSeed(flags: readonly string[], signal: AbortSignal): Promise<SeedFigures> {
  const [, program = ""] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, program, "simulate", ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
    signal,
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) {
    throw new ZipnetError("UNAVAILABLE", `the simulation of ${flags.join(" ")} ended with code ${code}, see above`);
  }
  const [figures] = JSON.parse(Buffer.concat(chunks).toString("utf8")) as SeedFigures[];
  if (figures === undefined)
    throw new ZipnetError("UNAVAILABLE", `the simulation of ${flags.join(" ")} printed nothing`);
  return figures;
}
