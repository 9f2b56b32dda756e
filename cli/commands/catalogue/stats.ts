import { Command } from "commander";
import { readSettings } from "../../../adapters/settings/settings.js";
import { type CatalogueStats, catalogueStats } from "../../../core/catalogue-stats.js";
import { grouped } from "../../../core/constraints/show.js";
import type { Rules } from "../../../gen/zipnet/v1/epoch_pb.js";
import { DRAW_SETTINGS, RULE_SETTINGS, ruleProblems, rulesOf } from "../../../server/config-rules.js";
import { bar, percentText, shadedBar } from "../../bars.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";
import { CATALOGUE_NAME, PLACE_SETTINGS, openNamed } from "./named.js";

/** Only for the length that the grace window depends on, which plays no part here. */
const EPOCH_LENGTH_SECONDS = 14_400;

function column(text: string | number, width: number): string {
  return (typeof text === "number" ? grouped(text) : text).padStart(width);
}

function poolText({ all, eligible, refused }: CatalogueStats, rules: Rules): string {
  const limits = {
    "too small": `fewer than ${grouped(rules.minExpectedListings)} listings`,
    "too large": `more than ${grouped(rules.maxExpectedListings)} listings`,
    "other state": "in a state that is left out",
  };
  const line = (what: string, { zipCodes, listings }: typeof all): string =>
    `  ${what.padEnd(30)} ${column(zipCodes, 8)} zip codes ${column(listings, 11)} listings ` +
    column(percentText(listings, all.listings), 8);
  return [
    line("in all", all),
    line("eligible by these rules", eligible),
    ...(["too small", "too large", "other state"] as const).map((name) => line(`  ${limits[name]}`, refused[name])),
  ].join("\n");
}

/** What the pool means for draws, by averages: the exact answer takes a simulation. */
function paceText({ eligible }: CatalogueStats, { targetListings: target, cooldownEpochs: cooldown }: Rules): string {
  if (eligible.zipCodes === 0) return "no zip code may be drawn by these rules";
  const drawn = Math.ceil((target * eligible.zipCodes) / eligible.listings);
  const resting = drawn * cooldown;
  return (
    `an epoch of ${grouped(target)} listings takes about ${grouped(drawn)} of the ${grouped(eligible.zipCodes)} eligible ` +
    `zip codes (${percentText(drawn, eligible.zipCodes)});\n` +
    `${grouped(cooldown)} epochs of cooldown keep about ${grouped(resting)} of them back ` +
    `(${percentText(resting, eligible.zipCodes)})${resting >= eligible.zipCodes ? ": more than there are" : ""}`
  );
}

function sizesText({ sizes }: CatalogueStats): string {
  const most = Math.max(...sizes.map(({ all }) => all.zipCodes));
  const rows = sizes.map(({ least, most: last, all, eligible }) => {
    const range = least === last ? grouped(least) : `${grouped(least)} to ${grouped(last)}`;
    const shades = shadedBar(eligible.zipCodes, all.zipCodes, most, 34);
    return `  ${range.padStart(18)} ${column(all.zipCodes, 9)} ${column(all.listings, 10)}  ${shades}`.trimEnd();
  });
  return [`  ${"expected listings".padStart(18)} zip codes   listings  █ eligible ░ not`, ...rows].join("\n");
}

function statesText({ states, eligible: total }: CatalogueStats): string {
  const most = states[0]?.eligible.listings ?? 0;
  const rows = states.map(({ state, all, eligible }) => {
    const share = column(percentText(eligible.listings, total.listings), 7);
    const counts = `${column(all.zipCodes, 9)} ${column(eligible.zipCodes, 9)} ${column(eligible.listings, 10)}`;
    return `  ${state}    ${counts} ${share}  ${bar(eligible.listings, most, 30)}`.trimEnd();
  });
  return ["  state zip codes  eligible   listings   share  of the eligible", ...rows].join("\n");
}

/** `zipnet catalogue stats`: how much of a catalogue may be drawn, and how it is spread. */
export function statsCommand(signal: AbortSignal): Command {
  const command = new Command("stats")
    .description("prints how many zip codes may be drawn by given rules, by size and state")
    .argument("<catalogue>", CATALOGUE_NAME);
  return addSettingFlags(command, { ...DRAW_SETTINGS, ...PLACE_SETTINGS }).action(
    async (name: string, flags: Record<string, string>) => {
      const raw = mergedSettings(flags);
      const settings = readSettings(RULE_SETTINGS, raw, (values) => ruleProblems(values, EPOCH_LENGTH_SECONDS));
      const rules = rulesOf(settings, EPOCH_LENGTH_SECONDS);
      const { catalogue, sha256 } = await openNamed(name, raw, signal);
      const stats = catalogueStats(catalogue, rules);
      const parts = [poolText(stats, rules), paceText(stats, rules), sizesText(stats), statesText(stats)];
      process.stdout.write(`${name === sha256 ? "" : `${name} `}${sha256}\n${parts.join("\n\n")}\n`);
    },
  );
}
