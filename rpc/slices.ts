/**
 * Going through many things without keeping everything else waiting.
 */

/** Calls for each item, so many in one turn of the event loop. The first ones are dealt with at once. */
export async function inSlices<T>(items: readonly T[], sliceSize: number, each: (item: T) => void): Promise<void> {
  for (let start = 0; start < items.length; start += sliceSize) {
    if (start > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    for (const item of items.slice(start, start + sliceSize)) each(item);
  }
}
