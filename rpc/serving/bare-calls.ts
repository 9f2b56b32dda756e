/**
 * Calls whose answers may be streams that are handed over, on the stream of node:http2 itself. A request and a response
 * object, which connect-es is usually given, would be held for as long as the stream is open: 4 KB of each.
 */
import { Http2ServerResponse, type IncomingHttpHeaders, type ServerHttp2Stream, constants } from "node:http2";
import type { ContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { canHandOver, finishHandover, offerHandover } from "../stream/handover.js";
import { DEADLINE_HEADERS, withSizeLimit } from "./request-limit.js";

/** Whether a call is one of these, by its headers. What pages want, and deadlines, are for the usual way. */
export function isBareCall(handler: UniversalHandler, headers: IncomingHttpHeaders): boolean {
  return (
    handler.method.methodKind === "server_streaming" &&
    headers[":method"] === "POST" &&
    headers.origin === undefined &&
    headers[":authority"] !== undefined &&
    canHandOver(headers["content-type"]) &&
    DEADLINE_HEADERS.every((name) => headers[name] === undefined)
  );
}

/** Answers a call of which isBareCall says so. Rejects when its connection breaks. */
export async function serveBare(
  handler: UniversalHandler,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  values: ContextValues,
  maxRequestBytes: number,
): Promise<void> {
  stream.on("error", hangUp);
  const ended = new AbortController();
  const end = (): void => ended.abort();
  stream.once("close", end);
  const handover = offerHandover(values);
  const call = universalRequest(stream, headers, values, ended.signal);
  const answer = await handler(withSizeLimit(call, maxRequestBytes));
  if (handover.taken !== undefined) {
    stream.off("close", end);
    return await finishHandover(answer, stream, handover.taken);
  }
  closeAfterAnswer(stream);
  await universalResponseToNodeResponse(answer, new Http2ServerResponse(stream));
}

/** A caller that hung up in the middle of its call is everyday life. */
function hangUp(): void {}

function universalRequest(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  contextValues: ContextValues,
  signal: AbortSignal,
): UniversalServerRequest {
  const header = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) header.append(name, one);
  }
  return {
    httpVersion: "2.0",
    method: "POST",
    url: `${headers[":scheme"] ?? "http"}://${headers[":authority"]}${headers[":path"]}`,
    header,
    // Whoever stops in the middle must not end the stream, which has an answer to give.
    body: stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
    signal,
    contextValues,
  };
}

/**
 * A call may be answered before its body was read, a refused one always is. HTTP/2 keeps such a stream open until the
 * caller has sent everything, which it cannot while nobody reads; asking it to stop frees the stream.
 */
export function closeAfterAnswer(stream: ServerHttp2Stream): void {
  const askToStop = (): void => {
    // A reset overtakes what waits behind a busy connection: the caller would see the end of the call without its status.
    if (stream.state.localClose === 1) stream.close(constants.NGHTTP2_NO_ERROR);
  };
  // Not "finish": the trailers, which carry the status, leave only after it.
  stream.once("wantTrailers", () => {
    setImmediate(() => {
      if (stream.readableEnded || stream.destroyed) return;
      askToStop();
      // What has come already must be read, or the stream never counts as ended.
      stream.removeAllListeners("data");
      stream.on("data", askToStop);
      stream.resume();
    });
  });
}
