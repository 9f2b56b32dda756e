/** A map that forgets what was not used for longest. */

/** Holds entries up to a total weight; with no weight given, every entry weighs 1. */
export class RecentMap<K, V extends object> {
  readonly #entries = new Map<K, V>();
  readonly #capacity: number;
  readonly #weightOf: (value: V) => number;
  #weight = 0;

  constructor(capacity: number, weightOf: (value: V) => number = () => 1) {
    this.#capacity = capacity;
    this.#weightOf = weightOf;
  }

  /** The value, which counts as used now. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Holds a value, which counts as used now. One that weighs more than the whole capacity is not held. */
  set(key: K, value: V): void {
    this.delete(key);
    const weight = this.#weightOf(value);
    if (weight > this.#capacity) return;
    this.#entries.set(key, value);
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.#capacity) break;
      this.delete(oldest);
    }
  }

  /** Forgets a value, where there is one. */
  delete(key: K): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#weight -= this.#weightOf(value);
  }
}
