/** Moves bytes to and from granted addresses with the fetch that Node has. */
import { ZipnetError } from "../../core/errors.js";
import type { Transfer } from "../../core/ports.js";

/** How long one transfer, or one try of a download, may take, to the last byte. */
const DEFAULT_TIMEOUT_MS = 5 * 60 * 1000;
/** A download that breaks off goes on where it was as long as each try brings so much: then there is an end to it. */
const WORTH_RESUMING_BYTES = 65_536;
/** As much of an answer's text as a person wants to read. */
const MAX_ANSWER_BYTES = 4_096;

/**
 * A Transfer. timeoutMs: the longest that one put, or one try of a get, may take; 5 minutes by default. No error names more of an
 * address than its origin and path: the query of a granted address is a secret while it counts.
 */
export function fetchTransfer(options: { readonly timeoutMs?: number } = {}): Transfer {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return {
    put: (url, headers, content, signal) =>
      within(`PUT ${shown(url)}`, timeoutMs, signal, async (ended) => {
        const named = headers.map(({ name, value }): [string, string] => [name, value]);
        const body = new Uint8Array(content);
        const response = await fetch(url, { method: "PUT", headers: named, body, redirect: "manual", signal: ended });
        return { status: response.status, text: await answerText(response) };
      }),
    async get(url, maxBytes, signal) {
      const content = new Received(maxBytes);
      for (;;) {
        const before = content.sizeBytes;
        try {
          await within(`GET ${shown(url)}`, timeoutMs, signal, (ended) => receive(url, content, ended));
          return content.bytes();
        } catch (error) {
          const isBroken = error instanceof ZipnetError && error.reason === "UNAVAILABLE";
          if (!isBroken || content.sizeBytes - before < WORTH_RESUMING_BYTES) throw error;
        }
      }
    },
  };
}

/** What has come of a content, over several tries. */
class Received {
  #chunks: Uint8Array[] = [];
  sizeBytes = 0;

  constructor(readonly maxBytes: number) {}

  /** Takes what comes until it ends or is longer than agreed; then the rest is cut off. */
  async take(body: Response["body"]): Promise<void> {
    // Leaving the loop cancels the body.
    for await (const chunk of body ?? []) {
      this.#chunks.push(chunk);
      this.sizeBytes += chunk.byteLength;
      if (this.sizeBytes > this.maxBytes) return;
    }
  }

  /** As many bytes as were agreed at most. */
  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#chunks).subarray(0, this.maxBytes));
  }

  forget(): void {
    this.#chunks = [];
    this.sizeBytes = 0;
  }
}

/** One try: asks for what has not come yet. Objects never change, so the parts of several tries belong together. */
async function receive(url: string, content: Received, ended: AbortSignal): Promise<void> {
  const from = content.sizeBytes;
  // Compressed content could unpack to more than was agreed, and its hash would not be the object's.
  const headers = { "accept-encoding": "identity", ...(from > 0 ? { range: `bytes=${from}-` } : {}) };
  const response = await fetch(url, { headers, redirect: "manual", signal: ended });
  const isRest =
    response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${from}-`) === true;
  if (!(isRest && from > 0)) {
    content.forget();
    if (response.status !== 200) throw refused(shown(url), response.status, await answerText(response));
  }
  await content.take(response.body);
  if (content.sizeBytes > content.maxBytes) {
    const text = `GET ${shown(url)} gives more than the ${content.maxBytes} bytes agreed`;
    throw new ZipnetError("OBJECT_DIFFERS", text);
  }
}

/** As much of an answer as is worth telling. */
async function answerText(response: Response): Promise<string> {
  const answer = new Received(MAX_ANSWER_BYTES);
  await answer.take(response.body);
  return new TextDecoder().decode(answer.bytes());
}

/** Runs a call that ends with the signal (rejecting with its reason) or the timeout (UNAVAILABLE). */
async function within<T>(
  what: string,
  timeoutMs: number,
  signal: AbortSignal,
  call: (ended: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  // Not AbortSignal.any: the caller's signal may live as long as the program, and would collect one signal a transfer.
  const ended = new AbortController();
  const timeout = AbortSignal.timeout(timeoutMs);
  const end = (): void => ended.abort();
  signal.addEventListener("abort", end, { once: true });
  timeout.addEventListener("abort", end, { once: true });
  try {
    return await call(ended.signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ZipnetError) throw error;
    const why = timeout.aborted ? `no complete answer within ${timeoutMs} ms` : causeOf(error);
    throw new ZipnetError("UNAVAILABLE", `${what} failed: ${why}`);
  } finally {
    signal.removeEventListener("abort", end);
    timeout.removeEventListener("abort", end);
  }
}

function refused(address: string, status: number, text: string): ZipnetError {
  // 206 and 416 answer a try to go on; the next one begins anew.
  const comesBack = status >= 500 || status === 429 || status === 206 || status === 416;
  const reason = comesBack ? "UNAVAILABLE" : "OBJECT_MISSING";
  return new ZipnetError(reason, `GET ${address} was answered with HTTP ${status}: ${text.trim().slice(0, 500)}`);
}

/** An address without its query. */
function shown(url: string): string {
  if (!URL.canParse(url)) return "(not an address)";
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** What fetch says went wrong; its own message is only "fetch failed", and for a bad address it quotes all of it. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  if (error.cause instanceof Error)
    return "code" in error.cause ? `${String(error.cause.code)} ${error.cause.message}` : error.cause.message;
  return error.message.includes("URL") ? "not an address" : error.message;
}
