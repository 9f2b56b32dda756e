/**
 * Snappy decompression that trusts nothing: every length is checked against both ends before it is followed.
 */
import { unreadable } from "./unreadable.js";

const WHERE = "a compressed page";

/** Decompresses a raw Snappy block that must hold exactly `outputLength` bytes. Throws FILE_UNREADABLE. */
export function snappyDecompress(input: Uint8Array, outputLength: number): Uint8Array {
  let position = 0;

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
    output.set(input.subarray(position, position + length), written);
    position += length;
    written += length;
  }

  function copy(length: number, distance: number): void {
    if (distance === 0 || distance > written || written + length > outputLength)
      throw unreadable(WHERE, "has a copy that is out of range");
    // Byte by byte: a copy may overlap what it writes.
    for (let i = 0; i < length; i += 1, written += 1) output[written] = output[written - distance] ?? 0;
  }

  while (position < input.length) {
    const tag = take(1);
    const high = tag >> 2;
    if ((tag & 3) === 0) literal((high < 60 ? high : take(high - 59)) + 1);
    else if ((tag & 3) === 1) copy((high & 7) + 4, (tag >> 5) * 256 + take(1));
    else copy(high + 1, take((tag & 3) === 2 ? 2 : 4));
  }
  if (written !== outputLength) throw unreadable(WHERE, `holds ${written} bytes, but its header says ${outputLength}`);
  return output;
}
