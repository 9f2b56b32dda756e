/**
 * Handing a server stream over: connect-es does the handshake (routing, content type, the authentication gate, the
 * request message, validation, errors) and the first message; from then on the handler writes the open response itself.
 *
 * What that saves is the pipeline of generators that every message of every stream would go through. The envelope of a
 * message is the same five bytes in gRPC, gRPC-Web and Connect, so one buffer serves all streams; only how a stream
 * ends differs. The exports used here are marked private in connect-es, so its version is pinned, and the conformance
 * suite holds this to the protocols.
 */
import { type ServerHttp2Stream, constants } from "node:http2";
import { type ConnectError, type ContextValues, type HandlerContext, createContextKey } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { createEndStreamSerialization, endStreamFlag } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";

/** Streams of these content types can be handed over: binary messages, and trailers that HTTP/2 or the body can carry. */
const PROTOCOLS: Readonly<Record<string, StreamProtocol>> = {
  "application/grpc": "grpc",
  "application/grpc+proto": "grpc",
  "application/grpc-web": "grpc-web",
  "application/grpc-web+proto": "grpc-web",
  "application/connect+proto": "connect",
};

type StreamProtocol = "grpc" | "grpc-web" | "connect";

/** Bytes that may wait to be sent on a stream before its writer should pause. */
const HIGH_WATER_BYTES = 32_768;

/** What the adapter offers a handler, and where the handler says that it takes it. */
export interface Handover {
  /** Set by the handler before it yields its first message; called once that message is written. */
  taken: ((stream: OpenStream) => void) | undefined;
}

const handoverKey = createContextKey<Handover | undefined>(undefined, { description: "handover" });

/** Whether a stream with this content type can be handed over. */
export function canHandOver(contentType: string | undefined): boolean {
  return protocolOf(contentType) !== undefined;
}

function protocolOf(contentType: string | null | undefined): StreamProtocol | undefined {
  return PROTOCOLS[(contentType ?? "").trim().toLowerCase()];
}

/** Values of a call in which a handover is offered. */
export function offerHandover(values: ContextValues): Handover {
  const handover: Handover = { taken: undefined };
  values.set(handoverKey, handover);
  return handover;
}

/**
 * Takes the rest of the stream at hand, for a handler that is about to yield its first and only message of its own.
 * False where the stream cannot be taken: HTTP/1.1, JSON, compressed answers, or a caller's deadline, which connect-es
 * alone can keep.
 */
export function takeHandover(
  context: Pick<HandlerContext, "values" | "timeoutMs" | "responseHeader">,
  taken: (stream: OpenStream) => void,
): boolean {
  const handover = context.values.get(handoverKey);
  if (handover === undefined || context.timeoutMs() !== undefined) return false;
  const { responseHeader } = context;
  if (responseHeader.has("grpc-encoding") || responseHeader.has("connect-content-encoding")) return false;
  handover.taken = taken;
  return true;
}

/** Writes headers and the first message of an answer that was taken, and lets connect-es go. */
export async function finishHandover(
  answer: UniversalServerResponse,
  stream: ServerHttp2Stream,
  taken: (stream: OpenStream) => void,
): Promise<void> {
  const header = answer.header as Headers;
  const protocol = protocolOf(header.get("content-type"));
  if (protocol === undefined) throw new Error("a stream was taken that cannot be handed over");
  const open = new OpenStream(stream, protocol);
  try {
    const iterator = (answer.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    const first = await iterator.next();
    // The handler is suspended at its first message; this ends it, and whatever connect-es holds for the call.
    await iterator.return?.();
    if (!stream.destroyed) {
      const headers = { ...Object.fromEntries(header.entries()), ":status": answer.status };
      stream.respond(headers, { waitForTrailers: protocol === "grpc" });
      if (first.done !== true) stream.write(first.value);
    }
  } catch (error) {
    open.destroy();
    throw error;
  } finally {
    // A stream that has gone in the meantime is given too: whoever took it may hold something until it has closed.
    taken(open);
  }
}

/** Puts the five bytes of an envelope before an encoded message. */
export function envelope(message: Uint8Array, flags = 0): Buffer {
  const frame = Buffer.allocUnsafe(5 + message.length);
  frame.writeUInt8(flags, 0);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

/** How a stream ends, made once for any number of streams. */
export interface StreamEnd {
  readonly grpc: Readonly<Record<string, string>>;
  readonly grpcWeb: Buffer;
  readonly connect: Buffer;
}

const endStream = createEndStreamSerialization(undefined);

/** The end with an error, or with success where there is none. trailers: the answer's own. */
export function streamEnd(error: ConnectError | undefined, trailers = new Headers()): StreamEnd {
  const grpc = setTrailerStatus(new Headers(trailers), error);
  const metadata = new Headers(trailers);
  const connect = endStream.serialize(error === undefined ? { metadata } : { metadata, error });
  return {
    grpc: Object.fromEntries(grpc.entries()),
    grpcWeb: envelope(trailerSerialize(grpc), trailerFlag),
    connect: envelope(connect, endStreamFlag),
  };
}

/** A response that is open and belongs to whoever took it. */
export class OpenStream {
  readonly #stream: ServerHttp2Stream;
  readonly #protocol: StreamProtocol;

  constructor(stream: ServerHttp2Stream, protocol: StreamProtocol) {
    this.#stream = stream;
    this.#protocol = protocol;
  }

  /** Writes one or more enveloped messages. The buffer must not change afterwards. Does nothing once closed. */
  write(frames: Uint8Array): void {
    if (!this.isClosed) this.#stream.write(frames);
  }

  /** Whether so much waits to be sent that the writer should wait for onDrained. */
  get isFull(): boolean {
    return this.#stream.writableLength > HIGH_WATER_BYTES;
  }

  /** Whether the caller has gone, or the stream was ended. */
  get isClosed(): boolean {
    return this.#stream.destroyed || this.#stream.writableEnded;
  }

  /** Calls whenever what waited has been sent, and once when the stream has closed, for whatever reason. */
  listen(onDrained: () => void, onClosed: () => void): void {
    this.#stream.on("drain", onDrained);
    if (this.#stream.destroyed) onClosed();
    else this.#stream.once("close", onClosed);
  }

  /** Ends the stream after what was written. */
  end(end: StreamEnd): void {
    if (this.isClosed) return;
    if (this.#protocol === "grpc") {
      this.#stream.once("wantTrailers", () => this.#stream.sendTrailers(end.grpc));
      this.#stream.end();
    } else {
      this.#stream.end(this.#protocol === "grpc-web" ? end.grpcWeb : end.connect);
    }
  }

  /** Cuts the stream: what was not sent is lost, and the caller gets no status. */
  destroy(): void {
    // With a reason other than "no error" the reset is sent now. Of a stream that was ended but not read, Node would send
    // it only after the rest, and forget the stream here: once its caller reads again, it fills the memory with frames.
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#stream.destroy();
  }
}
