/**
 * Walks a structure in Thrift's compact protocol without building it.
 *
 * The library builds whatever a file says: a list that claims two billion items, numbers of a million digits, structures
 * nested without end. What passes this walk is as small in memory as it is in the file.
 */
import { unreadable } from "./unreadable.js";

const MAX_DEPTH = 12;
const MAX_VARINT_BYTES = 10;

/** Thrift's compact types. */
const BOOLEAN_TRUE = 1;
const BOOLEAN_FALSE = 2;
const BYTE = 3;
const I16 = 4;
const I64 = 6;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const STRUCT = 12;

/** Checks the structure that starts at an offset and returns the offset after it. Throws FILE_UNREADABLE, also when it does not end before `end`. */
export function guardThrift(bytes: Uint8Array, start: number, end: number, where: string): number {
  let offset = start;

  function byte(): number {
    const value = offset < end ? bytes[offset] : undefined;
    if (value === undefined) throw unreadable(where, "ends too early");
    offset += 1;
    return value;
  }

  function varint(): number {
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i += 1) {
      const next = byte();
      value += (next & 0x7f) * 2 ** (7 * i);
      if (next < 0x80) return value;
    }
    throw unreadable(where, `has a number of more than ${MAX_VARINT_BYTES} bytes at byte ${offset}`);
  }

  function skip(length: number): void {
    if (length > end - offset)
      throw unreadable(where, `claims ${length} bytes at byte ${offset}, but has ${end - offset}`);
    offset += length;
  }

  function value(type: number, depth: number): void {
    if (depth > MAX_DEPTH) throw unreadable(where, `is nested more than ${MAX_DEPTH} deep`);
    if (type === BYTE) skip(1);
    else if (type >= I16 && type <= I64) varint();
    else if (type === DOUBLE) skip(8);
    else if (type === BINARY) skip(varint());
    else if (type === LIST) list(depth);
    else if (type === STRUCT) struct(depth);
    else if (type !== BOOLEAN_TRUE && type !== BOOLEAN_FALSE) {
      throw unreadable(where, `has a value of unknown type ${type} at byte ${offset}`);
    }
  }

  function list(depth: number): void {
    const head = byte();
    const type = head & 0x0f;
    const size = head >> 4 === 15 ? varint() : head >> 4;
    // Every item takes a byte at least.
    if (size > end - offset) throw unreadable(where, `claims a list of ${size} items, but has ${end - offset} bytes`);
    for (let i = 0; i < size; i += 1) {
      value(type === BOOLEAN_TRUE || type === BOOLEAN_FALSE ? BYTE : type, depth + 1);
    }
  }

  function struct(depth: number): void {
    for (let head = byte(); (head & 0x0f) !== 0; head = byte()) {
      if (head >> 4 === 0) varint();
      value(head & 0x0f, depth + 1);
    }
  }

  struct(0);
  return offset;
}
