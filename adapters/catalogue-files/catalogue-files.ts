/**
 * What public files say of zip codes, one file at a time: Realtor.com's and Redfin's inventories, the census's housing
 * units, plain CSV, and catalogues that were made before.
 */
import { decodeCatalogue } from "../../core/catalogue.js";
import type { Estimate, Layer } from "../../core/catalogue-layers.js";
import { messageOf } from "../../core/errors.js";
import type { Cells, FileKind, ImportOptions, SkipReason } from "./file-kind.js";
import { TABLE_KINDS, type TableKindName, kindOfColumns, kindsText, missingColumns } from "./kinds.js";
import { type FileHead, lookAt, readWhole, rowsOf } from "./source-file.js";

export type { ImportOptions } from "./file-kind.js";

/** What a file can be given as. */
export const FILE_KINDS = [...(Object.keys(TABLE_KINDS) as TableKindName[]), "catalogue"] as const;

/** What a file is given as. */
export type FileKindName = (typeof FILE_KINDS)[number];

/** A row that was left out. */
export interface SkippedRow extends SkipReason {
  readonly file: string;
  /** Line in the file, from 1. */
  readonly line: number;
}

/** How far a file has been read. */
interface ReadProgress {
  readonly bytesRead: number;
  readonly totalBytes: number;
  readonly rows: number;
}

/** Who is told what while a file is read. */
export interface ReadHooks {
  /** Called for every megabyte or so. */
  readonly onProgress: (progress: ReadProgress) => void;
  /** Called for every row that is left out; reading goes on when it resolves. */
  readonly onSkip: (row: SkippedRow) => Promise<void> | void;
}

/** A file that was read. */
export interface ReadLayer extends Layer {
  readonly kind: FileKindName;
  /** Rows after the header, those left out included. */
  readonly rows: number;
}

/**
 * Reads a file. Of several rows of one zip code the newest counts, of two of one day the first. Without a kind, the file
 * is recognised by its header. Rejects with an Error where the file cannot be read or is no such file. Tables are
 * streamed: memory grows with the zip codes, not with the file.
 */
export async function readLayer(
  path: string,
  kind: FileKindName | undefined,
  options: ImportOptions,
  hooks: ReadHooks,
): Promise<ReadLayer> {
  const head = await lookAt(path);
  if (head.form === "table") return await readTable(path, head, kind, options, hooks);
  if (kind !== undefined && kind !== "catalogue") throw new Error(`${path} is a catalogue, not ${kind}`);
  return await readCatalogue(path, head.sizeBytes, hooks);
}

async function readCatalogue(path: string, sizeBytes: number, { onProgress }: ReadHooks): Promise<ReadLayer> {
  let entries;
  try {
    ({ entries } = decodeCatalogue(await readWhole(path)));
  } catch (cause) {
    throw new Error(`${path} is no catalogue: ${messageOf(cause)}`, { cause });
  }
  const estimates = entries.map((entry): [string, Estimate] => {
    const { zipCode, expectedListings, source, asOf, state, county, place } = entry;
    const position = {
      latitudeMicrodegrees: entry.latitudeMicrodegrees,
      longitudeMicrodegrees: entry.longitudeMicrodegrees,
    };
    const where = { state, county, place, position };
    return [zipCode, { zipCode, expectedListings, source, asOf, isDoubtful: false, place: where, entry }];
  });
  onProgress({ bytesRead: sizeBytes, totalBytes: sizeBytes, rows: entries.length });
  const said = { estimates: new Map(estimates), isAuthorityOnPlaces: true };
  return { name: path, kind: "catalogue", rows: entries.length, ...said };
}

/** The kind of a table. Throws an Error that says which columns would make it one. */
function kindOf(path: string, columns: readonly string[], given: FileKindName | undefined): TableKindName {
  if (given === "catalogue") throw new Error(`${path} is no catalogue; make one with "zipnet catalogue import"`);
  if (given === undefined) {
    const found = kindOfColumns(columns);
    if (found !== undefined) return found;
    throw new Error(`${path} is of no known kind: its columns are ${columns.join(", ")}. Known are ${kindsText()}`);
  }
  const missing = missingColumns(TABLE_KINDS[given], columns);
  if (missing.length > 0) throw new Error(`${path} has no column ${missing.join(", ")}, which ${given} needs`);
  return given;
}

async function readTable(
  path: string,
  head: FileHead & { form: "table" },
  given: FileKindName | undefined,
  options: ImportOptions,
  { onProgress, onSkip }: ReadHooks,
): Promise<ReadLayer> {
  const name = kindOf(path, head.columns, given);
  const kind: FileKind = TABLE_KINDS[name];
  const { sizeBytes: totalBytes, columns } = head;
  const cellsOf = cellReader(kind, columns);
  const newest = new NewestRows();
  let rows = 0;
  const onBytes = (bytesRead: number): void => onProgress({ bytesRead, totalBytes, rows });
  for await (const together of rowsOf(path, head, onBytes)) {
    for (const { line, cells } of together) {
      rows += 1;
      const read = cellsOf(cells);
      const said = "reason" in read ? read : checkedAge(kind.estimateOf(read.cells, options), options);
      const skip = "reason" in said ? { line, ...said } : newest.add(said, line);
      if (skip !== undefined) await onSkip({ file: path, ...skip });
    }
  }
  onProgress({ bytesRead: totalBytes, totalBytes, rows });
  const { isAuthorityOnPlaces } = kind;
  return { name: path, kind: name, rows, estimates: newest.estimates(), isAuthorityOnPlaces };
}

/** Reads the cells that a kind knows out of a row. */
function cellReader(
  { columns: needed, optionalColumns }: FileKind,
  columns: readonly string[],
): (row: readonly string[]) => { readonly cells: Cells } | SkipReason {
  const places = [...needed, ...optionalColumns]
    .map((column) => ({ column, index: columns.indexOf(column) }))
    .filter(({ index }) => index >= 0);
  return (row) => {
    const cells: Record<string, string> = {};
    for (const { column, index } of places) {
      const cell = row[index];
      if (cell !== undefined) cells[column] = cell.trim();
      else if (needed.includes(column))
        return { reason: "the row ends too early", detail: `no ${column} in "${row.join(", ")}"` };
    }
    return { cells };
  };
}

function checkedAge(said: Estimate | SkipReason, { since }: ImportOptions): Estimate | SkipReason {
  if ("reason" in said || since === undefined || said.asOf >= since) return said;
  return { reason: `the row is older than ${since}`, detail: `${said.zipCode} of ${said.asOf}` };
}

/** The newest row of each zip code. */
class NewestRows {
  readonly #rows = new Map<string, { readonly estimate: Estimate; readonly line: number }>();

  /** Takes a row in; the one that is left out for it, or undefined where there is none. */
  add(estimate: Estimate, line: number): (SkipReason & { line: number }) | undefined {
    const known = this.#rows.get(estimate.zipCode);
    if (known === undefined || estimate.asOf > known.estimate.asOf)
      this.#rows.set(estimate.zipCode, { estimate, line });
    if (known === undefined) return undefined;
    const { zipCode, asOf } = estimate;
    const detail = (day: string): string => `${zipCode} of ${day}`;
    const older = "there is a newer row of the same zip code";
    if (asOf > known.estimate.asOf) return { line: known.line, reason: older, detail: detail(known.estimate.asOf) };
    if (asOf < known.estimate.asOf) return { line, reason: older, detail: detail(asOf) };
    return { line, reason: "the zip code stands twice for one day; the first row counts", detail: detail(asOf) };
  }

  estimates(): ReadonlyMap<string, Estimate> {
    return new Map([...this.#rows].map(([zipCode, { estimate }]) => [zipCode, estimate]));
  }
}
