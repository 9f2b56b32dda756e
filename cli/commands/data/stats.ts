import Table from "cli-table3";
import { Command } from "commander";
import { openDatasetFile } from "../../../adapters/parquet/dataset-files.js";
import { grouped } from "../../../core/constraints/show.js";
import { DatasetCount, type DatasetStats, type RowCounts } from "../../../core/dataset/stats.js";
import { limitFlag } from "../catalogue/show.js";

const PLAIN = { head: [], border: [], compact: true };

function percent(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)} %`;
}

const COUNT_HEADS = ["listings", "verified", "by several", "of these agreed"];

function countCells({ rows, verified, shared, agreed }: RowCounts): string[] {
  return [grouped(rows), percent(verified, rows), percent(shared, rows), percent(agreed, shared)];
}

function countsTable(what: string, lines: readonly (readonly [string, RowCounts])[], limit: number): string {
  const table = new Table({
    head: [what, ...COUNT_HEADS],
    colAligns: ["left", "right", "right", "right", "right"],
    style: PLAIN,
  });
  for (const [name, counts] of lines.slice(0, limit)) table.push([name, ...countCells(counts)]);
  const more = lines.length - limit;
  return table.toString() + (more > 0 ? `\n... and ${grouped(more)} more; --limit all shows every one` : "");
}

function fieldsTable({ fields, rows }: DatasetStats): string {
  const table = new Table({ head: ["field", "filled", ""], colAligns: ["left", "right", "right"], style: PLAIN });
  for (const { name, filled } of fields) table.push([name, grouped(filled), percent(filled, rows)]);
  return table.toString();
}

function minersTable({ miners, rows }: DatasetStats, limit: number): string {
  const table = new Table({ head: ["rows of", "rows", ""], colAligns: ["left", "right", "right"], style: PLAIN });
  for (const { hotkey, rows: own } of miners.slice(0, limit)) table.push([hotkey, grouped(own), percent(own, rows)]);
  const more = miners.length - limit;
  return table.toString() + (more > 0 ? `\n... and ${grouped(more)} more; --limit all shows every one` : "");
}

function statsText(path: string, place: string, stats: DatasetStats, limit: number): string {
  const { epochs, zipCodes } = stats;
  return [
    `${path}: ${place}, ${grouped(stats.rows)} listings of ${grouped(zipCodes.length)} zip codes in ${grouped(epochs.length)} epochs`,
    countsTable(
      "epoch",
      epochs.map((counts) => [counts.epochId, counts]),
      limit,
    ),
    countsTable(
      "zip code",
      zipCodes.map((counts) => [counts.zipCode, counts]),
      limit,
    ),
    fieldsTable(stats),
    minersTable(stats, limit),
  ].join("\n\n");
}

/** `zipnet data stats`: an exported file in figures. */
export function dataStatsCommand(): Command {
  return new Command("stats")
    .description(
      "prints what an exported file holds: per epoch and zip code, how full the fields are, whether miners agree",
    )
    .argument("<file>", "a file of zipnet data export")
    .option("--limit <number>", 'epochs, zip codes and miners to print, or "all"', limitFlag, 20)
    .option("--json", "prints one object of JSON, everything in it")
    .action(async (path: string, { limit, json }: { limit: number; json: boolean | undefined }) => {
      const { head, rows } = await openDatasetFile(path);
      const count = new DatasetCount();
      for await (const row of rows()) count.add(row);
      const stats = count.stats();
      const place = `${head.network}/${head.netuid}`;
      const text = json === true ? JSON.stringify({ ...head, ...stats }) : statsText(path, place, stats, limit);
      process.stdout.write(`${text}\n`);
    });
}
