/**
 * Keys that are there for a time, without values: a server's replay set, which every signed call adds to. Kept by the
 * minute in which they expire, so that forgetting them is letting go of a whole map, and no entry is an object of its
 * own for the garbage collector to follow.
 */

const SLICE_MS = 60_000;

/** The keys of one process. Times are Unix milliseconds. */
export class PresentKeys {
  /** By the number of the slice in which they expire; the values are milliseconds from its start. */
  readonly #slices = new Map<number, Map<string, number>>();

  /** Keys held at present, with those that expired in the slice that runs. */
  get size(): number {
    let size = 0;
    for (const keys of this.#slices.values()) size += keys.size;
    return size;
  }

  /** When a key expires; undefined when it is not there. */
  expireTimeMs(key: string, nowMs: number): number | undefined {
    for (const [slice, keys] of this.#slices) {
      const offsetMs = keys.get(key);
      if (offsetMs === undefined) continue;
      const expireTimeMs = slice * SLICE_MS + offsetMs;
      if (expireTimeMs > nowMs) return expireTimeMs;
    }
    return undefined;
  }

  /** Adds a key that is not there. */
  add(key: string, expireTimeMs: number, nowMs: number): void {
    const slice = Math.floor(expireTimeMs / SLICE_MS);
    let keys = this.#slices.get(slice);
    if (keys === undefined) {
      for (const other of this.#slices.keys()) if ((other + 1) * SLICE_MS <= nowMs) this.#slices.delete(other);
      keys = new Map();
      this.#slices.set(slice, keys);
    }
    keys.set(key, expireTimeMs - slice * SLICE_MS);
  }

  /** Removes a key. */
  delete(key: string): void {
    for (const keys of this.#slices.values()) keys.delete(key);
  }

  clear(): void {
    this.#slices.clear();
  }
}
