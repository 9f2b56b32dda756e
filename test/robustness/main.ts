/**
 * The robustness suite as a command: `npm run robustness` runs seeds 1 to 50, `npm run robustness -- --seed 17` one of
 * them again, `-- --seeds 500 --followers 400` more of both.
 */
import { parseArgs } from "node:util";
import { FOLLOWERS, runSeeds } from "./seeds.js";

const SEEDS = 50;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { seed: { type: "string" }, seeds: { type: "string" }, followers: { type: "string" } },
  });
  const seeds =
    values.seed === undefined
      ? Array.from({ length: Number(values.seeds ?? SEEDS) }, (_, index) => index + 1)
      : [Number(values.seed)];
  const { violations, report } = await runSeeds(seeds, Number(values.followers ?? FOLLOWERS), (result) => {
    say(
      `seed ${result.seed}: ${result.faults} faults, ${result.delivered} events, ${result.violations.length} violations`,
    );
  });
  say(`\n${report}`);
  if (violations.length > 0) process.exitCode = 1;
}

await main(process.argv.slice(2));
