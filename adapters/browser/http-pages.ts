/**
 * Reads pages by plain HTTP, without a browser: for sites whose pages hold their data as they are sent.
 */
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { PageReader } from "../../core/ports.js";
import { retryAfterMsOf } from "../../core/retry-after.js";
import { type ProxiedFetch, proxiedFetch } from "./proxied-fetch.js";
import { slots } from "./slots.js";

/** A page beyond this is no page of listings. */
const MAX_PAGE_BYTES = 32 * 1024 * 1024;

/** How pages are read. */
export interface HttpPagesOptions {
  /** Sent as it is: who reads, and how to reach them. */
  readonly userAgent: string;
  /** Longest time for one page. */
  readonly timeoutMs: number;
  /** Pages read at one time, default 2. */
  readonly concurrency?: number;
  /** Proxies that pages are read through in turn, for example "http://user:password@host:port". Default none. */
  readonly proxies?: readonly string[];
}

/** A page reader over HTTP. Throws for a proxy that is none for HTTP. */
export function httpPages({ userAgent, timeoutMs, concurrency = 2, proxies = [] }: HttpPagesOptions): PageReader {
  const slot = slots(concurrency);
  const closed = new AbortController();
  const ways = proxies.map(proxiedFetch);
  let turn = 0;
  const headers = { "user-agent": userAgent, accept: "text/html,application/xhtml+xml,text/csv;q=0.9,*/*;q=0.8" };
  return {
    async read(url, signal) {
      const release = await slot.take(signal);
      try {
        const ended = AbortSignal.any([signal, closed.signal, AbortSignal.timeout(timeoutMs)]);
        ended.throwIfAborted();
        const way = ways[turn++ % ways.length];
        const answer = await (way === undefined ? fetchPlainly(url, headers, ended) : way.get(url, headers, ended));
        const retryAfterMs = retryAfterMsOf(answer.header);
        const page = { url: answer.url, status: answer.status, html: await textOf(answer.body) };
        return retryAfterMs === undefined ? page : { ...page, retryAfterMs };
      } catch (error) {
        signal.throwIfAborted();
        throw unavailable(url, error);
      } finally {
        release();
      }
    },

    close() {
      closed.abort(new ZipnetError("UNAVAILABLE", "The reader of pages is closed."));
      for (const way of ways) way.close();
      return Promise.resolve();
    },
  };
}

const fetchPlainly: ProxiedFetch["get"] = async (url, headers, signal) => {
  const response = await fetch(url, { headers, signal });
  const body = (response.body ?? []) as AsyncIterable<Uint8Array>;
  return {
    url: response.url,
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    body,
  };
};

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_PAGE_BYTES) throw new Error(`it has more than ${MAX_PAGE_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function unavailable(url: string, error: unknown): ZipnetError {
  if (error instanceof ZipnetError) return error;
  const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : "";
  return new ZipnetError(
    "UNAVAILABLE",
    `Could not read ${url}: ${messageOf(error)}${cause}`,
    { url },
    { cause: error },
  );
}
