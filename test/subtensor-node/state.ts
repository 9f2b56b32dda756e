import type { Runtime, StorageItem } from "./runtime.js";

/** The chain's storage after a block. */
export class State {
  constructor(
    readonly runtime: Runtime,
    private readonly cells = new Map<string, string>(),
  ) {}

  /** A value as JSON; where there is none, the default, or null for what has none. */
  get(item: StorageItem, ...args: readonly unknown[]): unknown {
    return this.runtime.decode(item, this.cells.get(this.runtime.key(item, args)));
  }

  number(item: StorageItem, ...args: readonly unknown[]): number {
    return Number(this.get(item, ...args));
  }

  bigint(item: StorageItem, ...args: readonly unknown[]): bigint {
    return BigInt(this.get(item, ...args) as number | string);
  }

  /** Integers of a list by uid. */
  numbers(item: StorageItem, ...args: readonly unknown[]): number[] {
    return this.get(item, ...args) as number[];
  }

  /** How many transactions of an account are in blocks. */
  nonceOf(hotkey: string): number {
    return (this.get("system.account", hotkey) as { nonce: number }).nonce;
  }

  put(item: StorageItem, args: readonly unknown[], value: unknown): void {
    this.cells.set(this.runtime.key(item, args), this.runtime.encode(item, value));
  }

  remove(item: StorageItem, ...args: readonly unknown[]): void {
    this.cells.delete(this.runtime.key(item, args));
  }

  /** Puts bytes that the types of this file cannot make. */
  putRaw(item: StorageItem, hex: string): void {
    this.cells.set(this.runtime.key(item, []), hex);
  }

  /** The bytes under a key, hexadecimal. */
  raw(key: string): string | undefined {
    return this.cells.get(key);
  }

  /** Forgets everything. */
  drop(): void {
    this.cells.clear();
  }

  /** A storage of its own with the same content. */
  copy(): State {
    return new State(this.runtime, new Map(this.cells));
  }
}
