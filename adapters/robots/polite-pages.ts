/**
 * Reading with manners: what robots.txt forbids is not read, requests to a site keep a distance in time, and a site that
 * asks to be left alone is.
 */
import robotsModule from "robots-parser";
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { Clock, PageReader } from "../../core/ports.js";
import { retryAfterMsOf } from "../../core/retry-after.js";
import { type HeardAnswer, Turns } from "./turns.js";

// The package is CommonJS and its types describe an ES module, so that the compiler sees its one function a level deeper.
const robotsParser = robotsModule as unknown as typeof robotsModule.default;

const HOUR_MS = 3_600_000;
const FETCH_TIMEOUT_MS = 15_000;
/** Longer files are cut there; crawlers commonly do the same. */
const MAX_ROBOTS_CHARACTERS = 512 * 1024;

/** Fetches a robots.txt; rejects when no answer comes. */
export type FetchRobots = (url: string, signal: AbortSignal) => Promise<HeardAnswer & { readonly text: string }>;

/** How politely to read. */
export interface PoliteOptions {
  /** The name that robots.txt is asked for, and that is sent when fetching it. */
  readonly userAgent: string;
  /** Least time between the starts of two requests to one site, robots.txt included. A longer crawl-delay of the site counts instead. */
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

/** Puts manners around a reader. */
export type Manners = (pages: PageReader) => PageReader;

/**
 * Manners for all readers of one program: each asks robots.txt first, and all together keep the distance between
 * requests. Closing a polite reader closes the one that it stands before.
 */
export function manners(options: PoliteOptions): Manners {
  const { clock, requestIntervalMs, robotsAgeMs = HOUR_MS } = options;
  const sites = new Map<string, Promise<Site>>();
  const turns = new Turns(clock);
  const closed = new AbortController();

  /** The site's rules, read by whoever comes first and shared by all who come meanwhile. */
  async function rulesOf(origin: string, signal: AbortSignal): Promise<Rules> {
    const known = sites.get(origin);
    if (known !== undefined) {
      const site = await unlessAborted(known, signal);
      if (clock.now() - site.readTimeMs < robotsAgeMs) return site.rules;
      if (sites.get(origin) !== known) return rulesOf(origin, signal);
    }
    // Nobody's own signal ends what others wait for too.
    const reading = turns
      .take(origin, requestIntervalMs, closed.signal)
      .then(() => readRules(origin, options, turns))
      .then((rules) => ({ rules, readTimeMs: clock.now() }));
    sites.set(origin, reading);
    // A failure is not remembered: the next request asks again.
    reading.catch(() => sites.delete(origin));
    return (await unlessAborted(reading, signal)).rules;
  }

  return (pages) => ({
    async read(url, signal) {
      signal.throwIfAborted();
      const { origin } = new URL(url);
      const rules = await rulesOf(origin, signal);
      if (!rules.allows(url)) {
        throw new ZipnetError("SOURCE_DISALLOWED", `The robots.txt of ${origin} forbids to read ${url}.`, { url });
      }
      await turns.take(origin, Math.max(requestIntervalMs, rules.crawlDelayMs), signal);
      const page = await pages.read(url, signal);
      turns.heard(origin, page);
      return page;
    },
    close() {
      closed.abort(new ZipnetError("UNAVAILABLE", "The reader of pages is closed."));
      return pages.close();
    },
  });
}

/** No robots.txt (4xx) allows everything; a site that cannot say (5xx, no answer) is not read for now. */
async function readRules(origin: string, options: PoliteOptions, turns: Turns): Promise<Rules> {
  const url = `${origin}/robots.txt`;
  const answer = await fetchOrUnavailable(url, options, AbortSignal.timeout(FETCH_TIMEOUT_MS));
  turns.heard(origin, answer);
  const { status, text } = answer;
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

async function fetchOrUnavailable(url: string, options: PoliteOptions, signal: AbortSignal): ReturnType<FetchRobots> {
  try {
    return await (options.fetchRobots ?? fetchRobotsOf(options.userAgent))(url, signal);
  } catch (error) {
    const problem = messageOf(error);
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
      signal,
    });
    const retryAfterMs = retryAfterMsOf((name) => response.headers.get(name));
    const answer = { status: response.status, text: await response.text() };
    return retryAfterMs === undefined ? answer : { ...answer, retryAfterMs };
  };
}

/** The promise's outcome, or the signal's reason when that comes first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
