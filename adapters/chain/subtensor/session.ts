/**
 * The connection to the chain that is in use, and the way to the next endpoint when it fails.
 */
import { ZipnetError, messageOf } from "../../../core/errors.js";
import type { Clock, Log } from "../../../core/ports.js";
import { type Link, openLink } from "./link.js";
import { RequestLimiter } from "./request-limiter.js";
import type { Runtime } from "./runtime.js";
import { type Wire, openWire } from "./wire.js";

/** How to reach the chain. */
export interface SessionOptions {
  /** Endpoints, ws:// or wss://, the preferred one first. */
  readonly endpoints: readonly string[];
  /** Hash of block 0, 64 hexadecimal digits; undefined takes any chain, but the same one everywhere. */
  readonly genesisHash: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Longest time for a connection to be made, and for one call. */
  readonly callTimeoutMs: number;
  /** Longest time without a new finalized block until the next endpoint is tried. */
  readonly staleAfterMs: number;
  /** Requests a second to one endpoint, on average; 0 for no limit. */
  readonly requestsPerSecond: number;
}

/** Requests that may follow each other at once before the limit of requests a second holds. */
const BURST = 20;

const TELL_EVERY_MS = 60_000;
/** Age of the newest block that is known from which on it is told as an error. */
const ALARM_AFTER_MS = 600_000;

/** Blocks by which an endpoint may be behind what was seen elsewhere. */
const MOST_LAG = 10;

/** The connection in use. Opened by the first call, and again by whatever is called after it broke. */
export class Session {
  readonly clock: Clock;
  /** Number of the newest finalized block that any endpoint showed, and when it did. */
  #newest = { number: 0, seenMs: 0 };
  /** When the age of that block was told last. */
  #alarmMs = -Infinity;
  #genesisHash: string | undefined;
  #link: Link | undefined;
  #opening: Promise<Link> | undefined;
  #next = 0;
  readonly #limiters: readonly RequestLimiter[];
  /** By version; they cost a quarter of a second each. */
  readonly #runtimes = new Map<number, Runtime>();
  /** By endpoint: when its failure was told last. */
  readonly #toldMs = new Map<string, number>();
  readonly #closed = new AbortController();

  constructor(private readonly options: SessionOptions) {
    if (options.endpoints.length === 0) throw new RangeError("the chain has no endpoint, but must have one or more");
    this.clock = options.clock;
    this.#genesisHash = options.genesisHash;
    this.#newest.seenMs = options.clock.now();
    this.#limiters = options.endpoints.map(() => new RequestLimiter(options.clock, options.requestsPerSecond, BURST));
  }

  /** Does something with the connection, at the next endpoint again where it fails. Rejects with UNAVAILABLE where none works. */
  async run<T>(signal: AbortSignal, work: (link: Link) => Promise<T>): Promise<T> {
    let failure: unknown;
    for (let attempt = 0; attempt <= this.options.endpoints.length; attempt += 1) {
      signal.throwIfAborted();
      const link = await this.link(signal);
      try {
        return await work(link);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof ZipnetError) throw error;
        failure = error;
        // Whatever one endpoint cannot answer, another one may.
        link.close(error instanceof Error ? error : new Error(messageOf(error)));
      }
    }
    throw this.#unavailable([messageOf(failure)], failure);
  }

  /** The connection in use, opened where there is none. Rejects with UNAVAILABLE where no endpoint works. */
  async link(signal: AbortSignal): Promise<Link> {
    signal.throwIfAborted();
    if (this.#link !== undefined && !this.#link.ended.aborted) return this.#link;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    const opening = this.#opening;
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason as Error);
      signal.addEventListener("abort", abort, { once: true });
      opening.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    });
  }

  /** Takes note of a finalized block that an endpoint showed. */
  saw(number: number): void {
    if (number <= this.#newest.number) return;
    this.#newest = { number, seenMs: this.clock.now() };
    this.#alarmMs = -Infinity;
  }

  /** The endpoints, and how to reach each of them by itself. */
  get endpoints(): { readonly url: string; readonly open: (signal: AbortSignal) => Promise<Wire> }[] {
    const { clock, callTimeoutMs, endpoints } = this.options;
    return endpoints.map((url, index) => ({
      url,
      open: (signal) => openWire(url, { clock, callTimeoutMs, limiter: this.#limiterOf(index) }, signal),
    }));
  }

  /** Ends the connection. A later call makes a new one. */
  close(): void {
    this.#link?.close(new Error("the chain's client was closed"));
    this.#link = undefined;
  }

  /** Tells that the chain as it is known here grows old, every ten minutes that it does. */
  #alarm(): void {
    const nowMs = this.clock.now();
    const { number, seenMs } = this.#newest;
    const ageMs = nowMs - seenMs;
    if (ageMs < ALARM_AFTER_MS || nowMs < this.#alarmMs + ALARM_AFTER_MS) return;
    this.#alarmMs = nowMs;
    const minutes = Math.floor(ageMs / 60_000);
    const what = `no endpoint has shown a block after ${number} for ${minutes} minutes; who is registered is not known since`;
    this.options.log.error({ event: "chain_stale", block: number, age_ms: ageMs }, what);
  }

  async #open(): Promise<Link> {
    this.#alarm();
    const { endpoints, log, clock, callTimeoutMs, staleAfterMs } = this.options;
    const problems: string[] = [];
    // The one that just broke comes last.
    if (this.#link !== undefined) this.#next += 1;
    this.#link = undefined;
    for (const _endpoint of endpoints) {
      const index = this.#next % endpoints.length;
      const url = endpoints[index] ?? "";
      const wire = {
        url,
        clock,
        limiter: this.#limiterOf(index),
        callTimeoutMs,
        staleAfterMs,
        runtimes: this.#runtimes,
      };
      try {
        const link = await openLink({ ...wire, genesisHash: this.#genesisHash }, this.#closed.signal);
        this.#accept(link);
        log.info({ event: "chain_connected", url, block: link.head.number }, `connected to the chain at ${url}`);
        return link;
      } catch (error) {
        problems.push(messageOf(error));
        this.#tellFailure(url, messageOf(error));
        this.#next += 1;
      }
    }
    throw this.#unavailable(problems);
  }

  /** Tells of a failing endpoint, once a minute: whoever waits for the chain tries every few seconds. */
  #tellFailure(url: string, problem: string): void {
    const nowMs = this.clock.now();
    if (nowMs < (this.#toldMs.get(url) ?? -Infinity) + TELL_EVERY_MS) return;
    this.#toldMs.set(url, nowMs);
    const facts = { event: "chain_endpoint_failed", url, problem };
    this.options.log.warn(facts, `the chain's endpoint ${url} fails: ${problem}`);
  }

  #limiterOf(index: number): RequestLimiter {
    return this.#limiters[index] ?? new RequestLimiter(this.clock, this.options.requestsPerSecond, BURST);
  }

  #accept(link: Link): void {
    const { number } = link.head;
    if (number < this.#newest.number - MOST_LAG) {
      const problem = new Error(`${link.url} shows block ${number}, but ${this.#newest.number} is finalized elsewhere`);
      link.close(problem);
      throw problem;
    }
    this.#genesisHash ??= link.genesisHash;
    this.saw(number);
    this.#link = link;
  }

  #unavailable(problems: readonly string[], cause?: unknown): ZipnetError {
    const what = [...new Set(problems)].join("; ");
    return new ZipnetError("UNAVAILABLE", `the chain is out of reach: ${what}`, {}, { cause });
  }
}
