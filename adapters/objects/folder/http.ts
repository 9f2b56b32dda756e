/** Parts of HTTP that the folder's mount needs on HTTP/1.1 and HTTP/2 alike. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Readable } from "node:stream";

/** A request of node:http, or of node:http2 through its compatibility API. */
export type HttpRequest = IncomingMessage | Http2ServerRequest;
/** The response that belongs to it. */
export type HttpResponse = ServerResponse | Http2ServerResponse;

/** Why a request is refused: thrown by whoever finds out, answered in one place. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    /** 4xx. */
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** How much of a refused body is read, so that the client gets to see the answer, before it is cut off. */
const DISCARDED_BYTES = 16 * 1024 * 1024;

/** Ends the response with a line of text, and whatever comes of the request's body without keeping any. */
export function answerText(request: HttpRequest, response: HttpResponse, status: number, text: string): void {
  discardBody(request);
  if (response.headersSent) return void response.end();
  response.statusCode = status;
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end(request.method === "HEAD" ? "" : `${text}\n`);
}

function discardBody(request: HttpRequest): void {
  let seenBytes = 0;
  request.on("data", (chunk: Buffer) => {
    seenBytes += chunk.length;
    if (seenBytes > DISCARDED_BYTES) cutOff(request);
  });
}

/** Gives the client up: ends the connection, or with HTTP/2 the one stream. */
export function cutOff(request: HttpRequest): void {
  if ("stream" in request) request.stream.close(constants.NGHTTP2_CANCEL);
  else request.destroy();
}

/** The request's body, chunk by chunk. Leaving the loop early leaves the connection as it is. */
export function bodyOf(request: HttpRequest): AsyncIterableIterator<Buffer> {
  return (request as Readable).iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
}

/** Bytes from start to end, both counted from 0 and included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The part that a Range header asks for. undefined for the whole: no header, several ranges, or none of bytes, which
 * RFC 9110 lets a server ignore. Throws a Refusal 416 for a range that the content does not have.
 */
export function rangeOf(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === "" || last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (start > end) throw new Refusal(416, `the object has ${sizeBytes} bytes, the range "${header}" is not among them`);
  return { start, end };
}
