/**
 * The middle of numbers.
 */

/** The number in the middle, the lower of the two where their number is even; 0 of none. */
export function lowerMedian(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
