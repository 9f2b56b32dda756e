/**
 * Turns at something of which there are several: one at a time, or all at once. First come, first served, so that who
 * wants all is not overtaken for ever.
 */
export class Turns {
  readonly #all: number;
  #free: number;
  readonly #waiting: { readonly wanted: number; readonly go: () => void }[] = [];

  /** count: 1 and up. */
  constructor(count: number) {
    this.#all = count;
    this.#free = count;
  }

  /** Does the work with one turn. */
  one<T>(work: () => Promise<T>): Promise<T> {
    return this.#with(1, work);
  }

  /** Does the work while nothing else is done. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#with(this.#all, work);
  }

  async #with<T>(wanted: number, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((go) => {
      this.#waiting.push({ wanted, go });
      this.#next();
    });
    try {
      return await work();
    } finally {
      this.#free += wanted;
      this.#next();
    }
  }

  #next(): void {
    for (let [first] = this.#waiting; first !== undefined && first.wanted <= this.#free; [first] = this.#waiting) {
      this.#waiting.shift();
      this.#free -= first.wanted;
      first.go();
    }
  }
}
