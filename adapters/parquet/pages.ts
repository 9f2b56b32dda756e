/**
 * The pages of a column, one after the other, each checked before it is used: what a page claims must fit what the file
 * holds and what the footer says.
 */
import type { ColumnMetaData } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { readRuns } from "./runs.js";
import { snappyDecompress } from "./snappy.js";
import { guardThrift } from "./thrift-guard.js";
import { unreadable } from "./unreadable.js";

/** Longest page header; statistics of long texts stand in it. */
const MAX_HEADER_BYTES = 64 * 1024;

/** A column chunk to read. */
export interface Chunk {
  readonly content: Uint8Array;
  /** Where the pages end and the footer begins. */
  readonly end: number;
  readonly column: ColumnMetaData;
  readonly rows: number;
  readonly optional: boolean;
  /** For messages. */
  readonly where: string;
  /** What the file may still take; each chunk takes its part of it. */
  readonly budget: Budget;
}

/** What is left of what a file may take. */
export interface Budget {
  /** Bytes of pages when decompressed. */
  bytes: number;
  /** Characters of the texts of all rows. */
  characters: number;
}

/** The values of a page. */
export interface Page {
  readonly kind: "dictionary" | "data";
  /** Rows of a data page, entries of a dictionary. */
  readonly count: number;
  /** 1 for each row that has a value, 0 for each that has none; absent where all have one. */
  readonly levels?: Uint32Array;
  /** Values in the page. */
  readonly present: number;
  readonly encoding: string | undefined;
  /** The encoded values, decompressed. */
  readonly bytes: Uint8Array;
}

type Header = ReturnType<typeof parquetHeader>;

/** The pages of a chunk in order: the dictionary first, where there is one. Throws FILE_UNREADABLE. */
export function* pagesOf(chunk: Chunk): Generator<Page> {
  const { content, column, rows, where, budget } = chunk;
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  const end = start + Number(column.total_compressed_size);
  if (!(start >= 4 && end >= start && end <= chunk.end))
    throw unreadable(where, `lies at bytes ${start} to ${end}, outside the data`);
  if (column.data_page_offset < BigInt(start)) throw unreadable(where, "has its dictionary after its data");
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  let seen = 0;
  for (let offset = start; offset < end;) {
    const most = Math.min(end, offset + MAX_HEADER_BYTES);
    const headerEnd = guardThrift(content, offset, most, `a page header of ${where}`);
    const header = parquetHeader({ view, offset });
    const { compressed_page_size: size, uncompressed_page_size: fullSize } = header;
    if (!(isCount(size, end - headerEnd) && isCount(fullSize, budget.bytes))) {
      throw unreadable(where, `has a page that claims ${size} bytes, ${fullSize} when decompressed`);
    }
    budget.bytes -= fullSize;
    const bytes = content.subarray(headerEnd, headerEnd + size);
    const page =
      header.type === "DICTIONARY_PAGE" && offset === start
        ? dictionaryPage(bytes, header, chunk)
        : dataPage(bytes, header, chunk, rows - seen);
    if (page.kind === "data") seen += page.count;
    yield page;
    offset = headerEnd + size;
  }
  if (seen !== rows) throw unreadable(where, `has ${seen} values, but ${rows} rows`);
}

function dictionaryPage(bytes: Uint8Array, header: Header, chunk: Chunk): Page {
  const { num_values: count, encoding } = header.dictionary_page_header ?? {};
  if (!isCount(count, chunk.rows) || (encoding !== "PLAIN" && encoding !== "PLAIN_DICTIONARY"))
    throw unreadable(chunk.where, "has a dictionary that does not fit");
  const values = decompress(bytes, header.uncompressed_page_size, chunk);
  return { kind: "dictionary", count, present: count, encoding: "PLAIN", bytes: values };
}

function dataPage(bytes: Uint8Array, header: Header, chunk: Chunk, most: number): Page {
  if (header.type === "DATA_PAGE") return dataPageV1(bytes, header, chunk, most);
  if (header.type === "DATA_PAGE_V2") return dataPageV2(bytes, header, chunk, most);
  throw unreadable(chunk.where, `has a page of type ${header.type} where data must be`);
}

function dataPageV1(bytes: Uint8Array, header: Header, chunk: Chunk, most: number): Page {
  const { where, optional } = chunk;
  const { num_values: count, encoding } = header.data_page_header ?? {};
  if (!isCount(count, most)) throw unreadable(where, `has a page that claims ${count} values, but ${most} are left`);
  const page = decompress(bytes, header.uncompressed_page_size, chunk);
  if (!optional) return { kind: "data", count, present: count, encoding, bytes: page };
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const end = page.length < 4 ? Infinity : 4 + view.getUint32(0, true);
  if (end > page.length) throw unreadable(where, "has levels that are too long");
  const levels = readLevels(page.subarray(4, end), count, where);
  return { kind: "data", count, levels, present: sumOf(levels), encoding, bytes: page.subarray(end) };
}

function dataPageV2(bytes: Uint8Array, header: Header, chunk: Chunk, most: number): Page {
  const { where, optional } = chunk;
  const v2 = header.data_page_header_v2;
  if (v2 === undefined) throw unreadable(where, "has a page without its header");
  const { num_values: count, num_nulls: nulls, definition_levels_byte_length: levelBytes, encoding } = v2;
  if (!isCount(count, most) || !isCount(nulls, optional ? count : 0) || v2.num_rows !== count) {
    throw unreadable(where, `has a page that claims ${count} values, but ${most} are left`);
  }
  if (v2.repetition_levels_byte_length !== 0 || !isCount(levelBytes, optional ? bytes.length : 0)) {
    throw unreadable(where, "has levels that do not fit");
  }
  const levels = optional ? readLevels(bytes.subarray(0, levelBytes), count, where) : undefined;
  const present = levels === undefined ? count : sumOf(levels);
  if (present !== count - nulls)
    throw unreadable(where, `has ${present} values, but claims ${nulls} of ${count} empty`);
  const rest = bytes.subarray(levelBytes);
  const fullSize = header.uncompressed_page_size - levelBytes;
  const values = v2.is_compressed === false ? rest : decompress(rest, fullSize, chunk);
  return { kind: "data", count, ...(levels !== undefined && { levels }), present, encoding, bytes: values };
}

function readLevels(bytes: Uint8Array, count: number, where: string): Uint32Array {
  const levels = new Uint32Array(count);
  readRuns(bytes, 1, levels, where);
  return levels;
}

/** Levels are 0 and 1, but a run of one bit can carry any byte. */
function sumOf(levels: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < levels.length; i += 1) {
    if (levels[i] !== 0) {
      levels[i] = 1;
      sum += 1;
    }
  }
  return sum;
}

function decompress(bytes: Uint8Array, fullSize: number, { column, where }: Chunk): Uint8Array {
  if (column.codec === "SNAPPY") return snappyDecompress(bytes, fullSize);
  if (bytes.length !== fullSize)
    throw unreadable(where, `has an uncompressed page of ${bytes.length} bytes that claims ${fullSize}`);
  return bytes;
}

function isCount(value: number | undefined, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
}
