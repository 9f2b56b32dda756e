/**
 * A server for contract services: gRPC, gRPC-Web and Connect on one port, with authentication, health and reflection.
 */
import { type Http2ServerResponse, constants } from "node:http2";
import type { DescService } from "@bufbuild/protobuf";
import { type ConnectRouter, type ServiceImpl, cors, createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { Health } from "../gen/health/v1/health_pb.js";
import type { Log } from "../core/ports.js";
import { AUTH_HEADERS } from "./auth.js";
import { type ServerAuth, callChecks } from "./auth-check.js";
import { authGate, authInterceptor } from "./auth-gate.js";
import { healthService } from "./health.js";
import { errorInterceptor, reportingGate, validationInterceptor } from "./interceptors.js";
import { type AnyRequest, type AnyResponse, type ListenerOptions, listen } from "./listener.js";
import { REFLECTION_SERVICES, registerReflection } from "./reflection.js";
import { withSizeLimit } from "./request-limit.js";
import { assertEveryProcedureHasRole } from "./roles.js";

export type { ServerAuth } from "./auth-check.js";

/** Something that answers plain HTTP on the same port. */
export interface HttpMount {
  /** Begins with "/". */
  readonly pathPrefix: string;
  /** Answers, or returns false when the request is not its own after all. */
  handle(request: AnyRequest, response: AnyResponse): boolean;
}

/** The services with their implementations. */
type Served<Services extends readonly DescService[]> = {
  readonly [K in keyof Services]: { readonly desc: Services[K]; readonly impl: ServiceImpl<Services[K]> };
};

/** How a router's procedures are served. */
export interface PortOptions extends Omit<ListenerOptions, "handle"> {
  /** Largest request message in bytes. */
  readonly maxRequestBytes: number;
  /** Tried first, by path prefix, in order. */
  readonly mounts?: readonly HttpMount[];
  /** How long open calls may go on after the signal before they are cut. Default 5,000. */
  readonly drainDeadlineMs?: number;
}

/** How to serve. */
export interface RpcServerOptions<Services extends readonly DescService[]> extends Omit<PortOptions, "clock"> {
  readonly services: Served<Services>;
  /** Its clock is the server's. */
  readonly auth: ServerAuth;
}

/** A server that listens. */
export interface RpcServer {
  readonly port: number;
  /** Resolves after the signal, once every connection has ended. */
  readonly closed: Promise<void>;
}

/** Longer deadlines overflow Node's timers and would end the call at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Starts to serve. Adds grpc.health.v1 and reflection. Throws when a procedure has no declared role; rejects when the
 * port cannot be had. When the signal is aborted, health says NOT_SERVING, no new connections are taken, open ones are
 * told to end, and calls still open after drainDeadlineMs are cut. Streams end by their own drain signal.
 */
export async function startRpcServer<const Services extends readonly DescService[]>(
  options: RpcServerOptions<Services>,
  signal: AbortSignal,
): Promise<RpcServer> {
  const { auth, log } = options;
  const services = [...options.services.map(({ desc }) => desc), Health];
  assertEveryProcedureHasRole([...services, ...REFLECTION_SERVICES]);
  const checks = callChecks(auth);
  const router = createConnectRouter({
    interceptors: [errorInterceptor(log), authInterceptor(checks), validationInterceptor()],
    requestGate: reportingGate(authGate(checks), log),
    readMaxBytes: options.maxRequestBytes,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    // Compressing every message anew for every stream costs seconds at ten thousand streams, and saves little.
    acceptCompression: [],
  });
  for (const { desc, impl } of options.services) register(router, desc, impl);
  register(
    router,
    Health,
    healthService(
      services.map(({ typeName }) => typeName),
      signal,
    ),
  );
  registerReflection(router, services);

  return await serveRouter(router, { ...options, clock: auth.clock }, signal);
}

/**
 * Serves a router's procedures as they are, without authentication of its own, on a port that ends with the signal as
 * startRpcServer says. Rejects when the port cannot be had.
 */
export async function serveRouter(
  router: ConnectRouter,
  options: PortOptions,
  signal: AbortSignal,
): Promise<RpcServer> {
  const listener = await listen({ ...options, handle: requestHandler(router.handlers, options) });
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  return { port: listener.port, closed: aborted.then(() => listener.close(options.drainDeadlineMs ?? 5_000)) };
}

function register<Desc extends DescService>(router: ConnectRouter, desc: Desc, impl: ServiceImpl<Desc>): void {
  router.service(desc, impl);
}

// Not connectNodeAdapter: it writes every broken connection to the console, thousands at once when many clients leave.
function requestHandler(
  handlers: readonly UniversalHandler[],
  { mounts = [], maxRequestBytes, log }: PortOptions,
): (request: AnyRequest, response: AnyResponse) => void {
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    if (answeredByMount(mounts, path, request, response, log)) return;
    const handler = byPath.get(path);
    if (handler === undefined) {
      response.writeHead(404, { "content-type": "text/plain" });
      response.end("not found\n");
      return;
    }
    setCorsHeaders(response);
    if (request.method === "OPTIONS") {
      response.writeHead(204);
      response.end();
      return;
    }
    serve(handler, request, response, maxRequestBytes).catch((error: unknown) => {
      log.debug({ path, err: error }, "a call ended with its connection");
      response.destroy();
    });
  };
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
  maxRequestBytes: number,
): Promise<void> {
  if ("stream" in response) closeAfterAnswer(response.stream, request);
  const universal = universalRequestFromNodeRequest(request, response, undefined, undefined);
  const answer = await handler(withSizeLimit(universal, maxRequestBytes));
  await universalResponseToNodeResponse(answer, response);
}

/**
 * A call may be answered before its body was read, a refused one always is. HTTP/2 keeps such a stream open until the
 * caller has sent everything, which it cannot while nobody reads; asking it to stop frees the stream.
 */
function closeAfterAnswer(stream: Http2ServerResponse["stream"], request: AnyRequest): void {
  // Not "finish": the trailers, which carry the status, leave only after it.
  stream.once("wantTrailers", () => {
    setImmediate(() => {
      if (request.readableEnded || stream.destroyed) return;
      stream.close(constants.NGHTTP2_NO_ERROR);
      // What has come already must be read, or the stream never counts as ended.
      stream.removeAllListeners("data");
      stream.resume();
    });
  });
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
