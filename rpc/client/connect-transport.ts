/**
 * The first transport: connect-node over one connection.
 */
import type { Transport } from "@connectrpc/connect";
import { type Http2SessionManager, createGrpcTransport } from "@connectrpc/connect-node";
import type { ClosableTransport, TransportOptions } from "./closable-transport.js";
import { sessionManagerOf } from "./session-manager.js";

/**
 * What may wait to be sent on one connection, in megabytes. Node's own 10 are fewer than one large report, and a call
 * that was refused before its message was taken counts against them until the connection ends.
 */
const SESSION_MEMORY_MB = 64;

const PING_INTERVAL_MS = 30_000;
/** Below the idle timeouts that load balancers have, so that it is us who end an idle connection. */
const IDLE_TIMEOUT_MS = 45_000;

/** Opens a transport. Connects with the first call. */
export function connectTransport({ url, interceptors, maxAnswerBytes }: TransportOptions): ClosableTransport {
  const sessionManager = sessionManagerOf(
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
