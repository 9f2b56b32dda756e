import type { Clock } from "../../../core/ports.js";

/** Spaces requests: a burst at once, and then so many a second. */
export class RequestLimiter {
  readonly #spacingMs: number;
  readonly #clock: Clock;
  readonly #burst: number;
  /** When the next request is due if all come evenly. */
  #evenMs = 0;

  /** @param perSecond requests a second on average; 0 for no limit. @param burst requests that may come at once. */
  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#spacingMs = perSecond === 0 ? 0 : 1_000 / perSecond;
    this.#burst = burst;
  }

  /** Resolves when the next request may go out. Rejects with the signal's reason. */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#spacingMs === 0) return;
    const nowMs = this.#clock.now();
    const dueMs = Math.max(this.#evenMs, nowMs);
    this.#evenMs = dueMs + this.#spacingMs;
    const goMs = Math.ceil(dueMs - (this.#burst - 1) * this.#spacingMs);
    if (goMs > nowMs) await this.#clock.sleepUntil(goMs, signal);
  }
}
