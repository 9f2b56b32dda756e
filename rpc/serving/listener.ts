/**
 * One port for HTTP/1.1 and HTTP/2, in the clear or over TLS, and an end that lets open calls finish.
 */
import type { EventEmitter } from "node:events";
import { type IncomingMessage, type Server as HttpServer, type ServerResponse, createServer } from "node:http";
import {
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  createSecureServer,
  createServer as createHttp2Server,
} from "node:http2";
import { type AddressInfo, type Server, type Socket, createServer as createNetServer } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock, Log } from "../../core/ports.js";
import type { Connections } from "./connections.js";
import { onFirstBytes } from "./first-bytes.js";
import { DEFAULT_PORT_LIMITS, type PortLimits } from "./limits.js";
import { SessionPings } from "./session-pings.js";
import { inSlices } from "../slices.js";

/** A request of either version of HTTP. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;
/** A response of either version of HTTP. */
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** Certificates in PEM. */
interface TlsOptions {
  readonly cert: Uint8Array;
  readonly key: Uint8Array;
  /** Callers must show a certificate that one of these has signed. Default: they need none. */
  readonly clientCa?: Uint8Array;
}

/** Where and how to listen. */
export interface ListenerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Without it the port speaks cleartext: HTTP/1.1, and HTTP/2 with prior knowledge. */
  readonly tls?: TlsOptions;
  /** Default: DEFAULT_PORT_LIMITS. */
  readonly limits?: Partial<PortLimits>;
  /** Counts the connections. Default: nobody does, and any number is taken. */
  readonly connections?: Connections;
  readonly clock: Clock;
  readonly log: Log;
  handle(request: AnyRequest, response: AnyResponse): void;
  /** Asked about every HTTP/2 stream before a request is made of it. */
  readonly takeStream?: TakeStream | undefined;
}

/** Takes a stream for itself, or answers false. Whoever has taken one may still have a request made of it. */
export type TakeStream = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
  asUsual: () => void,
) => boolean;

/** An open port. */
export interface Listener {
  readonly port: number;
  /** Takes no more connections, tells the open ones to end (GOAWAY), and cuts those still open after the time. */
  close(graceMs: number): Promise<void>;
}

/**
 * What HTTP itself takes of headers. Well above the limit that callers are told: what is between the two gets an answer
 * that says what is wrong, and only what is beyond is cut off without one.
 */
const CUT_HEADER_BYTES = 131_072;

/** Connections that are closed before other work of the process gets its turn. */
const CLOSE_SLICE = 32;

/** Streams that a caller may open and give up at once on one connection, and how many more per second. */
const RESET_BURST = 1_000;
const RESETS_PER_SECOND = 33;

function http2Options({ limits: given }: ListenerOptions) {
  const limits = { ...DEFAULT_PORT_LIMITS, ...given };
  return {
    settings: { maxConcurrentStreams: limits.maxStreamsPerConnection, maxHeaderListSize: CUT_HEADER_BYTES },
    maxSessionMemory: limits.maxConnectionMemoryMb,
    streamResetBurst: RESET_BURST,
    streamResetRate: RESETS_PER_SECOND,
  };
}

/** A connection that is one too many has this long to ask and be told so. */
const REFUSED_MS = 5_000;
/**
 * Connections that may wait to be accepted; the kernel allows net.core.somaxconn at most. With Node's 511, most of ten
 * thousand miners that come back at once are dropped, and their kernels try again only after seconds, then minutes.
 */
const BACKLOG = 16_384;

const FIRST_BYTES_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;

/** Opens the port. Rejects when it cannot be had. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const pings = new SessionPings(options.clock);
  const track = (session: ServerHttp2Session): void => {
    sessions.add(session);
    pings.add(session);
    session.once("close", () => sessions.delete(session));
    // Broken connections are everyday life; their calls learn of it by their own signals.
    session.on("error", () => session.destroy());
  };
  const { server, http1 } = options.tls === undefined ? cleartext(options, track) : secure(options, options.tls, track);
  server.on("connection", (socket: Socket) => {
    const admitted = options.connections?.add(socket) ?? "taken";
    if (admitted === "cut") return void socket.destroy();
    if (admitted === "refused") cutAfter(REFUSED_MS, socket, options.clock);
    sockets.add(socket);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setNoDelay(true);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: options.port, host: options.host, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  // Out of file descriptors, say: the connections that are there go on.
  server.on("error", (error) => options.log.error({ err: error }, "a connection could not be accepted"));

  return {
    port: (server.address() as AddressInfo).port,
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const cut = new AbortController();
      const deadline = options.clock.sleepUntil(options.clock.now() + graceMs, cut.signal).then(
        () => inSlices([...sockets], CLOSE_SLICE, (socket) => socket.destroy()),
        () => {},
      );
      // Ends idle connections; those that are busy end after their answers.
      http1?.close();
      await inSlices([...sessions], CLOSE_SLICE, (session) => session.close());
      await closed;
      cut.abort();
      await deadline;
    },
  };
}

interface Opened {
  readonly server: Server;
  /** The server of HTTP/1.1 connections, where it is a separate one. */
  readonly http1?: HttpServer;
}

function secure(
  options: ListenerOptions,
  { cert, key, clientCa }: TlsOptions,
  track: (session: ServerHttp2Session) => void,
): Opened {
  const pem = { cert: Buffer.from(cert), key: Buffer.from(key) };
  const callers = clientCa === undefined ? {} : { ca: Buffer.from(clientCa), requestCert: true };
  const server = createSecureServer({ ...http2Options(options), ...pem, ...callers, allowHTTP1: true });
  // No option of node:http2, but what its HTTP/1.1 goes by.
  Object.assign(server, { maxHeaderSize: CUT_HEADER_BYTES });
  server.on("session", track);
  server.on("secureConnection", (socket: TLSSocket) => {
    // Else node:http reads record by record below the stream, and breaks the connection when it has to pause between the
    // headers and the body of a request: "Parse Error: Paused". Whoever listens for data makes it read the stream.
    if (socket.alpnProtocol !== "h2") socket.on("data", () => {});
  });
  server.on("request", (request: AnyRequest, response: AnyResponse) => options.handle(request, response));
  offerStreams(server, options);
  return { server };
}

/** Puts takeStream before what node:http2 itself does with a stream: making a request and a response of it. */
function offerStreams(server: EventEmitter, { takeStream }: ListenerOptions): void {
  if (takeStream === undefined) return;
  const [makeRequest] = server.listeners("stream");
  if (makeRequest === undefined) throw new Error("node:http2 makes no requests of streams any more");
  server.removeAllListeners("stream");
  server.on(
    "stream",
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: readonly string[]) => {
      const asUsual = (): void => void makeRequest.call(server, stream, headers, flags, rawHeaders);
      if (!takeStream(stream, headers, rawHeaders, asUsual)) asUsual();
    },
  );
}

function cleartext(options: ListenerOptions, track: (session: ServerHttp2Session) => void): Opened {
  const http1 = createServer({ maxHeaderSize: CUT_HEADER_BYTES }, (request, response) => {
    response.once("close", () => {
      if (!server.listening) setImmediate(() => http1.closeIdleConnections());
    });
    options.handle(request, response);
  });
  // It gets its connections from us and never listens, but this is when it begins to watch them: for slow requests, and
  // for idle ones to end at the close.
  http1.emit("listening");
  const http2 = createHttp2Server(http2Options(options), (request, response) => options.handle(request, response));
  http2.on("session", track);
  offerStreams(http2, options);
  const server = createNetServer((socket) => {
    socket.on("error", destroy);
    const keep = cutAfter(FIRST_BYTES_MS, socket, options.clock);
    onFirstBytes(socket, (isHttp2) => {
      keep();
      (isHttp2 ? http2 : http1).emit("connection", socket);
    });
  });
  return { server, http1 };
}

/** Not a closure: one would hold what else was made for the connection, for as long as it is open. */
function destroy(this: Socket): void {
  this.destroy();
}

/** One for all: the error that abort() makes otherwise holds a stack, for as long as the connection is open. */
const KEPT = new Error("the connection may live");

/** Ends a connection after a time; returns how to let it live. */
function cutAfter(timeMs: number, socket: Socket, clock: Clock): () => void {
  const kept = new AbortController();
  clock.sleepUntil(clock.now() + timeMs, kept.signal).then(
    () => socket.destroy(),
    () => {},
  );
  const keep = (): void => kept.abort(KEPT);
  socket.once("close", keep);
  return () => {
    socket.off("close", keep);
    keep();
  };
}
