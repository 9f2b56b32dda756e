/**
 * Checks the pages of a column before the library reads them: that they hold exactly the rows that the footer claims,
 * and that no run inside them is longer than that.
 */
import type { ColumnMetaData } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { snappyDecompress } from "./snappy.js";
import { guardThrift } from "./thrift-guard.js";
import { unreadable } from "./unreadable.js";

/** Longest page header; statistics of long texts stand in it. */
const MAX_HEADER_BYTES = 64 * 1024;
const MAX_INDEX_BITS = 24;

/** A column chunk to check. */
export interface ChunkToCheck {
  readonly content: Uint8Array;
  /** Where the pages end and the footer begins. */
  readonly end: number;
  readonly column: ColumnMetaData;
  readonly rows: number;
  readonly optional: boolean;
  /** For messages. */
  readonly where: string;
  /** Most bytes that the pages may have when decompressed. */
  readonly budget: number;
}

/** Checks the chunk's pages and returns how many bytes they have when decompressed. Throws FILE_UNREADABLE. */
export function checkPages(chunk: ChunkToCheck): number {
  const { content, column, rows, where } = chunk;
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  const end = start + Number(column.total_compressed_size);
  if (!(start >= 4 && end >= start && end <= chunk.end))
    throw unreadable(where, `lies at bytes ${start} to ${end}, outside the data`);
  if (column.data_page_offset < BigInt(start)) throw unreadable(where, "has its dictionary after its data");
  let decompressed = 0;
  let seen = 0;
  for (let offset = start; offset < end;) {
    const headerEnd = guardThrift(
      content,
      offset,
      Math.min(end, offset + MAX_HEADER_BYTES),
      `a page header of ${where}`,
    );
    const header = parquetHeader({
      view: new DataView(content.buffer, content.byteOffset, content.byteLength),
      offset,
    });
    const { compressed_page_size: size, uncompressed_page_size: fullSize } = header;
    if (!(isCount(size, end - headerEnd) && isCount(fullSize, chunk.budget - decompressed))) {
      throw unreadable(where, `has a page that claims ${size} bytes, ${fullSize} when decompressed`);
    }
    decompressed += fullSize;
    const page: CheckedPage = { bytes: content.subarray(headerEnd, headerEnd + size), header };
    if (header.type === "DICTIONARY_PAGE") {
      if (offset !== start || !isCount(header.dictionary_page_header?.num_values, rows))
        throw unreadable(where, "has a dictionary that does not fit");
      decompress(page.bytes, fullSize, chunk);
    } else {
      seen += checkDataPage(page, chunk, rows - seen);
    }
    offset = headerEnd + size;
  }
  if (seen !== rows) throw unreadable(where, `has ${seen} values, but ${rows} rows`);
  return decompressed;
}

interface CheckedPage {
  readonly bytes: Uint8Array;
  readonly header: ReturnType<typeof parquetHeader>;
}

/** Returns the number of values. */
function checkDataPage({ bytes, header }: CheckedPage, chunk: ChunkToCheck, most: number): number {
  const { where, optional } = chunk;
  if (header.type === "DATA_PAGE") {
    const { num_values: values, encoding } = header.data_page_header ?? {};
    if (!isCount(values, most))
      throw unreadable(where, `has a page that claims ${values} values, but ${most} are left`);
    const page = decompress(bytes, header.uncompressed_page_size, chunk);
    let offset = 0;
    if (optional) {
      const length = new DataView(page.buffer, page.byteOffset, page.byteLength).getUint32(0, true);
      offset = 4 + length;
      if (offset > page.length) throw unreadable(where, "has levels that are too long");
      checkRuns(page.subarray(4, offset), 1, values, where);
    }
    checkEncoded(page.subarray(offset), encoding, values, where);
    return values;
  }
  const v2 = header.data_page_header_v2;
  if (header.type !== "DATA_PAGE_V2" || v2 === undefined) throw unreadable(where, `has a page of type ${header.type}`);
  const { num_values: values, num_nulls: nulls, definition_levels_byte_length: levels } = v2;
  if (!isCount(values, most) || !isCount(nulls, optional ? values : 0) || v2.num_rows !== values) {
    throw unreadable(where, `has a page that claims ${values} values, but ${most} are left`);
  }
  if (v2.repetition_levels_byte_length !== 0 || !isCount(levels, optional ? bytes.length : 0)) {
    throw unreadable(where, "has levels that do not fit");
  }
  if (optional) checkRuns(bytes.subarray(0, levels), 1, values, where);
  const rest = bytes.subarray(levels);
  const fullSize = header.uncompressed_page_size - levels;
  const page = v2.is_compressed === false ? rest : decompress(rest, fullSize, chunk);
  if (values > nulls) checkEncoded(page, v2.encoding, values - nulls, where);
  return values;
}

function decompress(bytes: Uint8Array, fullSize: number, { column, where }: ChunkToCheck): Uint8Array {
  if (column.codec === "SNAPPY") return snappyDecompress(bytes, fullSize);
  if (bytes.length !== fullSize)
    throw unreadable(where, `has an uncompressed page of ${bytes.length} bytes that claims ${fullSize}`);
  return bytes;
}

function checkEncoded(page: Uint8Array, encoding: string | undefined, most: number, where: string): void {
  if (encoding === "PLAIN") return;
  if (encoding !== "RLE_DICTIONARY" && encoding !== "PLAIN_DICTIONARY") {
    throw unreadable(where, `is encoded as ${encoding}, but must be PLAIN or by dictionary`);
  }
  const bits = page[0];
  if (bits === undefined || bits > MAX_INDEX_BITS) throw unreadable(where, `has dictionary indexes of ${bits} bits`);
  if (most > 0) checkRuns(page.subarray(1), bits, most, where);
}

/** Runs of the hybrid of run lengths and bit packing. They may not go on for longer than there are values. */
function checkRuns(bytes: Uint8Array, bits: number, most: number, where: string): void {
  let left = most;
  for (let offset = 0; left > 0 && offset < bytes.length;) {
    let head = 0;
    for (let i = 0; ; i += 1) {
      const byte = bytes[offset];
      if (byte === undefined || i > 4) throw unreadable(where, "has a run without a proper length");
      offset += 1;
      head += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) break;
    }
    const count = head % 2 === 1 ? Math.floor(head / 2) * 8 : head / 2;
    const longest = head % 2 === 1 ? Math.ceil(left / 8) * 8 : left;
    if (count === 0 || count > longest) throw unreadable(where, `has a run of ${count} values, but ${left} are left`);
    offset += head % 2 === 1 ? (count / 8) * bits : Math.ceil(bits / 8);
    left -= count;
  }
  // The library would read on into whatever follows.
  if (left > 0) throw unreadable(where, `has ${left} values too few in its runs`);
}

function isCount(value: number | undefined, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
}
