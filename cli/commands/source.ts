import { Command } from "commander";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { parse, readSettings, setting } from "../../adapters/settings/settings.js";
import { SOURCE_SETTINGS, sourceProblems } from "../../adapters/settings/source-settings.js";
import { type SourceVerdict, checkSource } from "../../core/source-check.js";
import { addSettingFlags, mergedSettings } from "../flags.js";

const CHECK_SETTINGS = {
  ...SOURCE_SETTINGS,
  requestIntervalMs: setting(
    "Time between two requests to the site in milliseconds, 0 to 600000. robots.txt may ask for more. Default 1000.",
    parse.integer({ min: 0, max: 600_000 }, 1_000),
  ),
};

/** Zip codes with many homes for sale, in different states. */
const USUAL_ZIP_CODES = ["77494", "30044", "85142", "32259"];

const EXIT_CODES: Readonly<Record<SourceVerdict["verdict"], number>> = { ok: 0, changed: 1, unreadable: 2, empty: 2 };
const WORDS: Readonly<Record<SourceVerdict["verdict"], string>> = {
  ok: "OK",
  changed: "CHANGED",
  unreadable: "UNREADABLE",
  empty: "EMPTY",
};

/** `zipnet source check`: whether a source still has the shape that its adapter reads. */
export function sourceCommand(signal: AbortSignal): Command {
  const check = new Command("check")
    .description(
      "reads up to three pages of a source and says OK, or which expectation broke; exit code 1 when one did, 2 when it cannot be found out",
    )
    .argument("[zip codes...]", "where the source has results; the first one with results is looked at");
  addSettingFlags(check, CHECK_SETTINGS).action(async (zipCodes: string[], flags: Record<string, string>) => {
    const wrong = zipCodes.find((zipCode) => !/^\d{5}$/.test(zipCode));
    if (wrong !== undefined) throw new Error(`the zip code is ${JSON.stringify(wrong)}, but must be five digits`);
    const settings = readSettings(CHECK_SETTINGS, mergedSettings(flags), sourceProblems);
    const { openSource } = await import("../../adapters/source/open.js");
    const user = { program: "source check", seed: "source check", clock: systemClock };
    const opened = await openSource({ ...settings, concurrency: 1 }, user);
    try {
      const source = opened.source((pages) => pages);
      const { verdict, findings } = await checkSource(source, zipCodes.length > 0 ? zipCodes : USUAL_ZIP_CODES, signal);
      process.stdout.write(`${source.name} at ${settings.sourceUrl}: ${WORDS[verdict]}\n`);
      for (const finding of findings) process.stdout.write(`  ${finding}\n`);
      process.exitCode = EXIT_CODES[verdict];
    } finally {
      await opened.close();
    }
  });
  return new Command("source").description("sources of listings").addCommand(check);
}
