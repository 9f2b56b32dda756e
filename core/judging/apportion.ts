/**
 * Dividing whole units by weights, exactly and the same everywhere.
 */

/**
 * Divides a total into whole parts in proportion to weights: largest remainder, where equal remainders go to the
 * earlier entry. The parts add up to the total, unless all weights are 0: then every part is 0.
 *
 * @param total 0 and up, whole.
 * @param weights 0 and up, whole; at most 2^53 - 1 each.
 */
export function apportion(total: number, weights: readonly number[]): number[] {
  const exact = weights.map((weight) => BigInt(weight));
  const sum = exact.reduce((left, right) => left + right, 0n);
  if (sum === 0n) return weights.map(() => 0);
  const products = exact.map((weight) => weight * BigInt(total));
  const parts = products.map((product) => Number(product / sum));
  const left = total - parts.reduce((one, other) => one + other, 0);
  const byRemainder = products
    .map((product, index) => ({ index, remainder: product % sum }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1));
  for (const { index } of byRemainder.slice(0, left)) parts[index] = (parts[index] ?? 0) + 1;
  return parts;
}

/** Order of texts by their UTF-16 code units, the same in every locale. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
