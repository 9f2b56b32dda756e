/**
 * A server for contract services: gRPC, gRPC-Web and Connect on one port, with authentication, health and reflection.
 */
import type { DescService } from "@bufbuild/protobuf";
import { type ConnectRouter, type ServiceImpl, createConnectRouter } from "@connectrpc/connect";
import { Health } from "../../gen/health/v1/health_pb.js";
import { type ServerAuth, callChecks } from "../auth/auth-check.js";
import { authGate, authInterceptor } from "../auth/auth-gate.js";
import { healthService } from "./health.js";
import type { TrustedProxies } from "./caller-address.js";
import { Connections } from "./connections.js";
import { type HotCall, HotCalls } from "./hot-calls.js";
import { errorInterceptor, firstRefusing, reportingGate, validationInterceptor } from "./interceptors.js";
import { DEFAULT_PORT_LIMITS } from "./limits.js";
import { type HttpMount, callAdapter } from "./call-adapter.js";
import { type ListenerOptions, listen } from "./listener.js";
import { REFLECTION_SERVICES, registerReflection } from "./reflection.js";
import { assertEveryProcedureHasRole, procedureOf } from "../auth/roles.js";

export type { ServerAuth } from "../auth/auth-check.js";
export type { HttpMount } from "./call-adapter.js";

/** The services with their implementations. */
type Served<Services extends readonly DescService[]> = {
  readonly [K in keyof Services]: {
    readonly desc: Services[K];
    readonly impl: ServiceImpl<Services[K]>;
    /** Resolves after the signal, once the service has ended the streams that it writes itself. */
    readonly drained?: Promise<void>;
    /** Calls whose answers may be at hand, by the name of their procedure. */
    readonly hot?: Readonly<Record<string, HotCall>>;
  };
};

/** How a router's procedures are served. */
export interface PortOptions extends Omit<ListenerOptions, "handle" | "connections"> {
  /** Whose word on callers' addresses is taken. Default nobody's. */
  readonly trusted?: TrustedProxies;
  /** Largest request message in bytes. */
  readonly maxRequestBytes: number;
  /** Tried first, by path prefix, in order. */
  readonly mounts?: readonly HttpMount[];
  /** Resolves after the signal, once the streams that services write themselves have ended. */
  readonly drained?: Promise<unknown>;
  /** Calls whose answers may be at hand. */
  readonly hot?: HotCalls;
  /** How long open calls may go on after the signal before they are cut. Default DRAIN_DEADLINE_MS. */
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

/** Time in which calls that are open at the end may be answered. Whoever starts processes must leave them as much. */
export const DRAIN_DEADLINE_MS = 5_000;

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
  const limits = { ...DEFAULT_PORT_LIMITS, ...options.limits };
  const router = createConnectRouter({
    interceptors: [errorInterceptor(log), authInterceptor(checks), validationInterceptor()],
    requestGate: reportingGate(firstRefusing(authGate(checks)), log),
    readMaxBytes: options.maxRequestBytes,
    maxTimeoutMs: limits.maxDeadlineMs,
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

  const hot = new HotCalls(hotCallsOf(options.services), checks, log);
  const drained = Promise.all(options.services.map((service) => service.drained ?? Promise.resolve()));
  return await serveRouter(router, { ...options, limits, clock: auth.clock, drained, hot }, signal);
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
  const { maxConnectionsPerAddress = Infinity } = options.limits ?? {};
  const connections = new Connections(maxConnectionsPerAddress, options.trusted);
  const adapter = callAdapter(router.handlers, { ...options, ...options.limits, connections });
  const listener = await listen({ ...options, ...adapter, connections });
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const told = Promise.all([aborted, options.drained]);
  return { port: listener.port, closed: told.then(() => listener.close(options.drainDeadlineMs ?? DRAIN_DEADLINE_MS)) };
}

function hotCallsOf(services: Served<readonly DescService[]>): ReadonlyMap<string, HotCall> {
  const calls = new Map<string, HotCall>();
  for (const { desc, hot = {} } of services) {
    for (const method of desc.methods) {
      const call = hot[method.name];
      if (call !== undefined) calls.set(procedureOf(method), call);
    }
  }
  return calls;
}

function register<Desc extends DescService>(router: ConnectRouter, desc: Desc, impl: ServiceImpl<Desc>): void {
  router.service(desc, impl);
}
