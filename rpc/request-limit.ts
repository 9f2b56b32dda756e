/**
 * The limits on a request's size, checked before the protocol's own check so that the caller gets a reason of ours.
 */
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import { ZipnetError } from "../core/errors.js";
import { toConnectError } from "./errors.js";

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
