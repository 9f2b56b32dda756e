/**
 * Catalogues from plain CSV files.
 */
import { createReadStream } from "node:fs";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { parse } from "csv-parse";
import type { CatalogueEntrySchema } from "../../gen/zipnet/v1/epoch_pb.js";

/** A row that was left out. */
export interface SkippedRow {
  /** Line in the file, from 1. */
  readonly line: number;
  /** What is wrong with it, with the value. */
  readonly reason: string;
}

/** Columns that a file must have; others are ignored. */
export const CATALOGUE_COLUMNS = [
  "zip_code",
  "state",
  "county",
  "place",
  "latitude",
  "longitude",
  "expected_listings",
  "source",
  "as_of",
] as const;

type Row = Readonly<Record<(typeof CATALOGUE_COLUMNS)[number], string>>;
type EntryInit = MessageInitShape<typeof CatalogueEntrySchema>;

/** Spreadsheets drop leading zeros: "2138" is 02138. */
function zipCodeOf(text: string): string | undefined {
  return /^\d{3,5}$/.test(text) ? text.padStart(5, "0") : undefined;
}

function microdegrees(text: string, limit: number): number | undefined {
  const degrees = /^-?\d{1,3}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return Math.abs(degrees) <= limit ? Math.round(degrees * 1_000_000) : undefined;
}

/** A row as a catalogue entry, or what is wrong with it. */
function entryOf(row: Row): EntryInit | string {
  const zipCode = zipCodeOf(row.zip_code);
  if (zipCode === undefined) return `zip_code is "${row.zip_code}", but must be five digits`;
  if (!/^[A-Z]{2}$/.test(row.state)) return `state is "${row.state}", but must be two capital letters`;
  const latitudeMicrodegrees = microdegrees(row.latitude, 90);
  const longitudeMicrodegrees = microdegrees(row.longitude, 180);
  if (latitudeMicrodegrees === undefined) return `latitude is "${row.latitude}", but must be -90 to 90`;
  if (longitudeMicrodegrees === undefined) return `longitude is "${row.longitude}", but must be -180 to 180`;
  if (!/^\d{1,6}$/.test(row.expected_listings)) {
    return `expected_listings is "${row.expected_listings}", but must be a whole number up to 999,999`;
  }
  if (row.source === "") return "source is empty";
  if (!/^\d{4}-\d{2}-\d{2}$/.test(row.as_of)) return `as_of is "${row.as_of}", but must be a day like 2026-08-01`;
  const expectedListings = Number(row.expected_listings);
  const { state, county, place, source, as_of: asOf } = row;
  return { zipCode, state, county, place, latitudeMicrodegrees, longitudeMicrodegrees, expectedListings, source, asOf };
}

/**
 * Reads a CSV file with a header of at least CATALOGUE_COLUMNS. Rows that make no sense and repeated zip codes are
 * left out and named. The file is streamed. Throws an Error when a column or the file is missing.
 */
export async function readCatalogueCsv(
  path: string,
): Promise<{ readonly entries: readonly EntryInit[]; readonly skipped: readonly SkippedRow[] }> {
  const rows = parse({ bom: true, columns: headerOf(path), info: true, relax_column_count: true, trim: true });
  const file = createReadStream(path);
  // A pipe does not pass errors on.
  file.on("error", (cause) => rows.destroy(new Error(`${path} cannot be read: ${cause.message}`, { cause })));
  file.pipe(rows);
  const entries = new Map<string, EntryInit>();
  const skipped: SkippedRow[] = [];
  for await (const { record, info } of rows as AsyncIterable<{ record: Partial<Row>; info: { lines: number } }>) {
    const missing = CATALOGUE_COLUMNS.find((column) => record[column] === undefined);
    const entry = missing === undefined ? entryOf(record as Row) : `has no ${missing}`;
    if (typeof entry === "string") {
      skipped.push({ line: info.lines, reason: entry });
    } else if (entries.has(entry.zipCode ?? "")) {
      skipped.push({ line: info.lines, reason: `zip_code ${entry.zipCode} stands twice; the first row counts` });
    } else {
      entries.set(entry.zipCode ?? "", entry);
    }
  }
  return { entries: [...entries.values()], skipped };
}

function headerOf(path: string): (header: string[]) => string[] {
  return (header) => {
    const missing = CATALOGUE_COLUMNS.filter((column) => !header.includes(column));
    if (missing.length > 0) throw new Error(`${path} has no column ${missing.join(", ")}`);
    return header;
  };
}
