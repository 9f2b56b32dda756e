/**
 * Calls whose answer is at hand, already encoded: a closed epoch never changes. They pass authentication as every call
 * does, and nothing else of what a call usually passes: no objects are made of the answer, and no pipeline carries it.
 *
 * gRPC over HTTP/2 only, on the stream itself: what node:http2 wraps around it for the usual way costs as much as all of
 * this. Whatever is out of the ordinary, from a large body to an unknown epoch, goes the usual way.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { type DescMessage, type MessageShape, fromBinary } from "@bufbuild/protobuf";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { Log } from "../../core/ports.js";
import { messageSha256 } from "../auth/auth.js";
import type { CallChecks } from "../auth/auth-check.js";
import { type GateResult, gateResultOf } from "../auth/auth-gate.js";
import { envelope } from "../stream/handover.js";
import { reportedError } from "./interceptors.js";
import { RecentMap } from "../epoch-log/recent-map.js";

/** A procedure that may have its answer at hand. */
export interface HotCall {
  readonly input: DescMessage;
  /** The encoded answer to a request message, or undefined when the usual way must find it. The same object each time. */
  readonly answer: (request: MessageShape<DescMessage>) => Uint8Array | undefined;
}

/** A hot call with the type of its request. */
export function hotCall<Desc extends DescMessage>(
  input: Desc,
  answer: (request: MessageShape<Desc>) => Uint8Array | undefined,
): HotCall {
  return { input, answer: (request) => answer(request as MessageShape<Desc>) };
}

/** What goes the usual way after all: the body as far as it was read and the rest, and what the gate found. */
export interface UsualWay {
  readonly body: AsyncIterable<Uint8Array>;
  /** Whether all of the body has come. */
  readonly isWhole: boolean;
  readonly gate: GateResult;
}

/** A request message that was read before. */
interface KnownRequest {
  readonly message: MessageShape<DescMessage>;
  readonly sha256: string;
}

/** Requests of hot calls hold an id and a flag. */
const MAX_BODY_BYTES = 1_024;
/** Different request messages that are remembered: what is asked for often is asked for in the same bytes. */
const KNOWN_REQUESTS = 512;
const GRPC = new Set(["application/grpc", "application/grpc+proto"]);
const RESPONSE_HEADERS = { ":status": 200, "content-type": "application/grpc+proto" } as const;

/** Answers hot calls by their path. */
export class HotCalls {
  readonly #calls: ReadonlyMap<string, HotCall>;
  readonly #checks: CallChecks;
  readonly #log: Log;
  /** Answers in their envelopes, as long as whoever holds the answers holds them. */
  readonly #frames = new WeakMap<Uint8Array, Buffer>();
  readonly #known = new RecentMap<string, KnownRequest>(KNOWN_REQUESTS);

  constructor(calls: ReadonlyMap<string, HotCall>, checks: CallChecks, log: Log) {
    this.#calls = calls;
    this.#checks = checks;
    this.#log = log;
  }

  /** Whether a request may be taken, by its headers. */
  mayTake(headers: IncomingHttpHeaders): boolean {
    return (
      this.#calls.has(headers[":path"] ?? "") &&
      headers[":method"] === "POST" &&
      GRPC.has(headers["content-type"] ?? "") &&
      (headers["grpc-encoding"] ?? "identity") === "identity"
    );
  }

  /** Takes a stream of which mayTake says so; calls `usual` when it must go the usual way all the same. */
  take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, usual: (way: UsualWay) => void): void {
    const path = headers[":path"] ?? "";
    const call = this.#calls.get(path);
    // The gate comes before the body, here as on the usual way.
    const gate = gateResultOf(this.#checks, path, (name) => headers[name]?.toString());
    const { checked } = gate;
    if (call === undefined || checked === undefined) return usual({ body: rest(stream), isWhole: false, gate });
    stream.on("error", hangUp);
    readSmall(stream, (chunks, isWhole) => {
      const known = isWhole ? this.#read(call, path, chunks) : undefined;
      const answer = known === undefined ? undefined : call.answer(known.message);
      if (known === undefined || answer === undefined) {
        return usual({ body: isWhole ? whole(chunks) : rejoined(chunks, stream), isWhole, gate });
      }
      this.#checks.admit(checked, path, known.sha256).then(
        () => this.#answer(stream, answer),
        (error: unknown) => refuse(stream, error, path, this.#log),
      );
    });
  }

  /** The request message; undefined when it is none, which the usual way says. */
  #read(call: HotCall, path: string, chunks: readonly Buffer[]): KnownRequest | undefined {
    const [first] = chunks;
    const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
    if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) return undefined;
    const key = `${path} ${body.toString("latin1", 5)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    try {
      const message = fromBinary(call.input, body.subarray(5));
      const read = { message, sha256: messageSha256(call.input, message) };
      this.#known.set(key, read);
      return read;
    } catch {
      return undefined;
    }
  }

  #answer(stream: ServerHttp2Stream, answer: Uint8Array): void {
    let frame = this.#frames.get(answer);
    if (frame === undefined) {
      frame = envelope(answer);
      this.#frames.set(answer, frame);
    }
    respond(stream, OK, frame);
  }
}

const OK = { "grpc-status": "0" } as const;

/** A caller that hung up in the middle of its call is everyday life. */
function hangUp(): void {}

function refuse(stream: ServerHttp2Stream, error: unknown, procedure: string, log: Log): void {
  const trailers = setTrailerStatus(new Headers(), reportedError(error, procedure, log));
  respond(stream, Object.fromEntries(trailers.entries()), NOTHING);
}

const NOTHING = Buffer.alloc(0);

function respond(stream: ServerHttp2Stream, trailers: Readonly<Record<string, string>>, body: Buffer): void {
  if (stream.destroyed) return;
  stream.once("wantTrailers", () => stream.sendTrailers(trailers));
  stream.respond(RESPONSE_HEADERS, { waitForTrailers: true });
  stream.end(body);
}

/** Reads a body up to a limit. `isWhole` is false when there is more; the rest can then still be read. */
function readSmall(stream: ServerHttp2Stream, done: (chunks: readonly Buffer[], isWhole: boolean) => void): void {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes <= MAX_BODY_BYTES) return;
    stream.pause();
    stream.off("data", onData);
    stream.off("end", onEnd);
    done(chunks, false);
  };
  const onEnd = (): void => done(chunks, true);
  stream.on("data", onData);
  stream.once("end", onEnd);
}

/** What is still to come. Whoever stops in the middle must not end the stream, which has an answer to give. */
function rest(stream: ServerHttp2Stream): AsyncIterable<Uint8Array> {
  return stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
}

async function* whole(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function* rejoined(chunks: readonly Uint8Array[], stream: ServerHttp2Stream): AsyncGenerator<Uint8Array> {
  yield* chunks;
  yield* rest(stream);
}
