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
import { type AnyRequest, type AnyResponse, listen } from "./listener.js";
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

/** How to serve. */
export interface RpcServerOptions<Services extends readonly DescService[]> {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** PEM. */
  readonly tls?: { readonly cert: Uint8Array; readonly key: Uint8Array };
  readonly services: Served<Services>;
  readonly auth: ServerAuth;
  /** Largest request message in bytes. */
  readonly maxRequestBytes: number;
  /** Tried first, by path prefix, in order. */
  readonly mounts?: readonly HttpMount[];
  /** How long open calls may go on after the signal before they are cut. Default 5,000. */
  readonly drainDeadlineMs?: number;
  readonly log: Log;
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
  const { host, port, tls, auth, log } = options;
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

  const handle = requestHandler(router.handlers, options);
  const listener = await listen({ host, port, ...(tls === undefined ? {} : { tls }), clock: auth.clock, log, handle });
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
  { mounts = [], maxRequestBytes, log }: Pick<RpcServerOptions<[]>, "mounts" | "maxRequestBytes" | "log">,
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
