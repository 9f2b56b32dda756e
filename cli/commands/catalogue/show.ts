import Table from "cli-table3";
import { Command, InvalidArgumentError } from "commander";
import { grouped } from "../../../core/constraints/show.js";
import type { CatalogueEntry } from "../../../gen/zipnet/v1/epoch_pb.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";
import { CATALOGUE_NAME, type NamedCatalogue, type PlaceFlags, PLACE_SETTINGS, openNamed } from "./named.js";

interface ShowFlags {
  readonly state: string | undefined;
  readonly zip: string | undefined;
  readonly limit: number;
  readonly csv: boolean | undefined;
}

const PLAIN = { head: [], border: [], compact: true };

/** A flag's whole number, 1 and up; "all" for no limit. */
export function limitFlag(text: string): number {
  if (text === "all") return Infinity;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 999999, or "all".');
}

const sumOf = (entries: readonly CatalogueEntry[]): number =>
  entries.reduce((sum, { expectedListings }) => sum + expectedListings, 0);

/** Degrees with as many digits as the catalogue has. */
function degrees(microdegrees: number): string {
  return (microdegrees / 1_000_000).toFixed(6).replace(/0{1,4}$/, "");
}

/** How each source and its days take part. */
function sourcesText(entries: readonly CatalogueEntry[]): string {
  const table = new Table({
    head: ["source", "zip codes", "listings", "as of"],
    colAligns: ["left", "right", "right", "left"],
    style: PLAIN,
  });
  for (const source of [...new Set(entries.map((entry) => entry.source))].sort()) {
    const own = entries.filter((entry) => entry.source === source);
    const days = own.map(({ asOf }) => asOf).sort();
    const [first = "", last = ""] = [days[0], days.at(-1)];
    const period = first === last ? first : `${first} to ${last}`;
    table.push([source, grouped(own.length), grouped(sumOf(own)), period]);
  }
  return table.toString();
}

function entriesText(entries: readonly CatalogueEntry[], limit: number): string {
  const shown = entries.toSorted((a, b) => b.expectedListings - a.expectedListings).slice(0, limit);
  const notes = shown.some((entry) => notesOf(entry) !== "") ? ["notes"] : [];
  const table = new Table({
    head: ["zip code", "state", "place", "expected", "source", "as of", ...notes],
    colAligns: ["left", "left", "left", "right", "left", "left", "left"],
    style: PLAIN,
  });
  for (const entry of shown) {
    const { zipCode, state, place, expectedListings, source, asOf } = entry;
    const row = [zipCode, state, place.slice(0, 24), grouped(expectedListings), source, asOf];
    table.push(notes.length === 0 ? row : [...row, notesOf(entry)]);
  }
  const more = entries.length - limit;
  return table.toString() + (more > 0 ? `\n... and ${grouped(more)} more; --limit all shows every one` : "");
}

/** What epochs taught, where they taught something. */
function learnedText(entries: readonly CatalogueEntry[]): readonly string[] {
  const calibrated = entries.filter(({ calibration }) => calibration !== undefined).length;
  const atCap = entries.filter(({ atResultCap }) => atResultCap).length;
  if (calibrated === 0) return [];
  return [
    `${grouped(calibrated)} calibrated by what epochs held, ${grouped(atCap)} of them at the source's result cap`,
  ];
}

function notesOf({ atResultCap, calibration }: CatalogueEntry): string {
  return [...(calibration === undefined ? [] : ["calibrated"]), ...(atResultCap ? ["at cap"] : [])].join(", ");
}

function entryText(entry: CatalogueEntry): string {
  const { zipCode, state, place, county, expectedListings, source, asOf, calibration, atResultCap } = entry;
  const where = [place, county, state].filter((part) => part !== "").join(", ");
  const imported = calibration?.importedListings ?? expectedListings;
  return [
    `${zipCode}  ${where}`,
    `  at ${degrees(entry.latitudeMicrodegrees)}, ${degrees(entry.longitudeMicrodegrees)}`,
    `  expects ${grouped(expectedListings)} listings`,
    `  imported: ${grouped(imported)}, from ${source} of ${asOf}`,
    ...(calibration === undefined
      ? ["  nothing was learned of it from epochs"]
      : [
          `  found: ${(calibration.foundMillilistings / 1_000).toFixed(1)} on average in ` +
            `${grouped(calibration.observations)} epochs, the last one number ${calibration.lastEpochNumber}; ` +
            `confidence ${(calibration.confidenceBps / 100).toFixed(1)} %`,
        ]),
    ...(atResultCap ? ["  one search of the source showed no more: the true count is unknown, and not below"] : []),
  ].join("\n");
}

function csvText(entries: readonly CatalogueEntry[]): string {
  const cell = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = entries.map((entry) => {
    const { zipCode, state, county, place, latitudeMicrodegrees, longitudeMicrodegrees } = entry;
    const position = [degrees(latitudeMicrodegrees), degrees(longitudeMicrodegrees)];
    const { expectedListings, source, asOf } = entry;
    return [zipCode, state, county, place, ...position, String(expectedListings), source, asOf].map(cell).join(",");
  });
  return ["zip_code,state,county,place,latitude,longitude,expected_listings,source,as_of", ...rows].join("\n");
}

function catalogueText({ name, sha256, catalogue }: NamedCatalogue, flags: ShowFlags): string {
  const { state, zip, limit, csv } = flags;
  const entries = catalogue.entries.filter(
    (entry) => (state === undefined || entry.state === state) && (zip === undefined || entry.zipCode === zip),
  );
  if (csv === true) return csvText(entries);
  const [only] = entries;
  if (only === undefined) {
    const asked = [zip === undefined ? "" : `zip code ${zip}`, state === undefined ? "" : `zip code in ${state}`];
    throw new Error(`${name} has no ${asked.filter((part) => part !== "").join(" or ")}`);
  }
  if (zip !== undefined) return entryText(only);
  const states = new Set(entries.map((entry) => entry.state)).size;
  const of = state ?? (states === 1 ? only.state : `${states} states`);
  return [
    `${name}: ${grouped(entries.length)} zip codes in ${of} expect ${grouped(sumOf(entries))} listings`,
    `sha256 ${sha256}`,
    ...learnedText(entries),
    sourcesText(entries),
    entriesText(entries, limit),
  ].join("\n");
}

/** `zipnet catalogue show`: what a catalogue holds. */
export function showCommand(signal: AbortSignal): Command {
  const command = new Command("show")
    .description("prints what a catalogue holds, the zip codes that expect most first")
    .argument("<catalogue>", CATALOGUE_NAME)
    .option("--state <state>", "only this state, for example WA", (state: string) => state.toUpperCase())
    .option("--zip <zip code>", "only this zip code, with all that is known of it")
    .option("--limit <number>", 'zip codes to print, or "all"', limitFlag, 10)
    .option("--csv", "as CSV in the columns that catalogue import takes, all zip codes, without what was learned");
  return addSettingFlags(command, PLACE_SETTINGS).action(
    async (name: string, { state, zip, limit, csv, ...place }: ShowFlags & PlaceFlags) => {
      const opened = await openNamed(name, mergedSettings(place), signal);
      process.stdout.write(`${catalogueText(opened, { state, zip, limit, csv })}\n`);
    },
  );
}
