/**
 * What is checked of a file before its rows are read: that it is exactly in the format, and claims no more than a file may
 * have. The limits are rules: they decide alike on every machine.
 */
import { parquetMetadata } from "hyparquet";
import type { ColumnMetaData, FileMetaData, SchemaElement } from "hyparquet";
import { COLUMNS, SCHEMA } from "./columns.js";
import type { Budget } from "./pages.js";
import { guardThrift } from "./thrift-guard.js";
import { unreadable } from "./unreadable.js";

/** Longest file that is read, in bytes. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** Most rows of a file. */
const MAX_ROWS = 1_000_000;
/** Longest footer: room for a hundred row groups with generous statistics. */
const MAX_FOOTER_BYTES = 2 * 1024 * 1024;
/** What a file may take: its pages when decompressed, and the texts of its rows, each as often as it stands there. */
const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;
const MAX_TEXT_CHARACTERS = 256 * 1024 * 1024;
const MAGIC = [0x50, 0x41, 0x52, 0x31];
const TAIL_BYTES = 8;

/** What a file says of itself, and where its data ends. */
export interface CheckedMetadata {
  readonly metadata: FileMetaData;
  readonly footerStart: number;
}

/** Checks everything but the pages. Throws FILE_UNREADABLE. */
export function checkFile(content: Uint8Array): CheckedMetadata {
  if (content.length > MAX_FILE_BYTES) {
    throw unreadable("the file", `has ${content.length} bytes, but may have ${MAX_FILE_BYTES} at most`);
  }
  if (content.length < MAGIC.length + TAIL_BYTES) throw unreadable("the file", `has only ${content.length} bytes`);
  const hasMagic = MAGIC.every((byte, i) => content[i] === byte && content[content.length - MAGIC.length + i] === byte);
  if (!hasMagic) throw unreadable("the file", "does not begin and end with PAR1: it is not Parquet, or it was cut off");
  const footerStart = checkFooter(content);
  const metadata = parquetMetadata(content.subarray(footerStart), { geoparquet: false });
  checkSchema(metadata.schema);
  checkRowGroups(metadata);
  for (const [group, { columns, num_rows: rows }] of metadata.row_groups.entries()) {
    for (const [index, { meta_data: column }] of columns.entries()) {
      const name = COLUMNS[index]?.element.name ?? "";
      checkChunk(column, name, rows, whereOf(group, name));
    }
  }
  return { metadata, footerStart };
}

/** What a file may take, before anything of it is read. */
export function fullBudget(): Budget {
  return { bytes: MAX_DECOMPRESSED_BYTES, characters: MAX_TEXT_CHARACTERS };
}

/** A part of a file for messages. */
export function whereOf(group: number, column: string): string {
  return `row group ${group}, column ${column}`;
}

function checkFooter(content: Uint8Array): number {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const footerBytes = view.getUint32(content.length - TAIL_BYTES, true);
  const footerEnd = content.length - TAIL_BYTES;
  if (footerBytes > MAX_FOOTER_BYTES || footerBytes > footerEnd - MAGIC.length) {
    throw unreadable("the footer", `claims ${footerBytes} bytes`);
  }
  const footerStart = footerEnd - footerBytes;
  guardThrift(content, footerStart, footerEnd, "the footer");
  return footerStart;
}

function checkSchema(schema: readonly SchemaElement[]): void {
  const root = schema[0];
  if (root?.num_children !== COLUMNS.length || schema.length !== SCHEMA.length) {
    throw unreadable(
      "the schema",
      `has ${schema.length - 1} columns, but must have the ${COLUMNS.length} of a Listing`,
    );
  }
  for (const [index, { element: wanted }] of COLUMNS.entries()) {
    const found = schema[index + 1];
    const differs = (["name", "type", "converted_type", "repetition_type", "num_children"] as const).find(
      (part) => found?.[part] !== wanted[part],
    );
    if (differs !== undefined) {
      const value = String(found?.[differs]).slice(0, 40);
      throw unreadable(
        `column ${index} of the schema`,
        `has the ${differs} ${value}, but must have ${wanted[differs]} (column ${wanted.name})`,
      );
    }
  }
}

function checkRowGroups(metadata: FileMetaData): void {
  if (metadata.num_rows < 0n || metadata.num_rows > BigInt(MAX_ROWS)) {
    throw unreadable("the footer", `claims ${metadata.num_rows} rows, but a file may have ${MAX_ROWS} at most`);
  }
  let sum = 0n;
  for (const [group, { columns, num_rows: rows }] of metadata.row_groups.entries()) {
    if (rows < 0n) throw unreadable(`row group ${group}`, `claims ${rows} rows`);
    if (columns.length !== COLUMNS.length) throw unreadable(`row group ${group}`, `has ${columns.length} columns`);
    sum += rows;
  }
  if (sum !== metadata.num_rows) {
    throw unreadable("the footer", `claims ${metadata.num_rows} rows, but its row groups have ${sum}`);
  }
}

function checkChunk(column: ColumnMetaData | undefined, name: string, rows: bigint, where: string): void {
  if (column === undefined) throw unreadable(where, "has no metadata");
  const { codec, type, path_in_schema: path, num_values: values } = column;
  if (codec !== "SNAPPY" && codec !== "UNCOMPRESSED")
    throw unreadable(where, `is compressed by ${codec}, but must be by SNAPPY`);
  const wanted = COLUMNS.find(({ element }) => element.name === name)?.element.type;
  if (type !== wanted || path.length !== 1 || path[0] !== name)
    throw unreadable(where, "is not the column of the schema");
  if (values !== rows) throw unreadable(where, `claims ${values} values in ${rows} rows`);
}
