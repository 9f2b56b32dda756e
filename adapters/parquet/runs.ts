/**
 * The hybrid of run lengths and bit packing in which Parquet keeps levels and dictionary indexes.
 */
import { unreadable } from "./unreadable.js";

const MAX_BITS = 24;

/**
 * Reads exactly `out.length` numbers of so many bits. Throws FILE_UNREADABLE for runs that are longer than what is
 * left, empty, cut off or too few. where: for messages.
 */
export function readRuns(bytes: Uint8Array, bits: number, out: Uint32Array, where: string): void {
  if (bits > MAX_BITS) throw unreadable(where, `has dictionary indexes of ${bits} bits`);
  let offset = 0;
  let filled = 0;
  while (filled < out.length) {
    let head = 0;
    for (let i = 0; ; i += 1) {
      const byte = bytes[offset];
      if (byte === undefined || i > 4) throw unreadable(where, "has a run without a proper length");
      offset += 1;
      head += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) break;
    }
    const left = out.length - filled;
    const isPacked = head % 2 === 1;
    const count = isPacked ? Math.floor(head / 2) * 8 : head / 2;
    const longest = isPacked ? Math.ceil(left / 8) * 8 : left;
    if (count === 0 || count > longest) throw unreadable(where, `has a run of ${count} values, but ${left} are left`);
    const size = isPacked ? (count / 8) * bits : Math.ceil(bits / 8);
    if (offset + size > bytes.length) throw unreadable(where, `has ${left} values too few in its runs`);
    const end = Math.min(filled + count, out.length);
    if (isPacked) unpack(bytes, offset, bits, out.subarray(filled, end));
    else out.fill(littleEndian(bytes, offset, size), filled, end);
    offset += size;
    filled = end;
  }
}

function littleEndian(bytes: Uint8Array, offset: number, size: number): number {
  let value = 0;
  for (let i = 0; i < size; i += 1) value += (bytes[offset + i] ?? 0) * 2 ** (8 * i);
  return value;
}

/** Numbers of at most 24 bits, the lowest bit first; with the 7 bits before them they fit into 31. */
function unpack(bytes: Uint8Array, start: number, bits: number, out: Uint32Array): void {
  const mask = (1 << bits) - 1;
  let [offset, buffer, buffered] = [start, 0, 0];
  for (let i = 0; i < out.length; i += 1) {
    while (buffered < bits) {
      buffer |= (bytes[offset] ?? 0) << buffered;
      offset += 1;
      buffered += 8;
    }
    out[i] = buffer & mask;
    buffer >>>= bits;
    buffered -= bits;
  }
}
