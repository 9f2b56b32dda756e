import Table from "cli-table3";
import { Command } from "commander";
import { type CatalogueDiff, type ChangedEntry, diffCatalogues } from "../../../core/catalogue-diff.js";
import { grouped } from "../../../core/constraints/show.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";
import { CATALOGUE_NAME, type NamedCatalogue, type PlaceFlags, PLACE_SETTINGS, openNamed } from "./named.js";
import { limitFlag } from "./show.js";

/** "+1,234" or "-5". */
function signed(value: number): string {
  return `${value < 0 ? "-" : "+"}${grouped(Math.abs(value))}`;
}

function percentOf({ before, change }: ChangedEntry): string {
  const base = before?.expectedListings ?? 0;
  return base === 0 ? "" : `${change < 0 ? "-" : "+"}${((100 * Math.abs(change)) / base).toFixed(1)} %`;
}

function sourceText({ before, after }: ChangedEntry): string {
  const [old, renewed] = [before?.source, after?.source];
  if (old === undefined) return `added, ${renewed ?? ""}`;
  if (renewed === undefined) return `removed, ${old}`;
  if (old !== renewed) return `${old} to ${renewed}`;
  const isLearned = (after?.calibration?.observations ?? 0) !== (before?.calibration?.observations ?? 0);
  return isLearned ? `${old}, calibrated` : old;
}

function changesText(changed: readonly ChangedEntry[], limit: number): string {
  const table = new Table({
    head: ["zip code", "state", "place", "before", "after", "change", "", "source"],
    colAligns: ["left", "left", "left", "right", "right", "right", "right", "left"],
    style: { head: [], border: [], compact: true },
  });
  for (const entry of changed.slice(0, limit)) {
    const { zipCode, before, after, change } = entry;
    const { state = "", place = "" } = after ?? before ?? {};
    const listings = [before, after].map((side) => (side === undefined ? "" : grouped(side.expectedListings)));
    table.push([zipCode, state, place.slice(0, 16), ...listings, signed(change), percentOf(entry), sourceText(entry)]);
  }
  const more = changed.length - limit;
  return table.toString() + (more > 0 ? `\n... and ${grouped(more)} more; --limit all shows every one` : "");
}

function summaryText({ changed, sameListings, same }: CatalogueDiff): string {
  const amount = (what: string, entries: readonly ChangedEntry[]): string =>
    `  ${grouped(entries.length).padStart(7)} ${what.padEnd(30)} ` +
    `${signed(entries.reduce((sum, { change }) => sum + change, 0)).padStart(10)} listings`;
  const kept = changed.filter(({ before, after }) => before !== undefined && after !== undefined);
  return [
    amount(
      "added",
      changed.filter(({ before }) => before === undefined),
    ),
    amount(
      "removed",
      changed.filter(({ after }) => after === undefined),
    ),
    amount(
      "with a higher expectation",
      kept.filter(({ change }) => change > 0),
    ),
    amount(
      "with a lower expectation",
      kept.filter(({ change }) => change < 0),
    ),
    `  ${grouped(sameListings).padStart(7)} with the same, but another source, day, place or calibration`,
    `  ${grouped(same).padStart(7)} the same in all`,
  ].join("\n");
}

function headText({ name, sha256, catalogue }: NamedCatalogue): string {
  const listings = catalogue.entries.reduce((sum, { expectedListings }) => sum + expectedListings, 0);
  const counts = `${grouped(catalogue.entries.length)} zip codes, ${grouped(listings)} listings`;
  return `${name === sha256 ? "" : `${name}: `}${counts}\n  ${sha256}`;
}

/** `zipnet catalogue diff`: what changed from one catalogue to another. */
export function diffCommand(signal: AbortSignal): Command {
  const command = new Command("diff")
    .description(
      "prints which zip codes another catalogue adds, removes or expects other counts of, the largest change first",
    )
    .argument("<before>", CATALOGUE_NAME)
    .argument("<after>", "likewise")
    .option("--limit <number>", 'zip codes to print, or "all"', limitFlag, 20);
  return addSettingFlags(command, PLACE_SETTINGS).action(
    async (before: string, after: string, { limit, ...place }: { limit: number } & PlaceFlags) => {
      const raw = mergedSettings(place);
      const sides = [await openNamed(before, raw, signal), await openNamed(after, raw, signal)] as const;
      const diff = diffCatalogues(sides[0].catalogue, sides[1].catalogue);
      const changes = diff.changed.length === 0 ? [] : [changesText(diff.changed, limit)];
      process.stdout.write(`${[...sides.map(headText), summaryText(diff), ...changes].join("\n")}\n`);
    },
  );
}
