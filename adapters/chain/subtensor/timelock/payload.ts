/**
 * What a commit of weights holds, in SCALE: the runtime's WeightsTlockPayload { hotkey, uids, values, version_key }.
 */
import type { UidWeight } from "../../../../core/ports.js";

/** Weights to commit. */
export interface CommitPayload {
  /** The committer's public key, 32 bytes. The runtime drops a commit that names another than who sent it. */
  readonly hotkey: Uint8Array;
  readonly weights: readonly UidWeight[];
  readonly versionKey: bigint;
}

/** The payload as the runtime reads it. RangeError for what does not fit a u16, a u64 or 16,383 weights. */
export function encodePayload({ hotkey, weights, versionKey }: CommitPayload): Uint8Array {
  const version = Buffer.alloc(8);
  version.writeBigUInt64LE(versionKey);
  const uids = weights.map(({ uid }) => uid);
  const values = weights.map(({ weightU16 }) => weightU16);
  return new Uint8Array(Buffer.concat([compact(hotkey.length), hotkey, u16Vector(uids), u16Vector(values), version]));
}

/** Reads a payload. Throws an Error for bytes that are none. */
export function decodePayload(bytes: Uint8Array): CommitPayload {
  const view = Buffer.from(bytes);
  let offset = 0;
  const take = (length: number): Buffer => {
    if (offset + length > view.length) throw new Error("the payload of the commit ends too early");
    offset += length;
    return view.subarray(offset - length, offset);
  };
  const length = (): number => {
    const first = take(1).readUInt8();
    if ((first & 3) === 0) return first >> 2;
    if ((first & 3) === 1) return (first | (take(1).readUInt8() << 8)) >> 2;
    throw new Error("the payload of the commit has a list of more than 16,383 entries");
  };
  const numbers = (): number[] => {
    const count = length();
    return Array.from({ length: count }, () => take(2).readUInt16LE());
  };
  const hotkey = new Uint8Array(take(length()));
  const [uids, values] = [numbers(), numbers()];
  const versionKey = take(8).readBigUInt64LE();
  if (uids.length !== values.length || offset !== view.length)
    throw new Error("the payload of the commit is malformed");
  return { hotkey, weights: uids.map((uid, index) => ({ uid, weightU16: values[index] ?? 0 })), versionKey };
}

/** SCALE's compact length, in the two shortest of its forms. */
function compact(length: number): Uint8Array {
  if (length < 1 << 6) return Uint8Array.of(length << 2);
  if (length < 1 << 14) return Uint8Array.of(((length & 0x3f) << 2) | 1, length >> 6);
  throw new RangeError(`a list has ${length} entries, but may have 16,383`);
}

function u16Vector(numbers: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(2 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt16LE(number, 2 * index);
  return Buffer.concat([compact(numbers.length), bytes]);
}
