/**
 * When a site may be asked next: requests keep a distance in time, and a site that asks to be left alone is.
 */
import { ZipnetError } from "../../core/errors.js";
import type { Clock } from "../../core/ports.js";

/** A site that wants to be left alone for longer is out of reach; for less, a request waits. */
const LONGEST_WAIT_MS = 60_000;

/** The pause after a 429 that names none. Doubles with every further one in a row. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 300_000;

/** What an answer says of being asked again. */
export interface HeardAnswer {
  /** HTTP status. */
  readonly status: number;
  /** How long the site asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
}

interface Site {
  nextStartMs: number;
  quietUntilMs: number;
  /** Answers 429 in a row, those that came while the site was left alone counted once. */
  limitedInARow: number;
}

/** The turns of all requests of one program. Sites are told apart by their origin. */
export class Turns {
  readonly #sites = new Map<string, Site>();

  constructor(private readonly clock: Clock) {}

  /**
   * Resolves when a request may start, intervalMs after the start of the one before at the soonest. Rejects with the
   * signal's reason, and with UNAVAILABLE where the site wants to be left alone for more than a minute.
   */
  async take(origin: string, intervalMs: number, signal: AbortSignal): Promise<void> {
    const site = this.#site(origin);
    do {
      const nowMs = this.clock.now();
      if (site.quietUntilMs - nowMs > LONGEST_WAIT_MS) throw leftAlone(origin, site.quietUntilMs);
      const startMs = Math.max(nowMs, site.nextStartMs, site.quietUntilMs);
      site.nextStartMs = startMs + intervalMs;
      await this.clock.sleepUntil(startMs, signal);
      // Meanwhile another request may have been told to wait.
    } while (this.clock.now() < site.quietUntilMs);
  }

  /** Takes note of an answer: what a 429 or a failure of the site asks for is kept, and a 429 always means a pause. */
  heard(origin: string, { status, retryAfterMs }: HeardAnswer): void {
    const site = this.#site(origin);
    const nowMs = this.clock.now();
    if (status !== 429 && status < 500) {
      site.limitedInARow = 0;
      return;
    }
    if (status === 429 && nowMs >= site.quietUntilMs) site.limitedInARow += 1;
    const growingMs = Math.min(FIRST_PAUSE_MS * 2 ** (site.limitedInARow - 1), LONGEST_PAUSE_MS);
    const pauseMs = retryAfterMs ?? (status === 429 ? growingMs : 0);
    site.quietUntilMs = Math.max(site.quietUntilMs, nowMs + pauseMs);
  }

  #site(origin: string): Site {
    const known = this.#sites.get(origin);
    if (known !== undefined) return known;
    const site = { nextStartMs: 0, quietUntilMs: 0, limitedInARow: 0 };
    this.#sites.set(origin, site);
    return site;
  }
}

function leftAlone(origin: string, untilMs: number): ZipnetError {
  const until = new Date(untilMs).toISOString();
  return new ZipnetError(
    "UNAVAILABLE",
    `${origin} asked to be left alone until ${until}, so nothing is read from it.`,
    {
      url: origin,
    },
  );
}
