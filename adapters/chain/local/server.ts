/**
 * The chain's end of the wire: ConnectRPC over cleartext HTTP/2. Open to everybody who can reach it.
 */
import { once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { LocalChainService } from "../../../gen/zipnet/localchain/v1/local_chain_pb.js";
import type { LocalChainNode } from "./node.js";
import { localChainService, refusalInterceptor } from "./service.js";

/** How long calls may take to end once the server stops. */
const DRAIN_MS = 2_000;

/** Largest request: a row for every uid has about 400 KB. */
const MAX_REQUEST_BYTES = 1_000_000;

/** Where the chain listens, and when it has stopped. */
export interface LocalChainServer {
  readonly url: string;
  readonly closed: Promise<void>;
}

/** Serves a chain until the signal is aborted. Port 0 is any free port. Rejects when it cannot listen. */
export async function startLocalChainServer(
  node: LocalChainNode,
  at: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<LocalChainServer> {
  const server = createServer(
    connectNodeAdapter({
      routes: (router) => router.service(LocalChainService, localChainService(node, signal)),
      interceptors: [refusalInterceptor],
      acceptCompression: [],
      readMaxBytes: MAX_REQUEST_BYTES,
    }),
  );
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    // A connection that breaks concerns its client alone, which sees it there.
    session.on("error", () => {});
  });
  server.listen(at.port, at.host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `http://${at.host.includes(":") ? `[${at.host}]` : at.host}:${port}`;
  return { url, closed: closing(server, sessions, signal) };
}

async function closing(
  server: ReturnType<typeof createServer>,
  sessions: ReadonlySet<ServerHttp2Session>,
  signal: AbortSignal,
): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
  const closed = once(server, "close");
  server.close();
  for (const session of sessions) session.close();
  const cut = AbortSignal.timeout(DRAIN_MS);
  cut.addEventListener("abort", () => {
    for (const session of sessions) session.destroy();
  });
  await closed;
}
