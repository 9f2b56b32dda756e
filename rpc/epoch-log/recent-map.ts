/** A map that forgets what was not used lately. */

interface Entry<V> {
  readonly value: V;
  readonly weight: number;
  /** Whether it was used since it was last in line to be forgotten. */
  isUsed: boolean;
}

/**
 * Holds entries up to a total weight; with no weight given, every entry weighs 1. Who is longest in line is forgotten
 * first, but whoever was used in the meantime goes to the end of the line instead. So using an entry moves nothing.
 */
export class RecentMap<K, V extends object> {
  readonly #entries = new Map<K, Entry<V>>();
  readonly #capacity: number;
  readonly #weightOf: (value: V) => number;
  #weight = 0;

  constructor(capacity: number, weightOf: (value: V) => number = () => 1) {
    this.#capacity = capacity;
    this.#weightOf = weightOf;
  }

  /** Entries held at present. */
  get size(): number {
    return this.#entries.size;
  }

  /** The value, which counts as used now. */
  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.isUsed = true;
    return entry.value;
  }

  /** Holds a value. One that weighs more than the whole capacity is not held. */
  set(key: K, value: V): void {
    this.delete(key);
    const weight = this.#weightOf(value);
    if (weight > this.#capacity) return;
    this.#makeRoom(this.#capacity - weight);
    this.#entries.set(key, { value, weight, isUsed: false });
    this.#weight += weight;
  }

  /** Forgets a value, where there is one. */
  delete(key: K): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }

  #makeRoom(mostWeight: number): void {
    // A map's iteration reaches what is put to its end meanwhile.
    for (const [key, entry] of this.#entries) {
      if (this.#weight <= mostWeight) return;
      this.#entries.delete(key);
      if (entry.isUsed) this.#entries.set(key, Object.assign(entry, { isUsed: false }));
      else this.#weight -= entry.weight;
    }
  }
}
