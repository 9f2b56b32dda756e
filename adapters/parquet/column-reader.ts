/**
 * Reads the values of a column: what the fields of the rows hold, in the rows' order.
 */
import type { Column } from "./columns.js";
import { type Chunk, type Page, pagesOf } from "./pages.js";
import { readPlain } from "./plain.js";
import { readRuns } from "./runs.js";
import { unreadable } from "./unreadable.js";

type Cells = readonly (string | number | Date)[];

/** A field's value for each cell; undefined for a cell that the column must not hold. */
interface Values {
  readonly cells: Cells;
  readonly values: readonly unknown[];
}

/** The field's value of each row; undefined where it is absent. Throws FILE_UNREADABLE. firstRow: for messages. */
export function readColumn(chunk: Chunk, column: Column, firstRow: number): unknown[] {
  const out: unknown[] = [];
  let dictionary: Values | undefined;
  for (const page of pagesOf(chunk)) {
    const { where, budget } = chunk;
    if (page.kind === "dictionary") {
      dictionary = valuesOf(readPlain(page.bytes, column.element.type, page.count, where), column);
      continue;
    }
    const indexes = page.encoding === "PLAIN" ? undefined : indexesOf(page, dictionary, where);
    const { cells, values } =
      indexes === undefined || dictionary === undefined
        ? valuesOf(readPlain(page.bytes, column.element.type, page.present, where), column)
        : dictionary;
    for (let i = 0, next = 0; i < page.count; i += 1) {
      if (page.levels?.[i] === 0) {
        out.push(undefined);
        continue;
      }
      const index = indexes === undefined ? next : (indexes[next] ?? 0);
      next += 1;
      const value = values[index];
      if (value === undefined) throw notAllowed(cells[index], column, firstRow + out.length);
      out.push(value);
    }
    if (column.element.type === "BYTE_ARRAY") budget.characters -= charactersOf(cells, indexes);
    if (budget.characters < 0) throw unreadable(where, "makes the texts of the file's rows too long together");
  }
  return out;
}

/** Characters of the cells, each as often as a row has it. */
function charactersOf(cells: Cells, indexes: Uint32Array | undefined): number {
  let sum = 0;
  const count = indexes?.length ?? cells.length;
  for (let i = 0; i < count; i += 1) sum += String(cells[indexes === undefined ? i : (indexes[i] ?? 0)]).length;
  return sum;
}

function valuesOf(cells: Cells, column: Column): Values {
  return { cells, values: cells.map((cell) => column.fromCell(cell)) };
}

function indexesOf({ encoding, bytes, present }: Page, dictionary: Values | undefined, where: string): Uint32Array {
  if (encoding !== "RLE_DICTIONARY" && encoding !== "PLAIN_DICTIONARY")
    throw unreadable(where, `is encoded as ${encoding}, but must be PLAIN or by dictionary`);
  const indexes = new Uint32Array(present);
  if (present === 0) return indexes;
  if (dictionary === undefined) throw unreadable(where, "has no dictionary, but indexes of one");
  readRuns(bytes.subarray(1), bytes[0] ?? Infinity, indexes, where);
  const { length } = dictionary.cells;
  const outside = indexes.find((index) => index >= length);
  if (outside !== undefined) throw unreadable(where, `has the index ${outside}, but a dictionary of ${length}`);
  return indexes;
}

function notAllowed(cell: unknown, column: Column, row: number): Error {
  const shown = typeof cell === "string" ? JSON.stringify(cell.slice(0, 40)) : String(cell).slice(0, 40);
  return unreadable(`row ${row}, column ${column.element.name}`, `holds ${shown}, which the column does not allow`);
}
