/**
 * From a request of node:http or node:http2 to a handler of connect-es and back, with what a browser wants, plain HTTP
 * beside the calls, and the handover of streams.
 */
import type { IncomingHttpHeaders } from "node:http2";
import { type ContextValues, cors, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { ZipnetError } from "../../core/errors.js";
import type { Log } from "../../core/ports.js";
import { AUTH_HEADERS } from "../auth/auth.js";
import { withGateResult } from "../auth/auth-gate.js";
import {
  type AddressedRequest,
  NO_PROXIES,
  type TrustedProxies,
  callerAddress,
  callerPlaceKey,
  socketAddress,
} from "./caller-address.js";
import { type Connections, refusalKey } from "./connections.js";
import { closeAfterAnswer, isBareCall, serveBare } from "./bare-calls.js";
import type { HotCalls, UsualWay } from "./hot-calls.js";
import type { AnyRequest, AnyResponse, TakeStream } from "./listener.js";
import { DEADLINE_HEADERS, deadlineRefusal, headersRefusal, withSizeLimit } from "./request-limit.js";

/** Something that answers plain HTTP on the same port. */
export interface HttpMount {
  /** Begins with "/". */
  readonly pathPrefix: string;
  /** Answers, or returns false when the request is not its own after all. */
  handle(request: AnyRequest, response: AnyResponse): boolean;
}

/** What the adapter needs besides the handlers. */
export interface CallAdapterOptions {
  /** Tried first, by path prefix, in order. */
  readonly mounts?: readonly HttpMount[];
  /** Largest request message in bytes. */
  readonly maxRequestBytes: number;
  /** Default: requests' headers may be of any length that the listener takes. */
  readonly maxHeaderBytes?: number;
  /** Longest deadline that a call may set. Default: any. */
  readonly maxDeadlineMs?: number;
  /** Whose word on callers' addresses is taken. Default nobody's. */
  readonly trusted?: TrustedProxies;
  /** The port's connections. */
  readonly connections?: Connections;
  readonly log: Log;
  /** Tried before the handlers. */
  readonly hot?: HotCalls;
}

/** What answers a port's requests. */
export interface CallAdapter {
  handle(request: AnyRequest, response: AnyResponse): void;
  /** Takes a stream before a request is made of it; `asUsual` makes one after all. */
  readonly takeStream: TakeStream;
}

/**
 * Answers requests by the handlers. Not connectNodeAdapter: that one writes every broken connection to the console,
 * thousands at once when many clients leave.
 */
export function callAdapter(handlers: readonly UniversalHandler[], options: CallAdapterOptions): CallAdapter {
  const { mounts = [], log, hot } = options;
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));
  const ways = new WeakMap<object, UsualWay>();
  const handle: CallAdapter["handle"] = (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const refusal = refusalOf(request, response, options);
    if (refusal === undefined && answeredByMount(mounts, path, request, response, log)) return;
    const handler = byPath.get(path);
    if (handler === undefined) {
      const status = refusal === undefined ? 404 : refusal.reason === "REQUEST_TOO_LARGE" ? 431 : 429;
      response.writeHead(status, { "content-type": "text/plain" });
      response.end(`${refusal?.message ?? "not found"}\n`);
      return;
    }
    // Only for pages: what every stream of every other caller would hold for as long as it is open is 3 KB.
    if (request.headers.origin !== undefined || request.method === "OPTIONS") setCorsHeaders(response);
    if (request.method === "OPTIONS") {
      response.writeHead(204);
      response.end();
      return;
    }
    const way = isHttp2(request) ? ways.get(request.stream) : undefined;
    serve(handler, request, response, options, refusal, way).catch((error: unknown) => {
      log.debug({ path, err: error }, "a call ended with its connection");
      response.destroy();
    });
  };
  return {
    handle,
    takeStream(stream, headers, rawHeaders, asUsual) {
      const isHot = hot?.mayTake(headers) === true;
      const handler = isHot ? undefined : byPath.get(headers[":path"] ?? "");
      const isBare = handler !== undefined && isBareCall(handler, headers);
      if (!(isHot || isBare) || isRefused(headers, rawHeaders, options)) return false;
      if (handler !== undefined) {
        const { socket } = stream.session ?? {};
        const values = valuesOf({ socket: socket ?? {}, headers }, options);
        serveBare(handler, stream, headers, values, options.maxRequestBytes).catch((error: unknown) => {
          log.debug({ path: handler.requestPath, err: error }, "a call ended with its connection");
          stream.destroy();
        });
        return true;
      }
      hot?.take(stream, headers, (way) => {
        ways.set(stream, way);
        if (!stream.destroyed) asUsual();
      });
      return true;
    },
  };
}

/** As refusalOf, of a stream that no request was made of: whatever is to be refused is refused the usual way. */
function isRefused(headers: IncomingHttpHeaders, rawHeaders: readonly string[], options: CallAdapterOptions): boolean {
  return options.connections?.anyRefused === true || refusalByHeaders({ headers, rawHeaders }, options) !== undefined;
}

function refusalByHeaders(
  request: { readonly headers: IncomingHttpHeaders; readonly rawHeaders: readonly string[] },
  { maxHeaderBytes = Infinity, maxDeadlineMs = Infinity }: CallAdapterOptions,
): ZipnetError | undefined {
  return headersRefusal(request, maxHeaderBytes) ?? deadlineRefusal(request, maxDeadlineMs);
}

function isHttp2<T extends object>(message: T): message is Extract<T, { stream: unknown }> {
  return "stream" in message;
}

function answeredByMount(
  mounts: readonly HttpMount[],
  path: string,
  request: AnyRequest,
  response: AnyResponse,
  log: Log,
): boolean {
  try {
    return mounts.some((mount) => path.startsWith(mount.pathPrefix) && mount.handle(request, response));
  } catch (error) {
    log.error({ path, err: error }, "a request failed in the server");
    response.destroy();
    return true;
  }
}

async function serve(
  handler: UniversalHandler,
  request: AnyRequest,
  response: AnyResponse,
  options: CallAdapterOptions,
  refusal: ZipnetError | undefined,
  way: UsualWay | undefined,
): Promise<void> {
  const values = valuesOf(request, options).set(refusalKey, refusal);
  const call = universalRequestFromNodeRequest(request, response, undefined, values);
  // Its deadline may be why it is refused.
  if (refusal !== undefined) for (const name of DEADLINE_HEADERS) call.header.delete(name);
  if (way !== undefined) {
    call.body = way.body;
    withGateResult(values, way.gate);
  } else if (!isHttp2(response)) {
    readOnAfterAnswer(call, request, response);
  }
  const answer = await handler(withSizeLimit(call, options.maxRequestBytes));
  if (!("stream" in response)) return universalResponseToNodeResponse(answer, response);
  if (way?.isWhole !== true) closeAfterAnswer(response.stream);
  await universalResponseToNodeResponse(answer, response);
}

/** Why a call is refused for how it comes, whoever makes it; undefined where it is not. */
function refusalOf(request: AnyRequest, response: AnyResponse, options: CallAdapterOptions): ZipnetError | undefined {
  const refusal = options.connections?.refusalOf(request.socket);
  if (refusal !== undefined) endAfterAnswer(response);
  return refusal ?? refusalByHeaders(request, options);
}

/** What the adapter knows of where a call comes from. */
function valuesOf(request: AddressedRequest, { trusted = NO_PROXIES, connections }: CallAdapterOptions): ContextValues {
  const address = callerAddress(request, trusted);
  const held = connections?.of(socketAddress(request.socket)) ?? 0;
  return createContextValues().set(callerPlaceKey, { address, connections: held });
}

/** Takes no more calls on the connection; those that are open get their answers. */
function endAfterAnswer(response: AnyResponse): void {
  if ("stream" in response) response.stream.session?.close();
  else response.setHeader("connection", "close");
}

/**
 * As closeAfterAnswer, for HTTP/1.1, whose connection takes the next call only after this one's body. Whoever stops in the middle of
 * a body would destroy the request, and with it whatever could read the rest.
 */
function readOnAfterAnswer(call: UniversalServerRequest, request: AnyRequest, response: AnyResponse): void {
  call.body = request.iterator({ destroyOnReturn: false });
  response.once("finish", () => request.resume());
}

const ALLOWED_HEADERS = [...cors.allowedHeaders, ...Object.values(AUTH_HEADERS)].join(", ");

/** Any page may call: callers are known by their signatures, never by a browser's cookies. */
function setCorsHeaders(response: AnyResponse): void {
  response.setHeader("access-control-allow-origin", "*");
  response.setHeader("access-control-allow-methods", cors.allowedMethods.join(", "));
  response.setHeader("access-control-allow-headers", ALLOWED_HEADERS);
  response.setHeader("access-control-expose-headers", cors.exposedHeaders.join(", "));
  response.setHeader("access-control-max-age", "7200");
}
