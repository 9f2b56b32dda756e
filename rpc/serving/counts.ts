/** How many there are of something at present, by key. */
export class Counts {
  readonly #counts = new Map<string, number>();

  /** How many there are. */
  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Counts one more; returns how to count it no longer, which has an effect once. */
  add(key: string): () => void {
    this.#counts.set(key, this.of(key) + 1);
    let isCounted = true;
    return () => {
      if (!isCounted) return;
      isCounted = false;
      const left = this.of(key) - 1;
      // Keys of which there are none are forgotten: whoever called once must not stay here for ever.
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    };
  }
}
