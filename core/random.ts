/**
 * The named random sequence that every draw and every sample uses, "sha256-counter-v1".
 *
 * Block i of the sequence is SHA-256(seed, i as 8 bytes big-endian); its 32 bytes are read as eight unsigned 32-bit
 * big-endian numbers in order. Any language reproduces it from this sentence.
 */
import { sha256Of } from "./hash.js";

/** A reproducible sequence of random integers. */
export interface RandomSequence {
  /** The next integer, uniform over 0 to bound - 1, without modulo bias. bound: 1 to 4,294,967,296, else RangeError. */
  below(bound: number): number;
}

/** Starts the sequence of a seed. The same seed gives the same sequence everywhere. */
export function randomSequence(seed: Uint8Array): RandomSequence {
  const counter = new Uint8Array(8);
  const counterView = new DataView(counter.buffer);
  let blockIndex = 0n;
  let block: DataView | undefined;
  let offset = 32;

  function nextUint32(): number {
    if (block === undefined || offset === 32) {
      counterView.setBigUint64(0, blockIndex);
      blockIndex += 1n;
      const bytes = sha256Of(seed, counter);
      block = new DataView(bytes.buffer, bytes.byteOffset, 32);
      offset = 0;
    }
    const value = block.getUint32(offset);
    offset += 4;
    return value;
  }

  return {
    below(bound) {
      if (!Number.isInteger(bound) || bound < 1 || bound > 0x1_0000_0000) {
        throw new RangeError(`the bound is ${bound}, but must be a whole number from 1 to 4294967296`);
      }
      // Values at or above the largest multiple of the bound would favour small results; they are skipped.
      const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
      for (;;) {
        const value = nextUint32();
        if (value < limit) return value % bound;
      }
    },
  };
}

/** The items in a uniformly random order; the input stays as it is. Fisher-Yates from the front. */
export function shuffled<T>(items: readonly T[], random: RandomSequence): T[] {
  const result = [...items];
  for (let i = 0; i < result.length - 1; i += 1) {
    const j = i + random.below(result.length - i);
    const picked = result[j] as T;
    result[j] = result[i] as T;
    result[i] = picked;
  }
  return result;
}
