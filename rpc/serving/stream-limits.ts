/**
 * How many streams of epochs one caller may hold open in this process: by hotkey, and by the address that they come
 * from.
 */
import { ZipnetError } from "../../core/errors.js";
import { NO_PROXIES, type TrustedProxies, addressGroup } from "./caller-address.js";
import { Counts } from "./counts.js";

/** The limits. */
export interface StreamLimitOptions {
  /** 1 and up. */
  readonly maxStreamsPerHotkey: number;
  /** 1 and up. */
  readonly maxStreamsPerAddress: number;
  /** Their own addresses are not limited: behind one that does not say for whom it calls, there may be everybody. */
  readonly trusted?: TrustedProxies;
}

/** The streams that are open, and their limits. */
export class StreamLimits {
  readonly options: StreamLimitOptions;
  readonly #byHotkey = new Counts();
  readonly #byAddress = new Counts();

  constructor(options: StreamLimitOptions) {
    this.options = options;
  }

  /** Streams of a hotkey. */
  ofHotkey(hotkey: string): number {
    return this.#byHotkey.of(hotkey);
  }

  /** Streams from an address, or from its network where it is IPv6. */
  ofAddress(address: string): number {
    return this.#byAddress.of(addressGroup(address));
  }

  /** Counts a stream that opens; returns what to call when it has ended. Throws QUOTA_EXCEEDED where it is one too many. */
  open(hotkey: string, address: string): () => void {
    const { maxStreamsPerHotkey, maxStreamsPerAddress, trusted = NO_PROXIES } = this.options;
    assertBelow(maxStreamsPerHotkey, this.ofHotkey(hotkey), "hotkey", hotkey);
    if (trusted.has(address)) return this.#byHotkey.add(hotkey);
    assertBelow(maxStreamsPerAddress, this.ofAddress(address), "address", addressGroup(address));
    const ends = [this.#byHotkey.add(hotkey), this.#byAddress.add(addressGroup(address))];
    return () => ends.forEach((end) => end());
  }
}

function assertBelow(limit: number, held: number, scope: "hotkey" | "address", who: string): void {
  if (held < limit) return;
  throw new ZipnetError(
    "QUOTA_EXCEEDED",
    `${who} holds ${held} streams open, and ${limit} per ${scope} are allowed; end one, or wait until those whose ` +
      `connection broke are noticed`,
    { limit: String(limit), held: String(held), scope },
  );
}
