import { setImmediate as nextTurn } from "node:timers/promises";
import { Command } from "commander";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { parse, readSettings, setting } from "../../../adapters/settings/settings.js";
import { grouped } from "../../../core/constraints/show.js";
import { type Figures, simulationFigures } from "../../../core/draw/figures.js";
import { drawPool } from "../../../core/draw/pool.js";
import type { Simulation } from "../../../core/draw/simulate.js";
import { isProven, supplyOf } from "../../../core/draw/sustain.js";
import { DRAW_SETTINGS, RULE_SETTINGS, ruleProblems, rulesOf } from "../../../server/config-rules.js";
import { simulationJson, simulationText } from "../../epochs/simulation-text.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";
import { CATALOGUE_NAME, PLACE_SETTINGS, openNamed } from "../catalogue/named.js";

const SETTINGS = {
  catalogue: setting(`Catalogue to draw from: ${CATALOGUE_NAME}.`, parse.text()),
  epochs: setting(
    "Epochs to simulate. Default 2190, a year of four-hour epochs.",
    parse.integer({ min: 1, max: 100_000 }, 2_190),
  ),
  seed: setting("Any text; another one gives other draws. Default zipnet.", parse.text("zipnet")),
  epochLengthSeconds: setting("Length of an epoch. Default 14400.", parse.integer({ min: 1, max: 86_400 }, 14_400)),
};

/** A simulation pauses this often, to show its progress and to hear whether it is to stop. */
const PAUSE_MS = 250;

/** Runs the simulation, with its progress on standard error where that is a terminal. Rejects once the signal is aborted. */
async function simulate(simulation: Simulation, signal: AbortSignal): Promise<Figures> {
  const running = simulationFigures(simulation);
  const isShown = process.stderr.isTTY;
  let pausedMs = systemClock.now();
  for (let drawn = 1; ; drawn += 1) {
    const { done, value } = running.next();
    if (done === true) {
      if (isShown) process.stderr.write("\r\u001b[K");
      return value;
    }
    if (systemClock.now() - pausedMs < PAUSE_MS) continue;
    if (isShown) process.stderr.write(`\r${grouped(drawn)} of ${grouped(simulation.epochs)} epochs\u001b[K`);
    await nextTurn();
    signal.throwIfAborted();
    pausedMs = systemClock.now();
  }
}

/** `zipnet epoch simulate`: what given rules make of a catalogue. */
export function simulateCommand(signal: AbortSignal): Command {
  const command = new Command("simulate")
    .description("draws many epochs ahead by given rules, and prints what an owner needs to choose the rules")
    .option("--json", "prints all figures as JSON, with how often each zip code was drawn");
  return addSettingFlags(command, { ...SETTINGS, ...DRAW_SETTINGS, ...PLACE_SETTINGS }).action(
    async ({ json, ...flags }: Record<string, string>) => {
      const raw = mergedSettings(flags);
      const settings = readSettings({ ...SETTINGS, ...RULE_SETTINGS }, raw, (values) =>
        ruleProblems(values, values.epochLengthSeconds),
      );
      const { epochLengthSeconds, epochs, seed } = settings;
      const rules = rulesOf(settings, epochLengthSeconds);
      const { catalogue } = await openNamed(settings.catalogue, raw, signal);
      const pool = drawPool(catalogue, rules);
      const nothing = new Map<string, number>();
      const figures = await simulate({ pool, first: 0, epochs, lastDrawn: nothing, seed }, signal);
      const proven = isProven(supplyOf(pool, 0, nothing));
      const report = { catalogue, rules, epochLengthSeconds, seed, isProven: proven, figures };
      process.stdout.write(`${json === undefined ? simulationText(report) : simulationJson(report)}\n`);
    },
  );
}
