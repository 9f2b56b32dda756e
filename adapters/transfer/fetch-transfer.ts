/** Moves bytes to and from granted addresses with the fetch that Node has. */
import { ZipnetError } from "../../core/errors.js";
import type { Transfer } from "../../core/ports.js";

/** How long one transfer may take, to the last byte. */
const DEFAULT_TIMEOUT_MS = 5 * 60 * 1000;
/** As much of an answer's text as a person wants to read. */
const MAX_ANSWER_BYTES = 4_096;

/**
 * A Transfer. timeoutMs: the longest that one put or get may take; 5 minutes by default. No error names more of an
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
        const { bytes } = await readAtMost(response, MAX_ANSWER_BYTES);
        return { status: response.status, text: new TextDecoder().decode(bytes) };
      }),
    get: (url, maxBytes, signal) =>
      within(`GET ${shown(url)}`, timeoutMs, signal, async (ended) => {
        // Compressed content could unpack to more than was agreed, and its hash would not be the object's.
        const headers = { "accept-encoding": "identity" };
        const response = await fetch(url, { headers, redirect: "manual", signal: ended });
        if (response.status !== 200) {
          const { bytes } = await readAtMost(response, MAX_ANSWER_BYTES);
          throw refused(shown(url), response.status, new TextDecoder().decode(bytes));
        }
        const { bytes, cut } = await readAtMost(response, maxBytes);
        if (cut)
          throw new ZipnetError("OBJECT_DIFFERS", `GET ${shown(url)} gives more than the ${maxBytes} bytes agreed`);
        return bytes;
      }),
  };
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

/** Reads a body until it ends or is longer than maxBytes; then the rest is cut off. */
async function readAtMost(response: Response, maxBytes: number): Promise<{ bytes: Uint8Array; cut: boolean }> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  // Leaving the loop cancels the body.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) return { bytes: joined(chunks, maxBytes), cut: true };
  }
  return { bytes: joined(chunks, sizeBytes), cut: false };
}

function joined(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk.subarray(0, sizeBytes - at), at);
    at += Math.min(chunk.byteLength, sizeBytes - at);
  }
  return bytes;
}

function refused(address: string, status: number, text: string): ZipnetError {
  const reason = status >= 500 || status === 429 ? "UNAVAILABLE" : "OBJECT_MISSING";
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
