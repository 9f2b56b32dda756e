/**
 * Clients of a server or a relay: gRPC, every call signed.
 */
import { type Client, type Transport, createClient } from "@connectrpc/connect";
import { Http2SessionManager, createGrpcTransport } from "@connectrpc/connect-node";
import { EpochService } from "../gen/zipnet/v1/epoch_service_pb.js";
import { JudgingService } from "../gen/zipnet/v1/judging_service_pb.js";
import { ServerInfoService } from "../gen/zipnet/v1/server_info_service_pb.js";
import { SubmissionService } from "../gen/zipnet/v1/submission_service_pb.js";
import type { Clock, Signer } from "../core/ports.js";
import { timeoutHeader, withTimeouts } from "./call-timeouts.js";
import { clientSessions } from "./client-sessions.js";
import { type ClosableTransport, type GrpcTransportOptions, grpcTransport } from "./grpc-transport.js";
import { rotating } from "./rotating-transport.js";
import { signingInterceptor } from "./signing.js";

/** A process to call. */
export interface Endpoint {
  /** For example "http://127.0.0.1:8080". */
  readonly url: string;
  /** The receiver that calls are signed for: SS58 address, prefix 42. */
  readonly hotkey: string;
}

/** What carries the calls: connect-node, or @grpc/grpc-js, which spreads them over all addresses of a name. */
export type TransportKind = "connect" | "grpc-js";

/** Who calls, and in which deployment. */
export interface ClientOptions {
  readonly signer: Signer;
  readonly network: string;
  readonly netuid: number;
  readonly clock: Clock;
  /** Default connect. */
  readonly transport?: TransportKind;
}

/** Clients that share their connections. Calls reject with ConnectError; fromConnectError says what was meant. */
export interface Clients {
  readonly epochs: Client<typeof EpochService>;
  readonly submissions: Client<typeof SubmissionService>;
  readonly judging: Client<typeof JudgingService>;
  readonly info: Client<typeof ServerInfoService>;
  /** Ends the connections and every call on them. */
  close(): void;
}

/** How long a call with one answer may take, unless it says otherwise. */
const UNARY_TIMEOUT_MS = 30_000;

/** Largest answer that is read: the largest record, with room for what surrounds it. */
const MAX_ANSWER_BYTES = 20 * 1024 * 1024;

/**
 * What may wait to be sent on one connection, in megabytes. Node's own 10 are fewer than one large report, and a call
 * that was refused before its message was taken counts against them until the connection ends.
 */
const SESSION_MEMORY_MB = 64;

const PING_INTERVAL_MS = 30_000;
/** Below the idle timeouts that load balancers have, so that it is us who end an idle connection. */
const IDLE_TIMEOUT_MS = 45_000;

/** Makes clients for an endpoint. Connects with the first call. */
export function createClients(endpoint: Endpoint, options: ClientOptions): Clients {
  return clientsOver(openTransport(endpoint, options));
}

/**
 * Makes clients for a server that can be reached at several addresses. A call that finds nobody rejects; the next one
 * goes to the next address.
 *
 * @param urls at least one.
 */
export function createServerClients(urls: readonly string[], hotkey: string, options: ClientOptions): Clients {
  return clientsOver(rotating(urls.map((url) => openTransport({ url, hotkey }, options))));
}

function openTransport(endpoint: Endpoint, options: ClientOptions): ClosableTransport {
  const { signer, network, netuid, clock } = options;
  const scope = { receiver: endpoint.hotkey, network, netuid };
  const readServerKey = async (): Promise<Uint8Array> => (await info.getServerInfo({})).sessionKey;
  const sessions = clientSessions({ signer, scope, clock, readServerKey });
  const interceptors = [signingInterceptor({ signer, scope, clock, sessions }), timeoutHeader];
  const open = options.transport === "grpc-js" ? grpcTransport : connectTransport;
  const opened = open({ url: endpoint.url, interceptors, maxAnswerBytes: MAX_ANSWER_BYTES });
  const transport = withTimeouts(opened.transport, UNARY_TIMEOUT_MS);
  const info = createClient(ServerInfoService, transport);
  return { transport, close: () => opened.close() };
}

function clientsOver({ transport, close }: ClosableTransport): Clients {
  return {
    epochs: createClient(EpochService, transport),
    submissions: createClient(SubmissionService, transport),
    judging: createClient(JudgingService, transport),
    info: createClient(ServerInfoService, transport),
    close,
  };
}

/** connect-node over one connection. */
function connectTransport({ url, interceptors, maxAnswerBytes }: GrpcTransportOptions): ClosableTransport {
  const sessionManager = new Http2SessionManager(
    url,
    { pingIntervalMs: PING_INTERVAL_MS, idleConnectionTimeoutMs: IDLE_TIMEOUT_MS },
    { maxSessionMemory: SESSION_MEMORY_MB },
  );
  const transport = createGrpcTransport({
    baseUrl: url,
    sessionManager,
    interceptors: [...interceptors],
    acceptCompression: [],
    readMaxBytes: maxAnswerBytes,
  });
  return { transport: withoutFullConnections(sessionManager, transport), close: () => sessionManager.abort() };
}

/** Node's word for a connection that has no memory left: every answer on it is thrown away. */
const FULL = "NGHTTP2_ENHANCE_YOUR_CALM";

/** Gives a connection without memory up, so that the next call makes a new one. */
function withoutFullConnections(sessionManager: Http2SessionManager, transport: Transport): Transport {
  return {
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      try {
        return await transport.unary(method, signal, timeoutMs, header, input, contextValues);
      } catch (error) {
        if (String(error).includes(FULL)) sessionManager.abort();
        throw error;
      }
    },
    stream: (method, signal, timeoutMs, header, input, contextValues) =>
      transport.stream(method, signal, timeoutMs, header, input, contextValues),
  };
}
