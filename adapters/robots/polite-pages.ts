/**
 * Reading with manners: what robots.txt forbids is not read, and requests to a site keep a distance in time.
 */
import robotsModule from "robots-parser";
import { ZipnetError } from "../../core/errors.js";
import type { Clock, PageReader } from "../../core/ports.js";

// The package is CommonJS and its types describe an ES module, so that the compiler sees its one function a level deeper.
const robotsParser = robotsModule as unknown as typeof robotsModule.default;

const HOUR_MS = 3_600_000;
const FETCH_TIMEOUT_MS = 15_000;
/** Longer files are cut there; crawlers commonly do the same. */
const MAX_ROBOTS_CHARACTERS = 512 * 1024;

/** Fetches a robots.txt; rejects when no answer comes. */
export type FetchRobots = (
  url: string,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly text: string }>;

/** How politely to read. */
export interface PoliteOptions {
  /** The name that robots.txt is asked for, and that is sent when fetching it. */
  readonly userAgent: string;
  /** Least time between the starts of two requests to one site. A longer crawl-delay of the site counts instead. */
  readonly requestIntervalMs: number;
  readonly clock: Clock;
  /** Without it robots.txt comes through fetch. */
  readonly fetchRobots?: FetchRobots;
  /** How long a robots.txt is believed, default one hour. */
  readonly robotsAgeMs?: number;
}

interface Site {
  readonly rules: Rules;
  readonly readTimeMs: number;
}

interface Rules {
  allows(url: string): boolean;
  readonly crawlDelayMs: number;
}

const EVERYTHING_ALLOWED: Rules = { allows: () => true, crawlDelayMs: 0 };

/** A page reader that asks robots.txt first and spaces its requests. Closes the reader that it stands before. */
export function politePages(pages: PageReader, options: PoliteOptions): PageReader {
  const { clock, requestIntervalMs, robotsAgeMs = HOUR_MS } = options;
  const sites = new Map<string, Promise<Site>>();
  const nextStartMs = new Map<string, number>();

  async function rulesOf(origin: string, signal: AbortSignal): Promise<Rules> {
    const known = await sites.get(origin)?.catch(() => undefined);
    signal.throwIfAborted();
    if (known !== undefined && clock.now() - known.readTimeMs < robotsAgeMs) return known.rules;
    const reading = readRules(origin, options, signal).then((rules) => ({ rules, readTimeMs: clock.now() }));
    sites.set(origin, reading);
    try {
      return (await reading).rules;
    } catch (error) {
      // A failure is not remembered: the next request asks again.
      if (sites.get(origin) === reading) sites.delete(origin);
      throw error;
    }
  }

  return {
    async read(url, signal) {
      signal.throwIfAborted();
      const { origin } = new URL(url);
      const rules = await rulesOf(origin, signal);
      if (!rules.allows(url)) {
        throw new ZipnetError("SOURCE_DISALLOWED", `The robots.txt of ${origin} forbids to read ${url}.`, { url });
      }
      const startMs = Math.max(clock.now(), nextStartMs.get(origin) ?? 0);
      nextStartMs.set(origin, startMs + Math.max(requestIntervalMs, rules.crawlDelayMs));
      await clock.sleepUntil(startMs, signal);
      return pages.read(url, signal);
    },
    close: () => pages.close(),
  };
}

/** No robots.txt (4xx) allows everything; a site that cannot say (5xx, no answer) is not read for now. */
async function readRules(origin: string, options: PoliteOptions, signal: AbortSignal): Promise<Rules> {
  const url = `${origin}/robots.txt`;
  const { status, text } = await fetchOrUnavailable(url, options, signal);
  if (status >= 400 && status < 500 && status !== 429) return EVERYTHING_ALLOWED;
  if (status < 200 || status >= 300) {
    throw new ZipnetError("UNAVAILABLE", `${url} answered ${status}, so nothing is read from the site for now.`, {
      url,
    });
  }
  const robots = robotsParser(url, text.slice(0, MAX_ROBOTS_CHARACTERS));
  return {
    allows: (asked) => robots.isAllowed(asked, options.userAgent) !== false,
    crawlDelayMs: Math.max(0, (robots.getCrawlDelay(options.userAgent) ?? 0) * 1_000),
  };
}

async function fetchOrUnavailable(
  url: string,
  options: PoliteOptions,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    return await (options.fetchRobots ?? fetchRobotsOf(options.userAgent))(url, signal);
  } catch (error) {
    signal.throwIfAborted();
    const problem = error instanceof Error ? error.message : String(error);
    throw new ZipnetError(
      "UNAVAILABLE",
      `Could not read ${url} (${problem}), so nothing is read from the site for now.`,
      { url },
      { cause: error },
    );
  }
}

function fetchRobotsOf(userAgent: string): FetchRobots {
  return async (url, signal) => {
    const response = await fetch(url, {
      headers: { "user-agent": userAgent },
      signal: AbortSignal.any([signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)]),
    });
    return { status: response.status, text: await response.text() };
  };
}
