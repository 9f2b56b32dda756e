/** The kinds of files that a catalogue can be made from, and how each is recognised. */
import { census } from "./census.js";
import type { FileKind } from "./file-kind.js";
import { plain } from "./plain.js";
import { rdc } from "./rdc.js";
import { redfin } from "./redfin.js";

/** Tables, by the name that people give them. */
export const TABLE_KINDS = { rdc, redfin, census, csv: plain } as const;

/** Name of a kind of table. */
export type TableKindName = keyof typeof TABLE_KINDS;

/** The kind that a table with these columns is; undefined where it is none. */
export function kindOfColumns(columns: readonly string[]): TableKindName | undefined {
  const names = Object.keys(TABLE_KINDS) as TableKindName[];
  return names.find((name) => missingColumns(TABLE_KINDS[name], columns).length === 0);
}

/** Columns that a kind needs and the table does not have. */
export function missingColumns(kind: FileKind, columns: readonly string[]): readonly string[] {
  return kind.columns.filter((column) => !columns.includes(column));
}

/** Every kind with the columns that it needs, for people. */
export function kindsText(): string {
  return Object.entries(TABLE_KINDS)
    .map(([name, { columns }]) => `${name} (${columns.join(", ")})`)
    .join("; ");
}
