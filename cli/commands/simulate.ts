import { writeFile } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Command } from "commander";
import { parse, readSettings, setting } from "../../adapters/settings/settings.js";
import { grouped } from "../../core/constraints/show.js";
import { addSettingFlags, mergedSettings } from "../flags.js";
import { outcomeOf } from "../simulate/figures.js";
import type { SeedFigures } from "../simulate/ledger.js";
import { outcomeText } from "../simulate/outcome-text.js";
import { outcomeSvg } from "../simulate/plot.js";
import { type Scenario, simulate } from "../simulate/run.js";
import { runSeeds } from "../simulate/seeds.js";
import { STRATEGIES } from "../simulate/strategies.js";

const SETTINGS = {
  epochs: setting("Epochs of each seed. Default 200.", parse.integer({ min: 3, max: 100_000 }, 200)),
  seeds: setting(
    "Seeds, each a network of its own, in a process of its own. Default 20.",
    parse.integer({ min: 1, max: 1_000 }, 20),
  ),
  seed: setting("Any text that the seeds are made of. Default zipnet.", parse.text("zipnet")),
  zipCodes: setting("Zip codes of an epoch. Default 8.", parse.integer({ min: 1, max: 1_000 }, 8)),
  listingsPerZip: setting(
    "Listings that a zip code holds, on average. Default 30.",
    parse.integer({ min: 4, max: 500 }, 30),
  ),
  failBps: setting(
    "Requests to the source that fail, of 10,000. Default 2000.",
    parse.integer({ min: 0, max: 9_000 }, 2_000),
  ),
  refusedBps: setting(
    "Epochs in which the source refuses a validator altogether, of 10,000. Default 200.",
    parse.integer({ min: 0, max: 10_000 }, 200),
  ),
  miners: setting(
    'Operators of strategies, where other than usual, for example "fabricator-5=3,copier=0".',
    parse.text(""),
  ),
};

type Settings = ReturnType<typeof readSettings<typeof SETTINGS>>;

function operatorsOf(text: string): ReadonlyMap<string, number> {
  return new Map(operatorEntries(text).map(([name, count]) => [name, Number(count)]));
}

function operatorEntries(text: string): (readonly [name: string, count: string])[] {
  const entries = text.split(",").filter((entry) => entry !== "");
  return entries.map((entry) => {
    const [name = "", count = ""] = entry.split("=");
    return [name.trim(), count.trim()];
  });
}

function problemsOf({ miners }: Settings): string[] {
  const names = STRATEGIES.map(({ name }) => name);
  return operatorEntries(miners)
    .filter(([name, count]) => !names.includes(name) || !/^\d{1,3}$/.test(count))
    .map(([name, count]) => {
      const must = `a strategy and a number to 999; strategies are ${names.join(", ")}`;
      return `ZIPNET_MINERS (--miners) has ${JSON.stringify(`${name}=${count}`)}, but must have ${must}`;
    });
}

async function simulateOne(settings: Settings, signal: AbortSignal): Promise<SeedFigures> {
  const scenario: Scenario = { ...settings, operators: operatorsOf(settings.miners) };
  return simulate(scenario, async () => {
    await nextTurn();
    signal.throwIfAborted();
  });
}

async function simulateAll(
  settings: Settings,
  flags: Record<string, string>,
  signal: AbortSignal,
): Promise<SeedFigures[]> {
  if (settings.seeds === 1) return [await simulateOne(settings, signal)];
  const isShown = process.stderr.isTTY;
  const seeds = Array.from({ length: settings.seeds }, (_, index) => `${settings.seed}-${index + 1}`);
  const { epochs, zipCodes, listingsPerZip, failBps, refusedBps, miners } = { ...settings, ...flags };
  const given = { epochs, "zip-codes": zipCodes, "listings-per-zip": listingsPerZip, "fail-bps": failBps };
  const all = { ...given, "refused-bps": refusedBps, ...(miners === "" ? {} : { miners }) };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const figures = await runSeeds(
    seeds,
    args,
    (done) => {
      if (isShown) process.stderr.write(`\r${grouped(done)} of ${grouped(seeds.length)} seeds\u001b[K`);
    },
    signal,
  );
  if (isShown) process.stderr.write("\r\u001b[K");
  return figures;
}

/** `zipnet simulate`: the whole competition in one process per seed. */
export function simulateCommand(signal: AbortSignal): Command {
  const command = new Command("simulate")
    .description(
      "plays the competition: miners honest and not, validators, a faulty source, the chain's consensus; reports who earns what",
    )
    .option("--json", "prints the figures of every seed as JSON")
    .option("--svg <file>", "writes a plot as well");
  return addSettingFlags(command, SETTINGS).action(async ({ json, svg, ...flags }: Record<string, string>) => {
    const settings = readSettings(SETTINGS, mergedSettings(flags), problemsOf);
    const figures = await simulateAll(settings, flags, signal);
    const outcome = outcomeOf(figures);
    if (svg !== undefined) await writeFile(svg, outcomeSvg(outcome));
    process.stdout.write(`${json === undefined ? outcomeText(outcome) : JSON.stringify(figures)}\n`);
  });
}
