import assert from "node:assert/strict";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { rowsIn } from "./delimited.js";

async function read(text: string, pieceBytes: number, delimiter = ","): Promise<{ line: number; cells: string[] }[]> {
  const bytes = Buffer.from(text);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const rows: { line: number; cells: string[] }[] = [];
  for await (const together of rowsIn(pieces(), delimiter)) {
    rows.push(...together.map(({ line, cells }) => ({ line, cells: [...cells] })));
  }
  return rows;
}

const quote = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

/** Cells of every awkward kind: what needs quotation is quoted, and now and then what does not. */
const cell = fc.tuple(
  fc.string({ unit: fc.constantFrom("a", "é", " ", ",", "\t", '"', "\n", "\r\n", "1") }),
  fc.boolean(),
);
const written = cell.map(([text, isQuoted]) => ({
  text,
  inFile: isQuoted || /[",\t\n\r]/.test(text) ? quote(text) : text,
}));

describe("delimited text", () => {
  it("is read as a CSV library reads it, whatever pieces it comes in", async () => {
    const table = fc.array(fc.array(written, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });
    const form = fc.record({
      end: fc.constantFrom("\n", "\r\n"),
      delimiter: fc.constantFrom(",", "\t"),
      pieceBytes: fc.integer({ min: 1, max: 40 }),
      endsAtOnce: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(table, form, async (rows, { end, delimiter, pieceBytes, endsAtOnce }) => {
        const lines = rows.map((row) => row.map(({ inFile }) => inFile).join(delimiter));
        const text = lines.join(end) + (endsAtOnce ? "" : end);
        const found = await read(text, pieceBytes, delimiter);
        const options = { delimiter, relax_column_count: true, skip_empty_lines: true, record_delimiter: end };
        assert.deepEqual(
          found.map(({ cells }) => cells),
          parse(text, options),
        );
        const full = rows.filter((_, index) => lines[index] !== "");
        assert.deepEqual(
          found.map(({ cells }) => cells),
          full.map((row) => row.map((one) => one.text)),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("has rows that begin on a line each, also after one that spans several", async () => {
    assert.deepEqual(
      (await read('a,"b\n\nc"\r\n\nd\ne', 3)).map(({ line, cells }) => [line, cells]),
      [
        [1, ["a", "b\n\nc"]],
        [5, ["d"]],
        [6, ["e"]],
      ],
    );
  });

  it("takes a quotation mark inside a cell as what it is", async () => {
    assert.deepEqual(
      (await read('5" wide,"6"" wide" or so\n', 7)).map(({ cells }) => cells),
      [['5" wide', '6" wide or so']],
    );
  });

  it("is refused when a quotation mark is never closed", async () => {
    await assert.rejects(read('a\n"b,\nc\n', 4), /the row that begins on line 2 does not end/);
    await assert.rejects(read(`a\n"${"b,\n".repeat(400_000)}`, 65_536), /the row that begins on line 2 does not end/);
    await assert.rejects(read(`a\n${"b".repeat(5_000_000)}`, 65_536), /the row that begins on line 2 does not end/);
  });
});
