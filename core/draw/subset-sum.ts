/** Which items add up to a sum within bounds, exactly. */

/** What the search found: the picked items, or the largest sum below the bounds that some set of items has. */
export type SubsetSum<T> =
  { readonly picked: readonly T[] } | { readonly picked: undefined; readonly nearestBelow: number };

/**
 * Items whose sizes add up to low or more and high or less, whenever there are any.
 *
 * The distinct sizes are taken in the order of their first items. For each, the sums from the size up to `high` are
 * visited ascending; a sum not reached yet is reached by this size when the sum less the size is 0 or reached, and that
 * one did not use up the items of this size. The first sum reached at or above `low` is taken; followed back by the
 * sizes that reached each sum, every step takes the first item of its size that is left. Time is at most the number of
 * distinct sizes times `high`, memory eight bytes times `high`.
 *
 * @param sizeOf the size of an item, a whole number from 1.
 */
export function subsetWithSum<T>(
  items: readonly T[],
  sizeOf: (item: T) => number,
  low: number,
  high: number,
): SubsetSum<T> {
  const bySize = new Map<number, T[]>();
  for (const item of items) {
    const members = bySize.get(sizeOf(item));
    if (members === undefined) bySize.set(sizeOf(item), [item]);
    else members.push(item);
  }
  // sizeLeadingTo[s] is the size of the last item of a set with the sum s; 0 where no set is known.
  const sizeLeadingTo = new Uint32Array(high + 1);
  // usedOfSize[s] counts the items of the present size in that set.
  const usedOfSize = new Uint32Array(high + 1);
  let highest = 0;
  for (const [size, members] of bySize) {
    highest = Math.min(high, highest + size * members.length);
    usedOfSize.fill(0);
    for (let sum = size; sum <= highest; sum += 1) {
      const rest = sum - size;
      const restIsKnown = rest === 0 || at(sizeLeadingTo, rest) > 0;
      if (at(sizeLeadingTo, sum) > 0 || !restIsKnown || at(usedOfSize, rest) === members.length) continue;
      sizeLeadingTo[sum] = size;
      usedOfSize[sum] = at(usedOfSize, rest) + 1;
      if (sum >= low) return { picked: membersOf(sum, sizeLeadingTo, bySize) };
    }
  }
  let nearestBelow = low - 1;
  while (nearestBelow > 0 && sizeLeadingTo[nearestBelow] === 0) nearestBelow -= 1;
  return { picked: undefined, nearestBelow };
}

/** Follows the sizes back from the sum, taking the first unused item of each. */
function membersOf<T>(sum: number, sizeLeadingTo: Uint32Array, bySize: ReadonlyMap<number, readonly T[]>): T[] {
  const taken = new Map<number, number>();
  const picked: T[] = [];
  for (let rest = sum; rest > 0; rest -= at(sizeLeadingTo, rest)) {
    const size = at(sizeLeadingTo, rest);
    const index = taken.get(size) ?? 0;
    picked.push((bySize.get(size) as readonly T[])[index] as T);
    taken.set(size, index + 1);
  }
  return picked;
}

/** An element that is known to exist. */
function at(numbers: Uint32Array, index: number): number {
  return numbers[index] as number;
}
