/**
 * The columns of a file of listings, made from the contract itself: one per field of Listing, under the field's name.
 */
import { create } from "@bufbuild/protobuf";
import type { DescField, Message } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { SchemaElement } from "hyparquet";
import { ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { unreadable } from "./unreadable.js";

/** A cell as it is written and read; null where the field is absent. */
export type Cell = string | number | boolean | Date | null;

/** A column and how a field becomes its cell and back. */
export interface Column {
  readonly field: DescField;
  readonly element: SchemaElement & { readonly name: string };
  /** Throws a RangeError for what the column cannot hold. */
  toCell(value: unknown): Cell;
  /** Value of the field; undefined for anything that the column must not hold. */
  fromCell(cell: unknown): unknown;
}

const MAX_UINT32 = 0xffff_ffff;
/** The last moment that a Timestamp can tell: 9999-12-31T23:59:59.999Z; and the first: 0001-01-01T00:00:00Z. */
const LATEST_MS = 253_402_300_799_999;
const EARLIEST_MS = -62_135_596_800_000;

/** In the order of the contract. */
export const COLUMNS: readonly Column[] = ListingSchema.fields.map((field) => columnOf(field));

/** The whole schema of a file. */
export const SCHEMA: SchemaElement[] = [
  { name: "listing", num_children: COLUMNS.length },
  ...COLUMNS.map((column) => column.element),
];

/** A field of a message as it is written. */
export function cellOf(message: Message, column: Column): Cell {
  const value = (message as unknown as Record<string, unknown>)[column.field.localName];
  return value === undefined ? null : column.toCell(value);
}

/** A listing from its cells. Throws FILE_UNREADABLE naming row and column. row: 0 and up. */
export function listingOf(cells: Readonly<Record<string, unknown>>, row: number): Listing {
  const listing = create(ListingSchema);
  fillFrom(cells, row, listing, COLUMNS);
  return listing;
}

/** Fills a message's fields from its cells. Throws FILE_UNREADABLE naming row and column. row: 0 and up. */
export function fillFrom(
  cells: Readonly<Record<string, unknown>>,
  row: number,
  message: Message,
  columns: readonly Column[],
): void {
  const fields = message as unknown as Record<string, unknown>;
  for (const column of columns) {
    const { name, repetition_type: repetition } = column.element;
    const cell = cells[name];
    if (cell === null || cell === undefined) {
      if (repetition === "REQUIRED") throw unreadable(`row ${row}, column ${name}`, "is empty, but must not be");
      continue;
    }
    const value = column.fromCell(cell);
    if (value === undefined)
      throw unreadable(`row ${row}, column ${name}`, `holds ${shown(cell)}, which the column does not allow`);
    fields[column.field.localName] = value;
  }
}

/** The column of a field. Throws an Error for a kind of field that has none. */
export function columnOf(field: DescField): Column {
  const explicit = field.presence === FeatureSet_FieldPresence.EXPLICIT;
  const base = { name: field.name, repetition_type: explicit ? "OPTIONAL" : "REQUIRED" } as const;
  if (field.fieldKind === "enum") {
    const { values, value: byNumber } = field.enum;
    const numbers = new Map(values.map((value) => [value.name, value.number]));
    return {
      field,
      element: { ...base, type: "BYTE_ARRAY", converted_type: "UTF8" },
      toCell: (value) => byNumber[value as number]?.name ?? refuse(field, value),
      fromCell: (cell) => (typeof cell === "string" ? numbers.get(cell) : undefined),
    };
  }
  if (field.fieldKind === "message" && field.message.typeName === "google.protobuf.Timestamp") {
    return {
      field,
      element: { ...base, type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
      toCell: (value) => new Date(timestampMs(value as Timestamp)),
      fromCell: (cell) =>
        cell instanceof Date && isTime(cell.getTime()) ? timestampFromMs(cell.getTime()) : undefined,
    };
  }
  if (field.fieldKind === "scalar") return scalarColumn(field, base);
  throw new Error(`There is no column type for the field ${field.name}.`);
}

function scalarColumn(
  field: DescField & { fieldKind: "scalar" },
  base: { readonly name: string; readonly repetition_type: "OPTIONAL" | "REQUIRED" },
): Column {
  switch (field.scalar) {
    case ScalarType.STRING:
      return {
        field,
        element: { ...base, type: "BYTE_ARRAY", converted_type: "UTF8" },
        toCell: (value) => value as string,
        fromCell: (cell) => (typeof cell === "string" ? cell : undefined),
      };
    case ScalarType.UINT32:
      return {
        field,
        element: { ...base, type: "INT32", converted_type: "UINT_32" },
        toCell: (value) => (isUint32(value) ? value : refuse(field, value)),
        fromCell: (cell) => (isUint32(cell) ? cell : undefined),
      };
    case ScalarType.BOOL:
      return {
        field,
        element: { ...base, type: "BOOLEAN" },
        toCell: (value) => value as boolean,
        fromCell: (cell) => (typeof cell === "boolean" ? cell : undefined),
      };
    case ScalarType.DOUBLE:
      return {
        field,
        element: { ...base, type: "DOUBLE" },
        toCell: (value) => value as number,
        fromCell: (cell) => (typeof cell === "number" ? cell : undefined),
      };
    default:
      throw new Error(`There is no column type for the field ${field.name}.`);
  }
}

function refuse(field: DescField, value: unknown): never {
  throw new RangeError(`The field ${field.name} of a listing is ${shown(value)}, which no column can hold.`);
}

function isUint32(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_UINT32;
}

function isTime(ms: number): boolean {
  return ms >= EARLIEST_MS && ms <= LATEST_MS;
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : String(value).slice(0, 40);
}
