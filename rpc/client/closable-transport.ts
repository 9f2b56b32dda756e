/**
 * What both transports take and are.
 */
import type { Interceptor, Transport } from "@connectrpc/connect";

/** How to reach a server. */
export interface TransportOptions {
  /** http:// or https:// address; a path in it stands before the procedures. */
  readonly url: string;
  readonly interceptors: readonly Interceptor[];
  /** Largest answer that is read, in bytes. */
  readonly maxAnswerBytes: number;
}

/** A transport that holds connections. */
export interface ClosableTransport {
  readonly transport: Transport;
  /** Ends the connections and every call on them. */
  close(): void;
}
