/**
 * connect-node's session manager, without its ways to hang the whole process: whoever waits for a connection that is
 * closed meanwhile looks at it again and again without letting anything else happen. Here a closed connection is one that
 * failed, which those who wait are told, and which the next call replaces all the same.
 */
import type { ClientHttp2Session } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { Http2SessionManager } from "@connectrpc/connect-node";

type Arguments = ConstructorParameters<typeof Http2SessionManager>;

/** What the manager knows of its connection, as far as it matters here. */
type State =
  { readonly t: "connecting"; conn: Promise<ClientHttp2Session> } | { readonly t: "closed" | "error" | "ready" };

/** A manager of one connection, as Http2SessionManager takes its arguments. */
export function sessionManagerOf(...given: Arguments): Http2SessionManager {
  const manager = new Http2SessionManager(...given);
  const setState: unknown = Reflect.get(manager, "setState");
  if (typeof setState !== "function") throw new TypeError("this version of connect-node keeps its state another way");
  Reflect.set(manager, "setState", (state: State) => {
    if (state.t === "connecting") state.conn = state.conn.then(stillOpen);
    const next = state.t === "closed" ? { t: "error", reason: closed() } : state;
    Reflect.apply(setState, manager, [next]);
  });
  return manager;
}

function stillOpen(session: ClientHttp2Session): ClientHttp2Session {
  if (session.closed || session.destroyed) throw closed();
  return session;
}

function closed(): ConnectError {
  return new ConnectError("the connection was closed", Code.Unavailable);
}
