/**
 * Finds connections that died without a word: a miner whose machine went down, a middlebox that forgot us. Node sets no
 * timeout of its own, and such a connection would be kept for ever, with every stream on it.
 */
import type { ServerHttp2Session } from "node:http2";
import type { Clock } from "../../core/ports.js";

/** Time between two pings of a connection, about: each has its own place in it. */
const PING_INTERVAL_MS = 45_000;
/** A connection that has not answered a ping for so long is cut. */
const PING_TIMEOUT_MS = 20_000;
const TICK_MS = 1_000;
/** Spreads successive connections evenly over the interval, whatever their number. */
const GOLDEN_RATIO = 0.618_033_988_75;

interface Care {
  nextPingMs: number;
  /** Since when an answer is waited for; undefined while none is. */
  askedMs: number | undefined;
}

/** Pings connections and cuts those that do not answer. */
export class SessionPings {
  readonly #clock: Clock;
  readonly #cares = new Map<ServerHttp2Session, Care>();
  #opened = 0;
  #isTicking = false;
  #wake = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Looks after a connection until it closes. */
  add(session: ServerHttp2Session): void {
    this.#opened += 1;
    const place = (this.#opened * GOLDEN_RATIO) % 1;
    this.#cares.set(session, {
      nextPingMs: this.#clock.now() + PING_INTERVAL_MS * (0.5 + place / 2),
      askedMs: undefined,
    });
    session.once("close", () => {
      this.#cares.delete(session);
      if (this.#cares.size === 0) this.#wake.abort();
    });
    if (!this.#isTicking) void this.#tick();
  }

  async #tick(): Promise<void> {
    this.#isTicking = true;
    while (this.#cares.size > 0) {
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
      // Ended early when the last connection closes.
      await this.#clock.sleepUntil(this.#clock.now() + TICK_MS, this.#wake.signal).catch(() => {});
      const nowMs = this.#clock.now();
      for (const [session, care] of this.#cares) this.#lookAfter(session, care, nowMs);
    }
    this.#isTicking = false;
  }

  #lookAfter(session: ServerHttp2Session, care: Care, nowMs: number): void {
    if (care.askedMs !== undefined) {
      if (nowMs - care.askedMs >= PING_TIMEOUT_MS) session.destroy();
      return;
    }
    if (nowMs < care.nextPingMs || session.destroyed || session.closed) return;
    care.askedMs = nowMs;
    session.ping((error) => {
      if (error !== null) return;
      care.askedMs = undefined;
      care.nextPingMs = this.#clock.now() + PING_INTERVAL_MS;
    });
  }
}
