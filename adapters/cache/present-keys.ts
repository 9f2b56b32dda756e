/**
 * Keys that are there for a time, without values: a server's replay set, which every signed call adds to. Kept by the
 * minute in which they expire, so that forgetting them is letting go of a whole map, and no entry is an object of its
 * own for the garbage collector to follow.
 */

const SLICE_MS = 60_000;

interface Slice {
  /** Unix milliseconds. */
  readonly startMs: number;
  /** The values are milliseconds from the start. */
  readonly keys: Map<string, number>;
}

/** The keys of one process. Times are Unix milliseconds. */
export class PresentKeys {
  #slices: Slice[] = [];

  /** Keys held at present, with those that expired in the slice that runs. */
  get size(): number {
    return this.#slices.reduce((size, { keys }) => size + keys.size, 0);
  }

  /** When a key expires; undefined when it is not there. */
  expireTimeMs(key: string, nowMs: number): number | undefined {
    for (const { startMs, keys } of this.#slices) {
      const offsetMs = keys.get(key);
      if (offsetMs !== undefined && startMs + offsetMs > nowMs) return startMs + offsetMs;
    }
    return undefined;
  }

  /** Adds a key that is not there. */
  add(key: string, expireTimeMs: number, nowMs: number): void {
    const startMs = Math.floor(expireTimeMs / SLICE_MS) * SLICE_MS;
    let slice = this.#slices.find((other) => other.startMs === startMs);
    if (slice === undefined) {
      slice = { startMs, keys: new Map() };
      this.#slices = [...this.#slices.filter((other) => other.startMs + SLICE_MS > nowMs), slice];
    }
    slice.keys.set(key, expireTimeMs - startMs);
  }

  /** Removes a key. */
  delete(key: string): void {
    for (const { keys } of this.#slices) keys.delete(key);
  }

  clear(): void {
    this.#slices = [];
  }
}
