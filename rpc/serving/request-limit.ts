/**
 * The limits on a request's size and deadline, checked before the protocol's own check so that the caller gets a reason
 * of ours.
 */
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import { ZipnetError } from "../../core/errors.js";
import { toConnectError } from "../errors.js";

/** gRPC, gRPC-Web and Connect's streams put five bytes before every message: flags, then its length. */
const ENVELOPE_BYTES = 5;
const ENVELOPED = /^application\/(grpc|connect\+)/;

/** What HTTP/2 counts for a header besides its name and value. */
const HEADER_OVERHEAD_BYTES = 32;

/** Why a request must be refused whose headers are larger than allowed; undefined where they are not. */
export function headersRefusal(
  { rawHeaders }: { readonly rawHeaders: readonly string[] },
  maxHeaderBytes: number,
): ZipnetError | undefined {
  let sizeBytes = (rawHeaders.length / 2) * HEADER_OVERHEAD_BYTES;
  for (const text of rawHeaders) sizeBytes += text.length;
  if (sizeBytes <= maxHeaderBytes) return undefined;
  return new ZipnetError(
    "REQUEST_TOO_LARGE",
    `the headers have ${sizeBytes} bytes, but at most ${maxHeaderBytes} are taken; send fewer or shorter ones ` +
      `(GetServerInfo names the limits)`,
    { max_header_bytes: String(maxHeaderBytes) },
  );
}

/** Milliseconds in each of gRPC's units of time. */
const UNITS_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The headers in which gRPC and Connect say how long a call may take. */
export const DEADLINE_HEADERS = ["grpc-timeout", "connect-timeout-ms"] as const;

/**
 * Why a request must be refused whose deadline is longer than allowed; undefined where it is not. The protocol's own
 * check would set the timer first, and one that is too long goes off at once.
 */
export function deadlineRefusal(
  { headers }: { readonly headers: { readonly [name: string]: string | string[] | undefined } },
  maxDeadlineMs: number,
): ZipnetError | undefined {
  const [grpc, connect] = DEADLINE_HEADERS.map((name) => headers[name]);
  if (grpc === undefined && connect === undefined) return undefined;
  const [, count, unit = ""] = /^(\d+)([HMSmun])$/.exec(String(grpc)) ?? [];
  const deadlineMs = grpc === undefined ? Number(connect) : Number(count) * (UNITS_MS[unit] ?? 0);
  // What is no number is left to the protocol's own check.
  if (!(deadlineMs > maxDeadlineMs)) return undefined;
  return new ZipnetError(
    "DEADLINE_TOO_LONG",
    `the deadline is ${deadlineMs} ms away, but at most ${maxDeadlineMs} ms are allowed; set a shorter one, or none`,
    { max_deadline_ms: String(maxDeadlineMs) },
  );
}

function tooLarge(sizeBytes: number, maxBytes: number): Error {
  return toConnectError(
    new ZipnetError(
      "REQUEST_TOO_LARGE",
      `the request message has ${sizeBytes} bytes or more, but at most ${maxBytes} are taken; send less in one call ` +
        `(GetServerInfo names the limits)`,
      { max_request_bytes: String(maxBytes) },
    ),
  );
}

/**
 * The same request, whose body throws REQUEST_TOO_LARGE where it says or shows that its message has more than maxBytes.
 * What a message unpacks to, and messages after the first, are left to the protocol's own check.
 */
export function withSizeLimit(request: UniversalServerRequest, maxBytes: number): UniversalServerRequest {
  const { body } = request;
  if (typeof body !== "object" || body === null || !(Symbol.asyncIterator in body)) return request;
  const isEnveloped = ENVELOPED.test(request.header.get("content-type") ?? "");
  return { ...request, body: isEnveloped ? limitedEnvelope(body, maxBytes) : limitedMessage(body, maxBytes) };
}

async function* limitedMessage(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) throw tooLarge(sizeBytes, maxBytes);
    yield chunk;
  }
}

async function* limitedEnvelope(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  const head = new Uint8Array(ENVELOPE_BYTES);
  let headBytes = 0;
  for await (const chunk of body) {
    if (headBytes < ENVELOPE_BYTES) {
      const part = chunk.subarray(0, ENVELOPE_BYTES - headBytes);
      head.set(part, headBytes);
      headBytes += part.length;
      const sizeBytes = headBytes < ENVELOPE_BYTES ? 0 : new DataView(head.buffer).getUint32(1);
      if (sizeBytes > maxBytes) throw tooLarge(sizeBytes, maxBytes);
    }
    yield chunk;
  }
}
