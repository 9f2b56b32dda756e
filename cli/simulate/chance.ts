/**
 * Chance in the simulated network. Every choice follows from the seed and from what it is about, so that no choice depends
 * on how many were made before it, and a run repeats byte for byte.
 */
import { bytesToHex, sha256Of } from "../../core/hash.js";
import { type RandomSequence, randomSequence } from "../../core/random.js";

/** Choices about one thing. */
export interface Chance extends RandomSequence {
  /** Whether something happens that does in so many of 10,000 cases. */
  happens(bps: number): boolean;
  /** A whole number from min to max, both included. */
  between(min: number, max: number): number;
  /** A waiting time whose mean is given: the events come at a constant rate. Whole, same unit. */
  waiting(mean: number): number;
}

const WHOLE = 0x1_0000_0000;

/** The choices about a thing; equal things have equal choices. */
export function chanceOf(...about: readonly (string | number)[]): Chance {
  const random = randomSequence(sha256Of(about.join("\n")));
  return {
    below: (bound) => random.below(bound),
    happens: (bps) => random.below(10_000) < bps,
    between: (min, max) => min + random.below(max - min + 1),
    waiting: (mean) => Math.round(-mean * Math.log((random.below(WHOLE) + 1) / WHOLE)),
  };
}

/** A hash about a thing, as hexadecimal text: what stands for blocks and records that nobody makes here. */
export function hashOf(...about: readonly (string | number)[]): string {
  return bytesToHex(sha256Of(about.join("\n")));
}
