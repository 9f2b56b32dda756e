/**
 * Clients of a server or a relay: gRPC, every call signed.
 */
import { type Client, createClient } from "@connectrpc/connect";
import { EpochService } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { JudgingService } from "../../gen/zipnet/v1/judging_service_pb.js";
import { ServerInfoService } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { SubmissionService } from "../../gen/zipnet/v1/submission_service_pb.js";
import type { Clock, Signer } from "../../core/ports.js";
import { timeoutHeader, withTimeouts } from "./call-timeouts.js";
import { clientSessions } from "../auth/client-sessions.js";
import type { ClosableTransport } from "./closable-transport.js";
import { connectTransport } from "./connect-transport.js";
import { grpcTransport } from "./grpc-transport.js";
import { rotating } from "./rotating-transport.js";
import { signingInterceptor } from "../auth/signing.js";

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
