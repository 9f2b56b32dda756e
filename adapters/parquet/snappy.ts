/**
 * Snappy decompression that trusts nothing: every length is checked against both ends before it is followed.
 */
import { unreadable } from "./unreadable.js";

const WHERE = "a compressed page";
const LONG_LITERAL = 64;

/** Decompresses a raw Snappy block that must hold exactly `outputLength` bytes. Throws FILE_UNREADABLE. */
export function snappyDecompress(input: Uint8Array, outputLength: number): Uint8Array {
  let position = 0;

  /** The next bytes as a number, the lowest first. */
  function take(count: number): number {
    if (position + count > input.length) throw unreadable(WHERE, "ends too early");
    let value = 0;
    for (let i = 0; i < count; i += 1) value += (input[position + i] ?? 0) * 2 ** (8 * i);
    position += count;
    return value;
  }

  let claimed = 0;
  for (let i = 0; ; i += 1) {
    const byte = take(1);
    claimed += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
    if (i === 4) throw unreadable(WHERE, "has a length of more than 5 bytes");
  }
  if (claimed !== outputLength) throw unreadable(WHERE, `claims ${claimed} bytes, but its header ${outputLength}`);

  const output = new Uint8Array(outputLength);
  let written = 0;

  function literal(length: number): void {
    if (position + length > input.length || written + length > outputLength)
      throw unreadable(WHERE, "has a literal that is too long");
    // Short ones are the rule, and a call for each would take longer than what it does.
    if (length > LONG_LITERAL) output.set(input.subarray(position, position + length), written);
    else for (let i = 0; i < length; i += 1) output[written + i] = input[position + i] ?? 0;
    position += length;
    written += length;
  }

  function copy(length: number, distance: number): void {
    if (distance === 0 || distance > written || written + length > outputLength)
      throw unreadable(WHERE, "has a copy that is out of range");
    // Byte by byte: a copy may overlap what it writes.
    const end = written + length;
    for (let to = written, from = written - distance; to < end; to += 1, from += 1) output[to] = output[from] ?? 0;
    written = end;
  }

  while (position < input.length) {
    const tag = input[position] ?? 0;
    position += 1;
    const high = tag >> 2;
    if ((tag & 3) === 0) literal((high < 60 ? high : take(high - 59)) + 1);
    else if ((tag & 3) === 1) copy((high & 7) + 4, (tag >> 5) * 256 + take(1));
    else copy(high + 1, take((tag & 3) === 2 ? 2 : 4));
  }
  if (written !== outputLength) throw unreadable(WHERE, `holds ${written} bytes, but its header says ${outputLength}`);
  return output;
}
