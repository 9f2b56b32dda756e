/**
 * Rows of delimited text as RFC 4180 describes it, for files of gigabytes. A CSV library that goes byte by byte takes
 * five times as long for them; here lines and cells are found by the engine's own search.
 *
 * A quotation mark counts only at the beginning of a cell; anywhere else it is a character like others.
 */

/** A row of a table. */
export interface TableRow {
  /** Line on which it begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** A row is shorter, unless a quotation mark is missing and it reaches to the end of the file. */
const MAX_ROW_CHARACTERS = 1_000_000;
const LINE_FEED = 0x0a;

/**
 * The rows in UTF-8 text, those of each piece together. Lines end with a line feed, with or without a carriage return
 * before it; empty ones are no rows. Rejects with an Error that names the line where a quotation mark is never closed.
 */
export async function* rowsIn(pieces: AsyncIterable<Buffer>, delimiter: string): AsyncGenerator<readonly TableRow[]> {
  const reader = new RowReader(delimiter);
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const end = piece.lastIndexOf(LINE_FEED) + 1;
    if (end > 0) yield reader.read(Buffer.concat([rest, piece.subarray(0, end)]));
    rest = end > 0 ? piece.subarray(end) : Buffer.concat([rest, piece]);
    if (rest.length > MAX_ROW_CHARACTERS * 4) reader.refuse();
  }
  yield reader.read(rest);
  reader.end();
}

/** Makes rows of whole lines, and remembers what is open in between. */
class RowReader {
  readonly #delimiter: string;
  #line = 0;
  /** Lines of a row whose quotation is still open; none while there is no such row. */
  #open: string[] = [];
  #openLength = 0;
  #openSince = 0;

  constructor(delimiter: string) {
    this.#delimiter = delimiter;
  }

  /** The rows that end in these lines. */
  read(lines: Buffer): TableRow[] {
    const rows: TableRow[] = [];
    for (let at = 0; at < lines.length;) {
      const found = lines.indexOf(LINE_FEED, at);
      const end = found < 0 ? lines.length : found;
      this.#line += 1;
      // A string of its own: a part of a longer one would keep all of it in memory.
      const row = this.#rowOf(lines.toString("utf8", at, end));
      if (row !== undefined) rows.push(row);
      at = end + 1;
    }
    return rows;
  }

  /** Throws where the text must not end here. */
  end(): void {
    if (this.#open.length > 0) this.refuse();
  }

  refuse(): never {
    const line = this.#open.length > 0 ? this.#openSince : this.#line + 1;
    throw new Error(`the row that begins on line ${line} does not end; is a quotation mark missing?`);
  }

  #rowOf(line: string): TableRow | undefined {
    if (this.#open.length > 0) return this.#continued(line);
    const whole = withoutReturn(line);
    if (whole === "") return undefined;
    const cells = cellsOf(whole, this.#delimiter);
    if (cells !== undefined) return { line: this.#line, cells };
    this.#openSince = this.#line;
    this.#keepOpen(line);
    return undefined;
  }

  /** A row that goes on, because a quotation is open. */
  #continued(line: string): TableRow | undefined {
    this.#keepOpen(line);
    // Not every time: taking the row apart anew with every line would take long for a long one.
    if (!line.includes('"')) return undefined;
    const cells = cellsOf(withoutReturn(this.#open.join("\n")), this.#delimiter);
    if (cells === undefined) return undefined;
    this.#open = [];
    this.#openLength = 0;
    return { line: this.#openSince, cells };
  }

  #keepOpen(line: string): void {
    this.#open.push(line);
    this.#openLength += line.length + 1;
    if (this.#openLength > MAX_ROW_CHARACTERS) this.refuse();
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** The cells of a row; undefined where a quotation is not closed. */
function cellsOf(row: string, delimiter: string): readonly string[] | undefined {
  if (!row.includes('"')) return row.split(delimiter);
  const cells: string[] = [];
  for (let at = 0; ;) {
    let quoted = "";
    if (row[at] === '"') {
      const close = closingMark(row, at + 1);
      if (close < 0) return undefined;
      quoted = row.slice(at + 1, close);
      if (quoted.includes('"')) quoted = quoted.replaceAll('""', '"');
      at = close + 1;
    }
    const end = row.indexOf(delimiter, at);
    cells.push(quoted + row.slice(at, end < 0 ? undefined : end));
    if (end < 0) return cells;
    at = end + 1;
  }
}

/** Where a quotation ends: at the first mark that is not doubled. */
function closingMark(row: string, from: number): number {
  let mark = row.indexOf('"', from);
  while (mark >= 0 && row[mark + 1] === '"') mark = row.indexOf('"', mark + 2);
  return mark;
}
