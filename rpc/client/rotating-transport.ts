/**
 * One transport over the several addresses of a server.
 */
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { ClosableTransport } from "./closable-transport.js";

/**
 * Calls go to one address until a call finds nobody there; from then on they go to the next one. A call itself is never
 * made twice: whether it took effect is for the caller to find out.
 *
 * @param opened at least one.
 */
export function rotating(opened: readonly ClosableTransport[]): ClosableTransport {
  let current = 0;

  async function at<T>(call: (transport: Transport) => Promise<T>): Promise<T> {
    const used = current;
    const chosen = opened[used];
    if (chosen === undefined) throw new TypeError("there is no address to call");
    try {
      return await call(chosen.transport);
    } catch (error) {
      // Only the first of several calls that fail together moves on.
      if (ConnectError.from(error).code === Code.Unavailable && current === used) {
        current = (used + 1) % opened.length;
      }
      throw error;
    }
  }

  return {
    transport: {
      unary: (...args) => at((transport) => transport.unary(...args)),
      stream: (...args) => at((transport) => transport.stream(...args)),
    },
    close: () => {
      for (const { close } of opened) close();
    },
  };
}
