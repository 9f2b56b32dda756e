/**
 * Values in the plain encoding: one after the other, each in full.
 */
import type { SchemaElement } from "hyparquet";
import { unreadable } from "./unreadable.js";

/** A mark of the byte order is a character like others here. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads so many values. Throws FILE_UNREADABLE when the bytes do not hold them. where: for messages. */
export function readPlain(
  bytes: Uint8Array,
  type: SchemaElement["type"],
  count: number,
  where: string,
): (string | number | Date)[] {
  if (type === "BYTE_ARRAY") return readTexts(bytes, count, where);
  const size = type === "INT32" ? 4 : 8;
  if (count * size > bytes.length) throw unreadable(where, `has ${bytes.length} bytes for ${count} values of ${size}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: (number | Date)[] = [];
  if (type === "INT32") for (let i = 0; i < count; i += 1) values.push(view.getUint32(i * 4, true));
  else if (type === "DOUBLE") for (let i = 0; i < count; i += 1) values.push(view.getFloat64(i * 8, true));
  else if (type === "INT64") for (let i = 0; i < count; i += 1) values.push(timeAt(view, i * 8));
  else throw new TypeError(`values of type ${type} are in no file of listings`);
  return values;
}

/** Milliseconds beyond what a Date can be make an invalid one. */
function timeAt(view: DataView, at: number): Date {
  return new Date(view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true));
}

function readTexts(bytes: Uint8Array, count: number, where: string): string[] {
  const texts: string[] = [];
  // Where no byte is above 127, every byte is a character, and all texts are parts of one.
  const all = isAscii(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1") : undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  for (let i = 0; i < count; i += 1) {
    const start = offset + 4;
    offset = start > bytes.length ? Infinity : start + view.getUint32(offset, true);
    if (offset > bytes.length) throw unreadable(where, `has ${count - i} texts too few`);
    texts.push(all === undefined ? decoder.decode(bytes.subarray(start, offset)) : all.slice(start, offset));
  }
  return texts;
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i += 1) if ((bytes[i] ?? 0) > 0x7f) return false;
  return true;
}
