/**
 * Calls whose answer is at hand, already encoded: a closed epoch never changes. They pass authentication as every call
 * does, and nothing else of what a call usually passes: no objects are made of the answer, and no pipeline carries it.
 *
 * gRPC over HTTP/2 only. Whatever is out of the ordinary, from a large body to an unknown epoch, goes the usual way.
 */
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { type DescMessage, type MessageShape, fromBinary } from "@bufbuild/protobuf";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { Log } from "../core/ports.js";
import { messageSha256 } from "./auth.js";
import type { CallChecks } from "./auth-check.js";
import { type GateResult, gateResultOf } from "./auth-gate.js";
import { envelope } from "./handover.js";
import { reportedError } from "./interceptors.js";

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

/** What goes the usual way: the part of the body that was read, and what the gate found. */
export interface UsualWay {
  readonly body: AsyncIterable<Uint8Array>;
  readonly gate: GateResult;
}

/** Requests of hot calls hold an id and a flag. */
const MAX_BODY_BYTES = 1_024;
const GRPC = new Set(["application/grpc", "application/grpc+proto"]);

/** Answers hot calls by their path. */
export class HotCalls {
  readonly #calls: ReadonlyMap<string, HotCall>;
  readonly #checks: CallChecks;
  readonly #log: Log;
  /** Answers in their envelopes, as long as whoever holds the answers holds them. */
  readonly #frames = new WeakMap<Uint8Array, Buffer>();

  constructor(calls: ReadonlyMap<string, HotCall>, checks: CallChecks, log: Log) {
    this.#calls = calls;
    this.#checks = checks;
    this.#log = log;
  }

  /** Takes a request whose path is a hot call's; false when it must go the usual way from the beginning. */
  take(
    path: string,
    request: Http2ServerRequest,
    response: Http2ServerResponse,
    usual: (way: UsualWay) => void,
  ): boolean {
    const call = this.#calls.get(path);
    const { headers } = request;
    if (call === undefined || headers[":method"] !== "POST" || !GRPC.has(headers["content-type"] ?? "")) return false;
    if ((headers["grpc-encoding"] ?? "identity") !== "identity") return false;
    // The gate comes before the body, here as on the usual way.
    const gate = gateResultOf(this.#checks, path, (name) => headers[name]?.toString());
    if (gate.checked === undefined) {
      usual({ body: request, gate });
      return true;
    }
    const { checked } = gate;
    readSmall(request, (chunks, isWhole) => {
      const found = isWhole ? this.#find(call, Buffer.concat(chunks)) : undefined;
      if (found === undefined) return usual({ body: rejoined(chunks, request, isWhole), gate });
      this.#checks.admit(checked, path, found.bodySha256).then(
        () => this.#answer(response, found.answer),
        (error: unknown) => refuse(response, error, path, this.#log),
      );
    });
    return true;
  }

  #find(call: HotCall, body: Buffer): { readonly answer: Uint8Array; readonly bodySha256: string } | undefined {
    if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) return undefined;
    try {
      const message = fromBinary(call.input, body.subarray(5));
      const answer = call.answer(message);
      return answer === undefined ? undefined : { answer, bodySha256: messageSha256(call.input, message) };
    } catch {
      return undefined; // Not a message: the usual way says so.
    }
  }

  #answer(response: Http2ServerResponse, answer: Uint8Array): void {
    const frame = this.#frames.get(answer) ?? envelope(answer);
    this.#frames.set(answer, frame);
    if (response.stream.destroyed) return;
    response.writeHead(200, { "content-type": "application/grpc+proto" });
    response.addTrailers(OK);
    response.end(frame);
  }
}

const OK = { "grpc-status": "0" } as const;

function refuse(response: Http2ServerResponse, error: unknown, procedure: string, log: Log): void {
  if (response.stream.destroyed) return;
  const trailers = setTrailerStatus(new Headers(), reportedError(error, procedure, log));
  response.writeHead(200, { "content-type": "application/grpc+proto" });
  response.addTrailers(Object.fromEntries(trailers.entries()));
  response.end();
}

/** Reads a body up to a limit. `isWhole` is false when there is more; the rest can then still be read. */
function readSmall(request: Http2ServerRequest, done: (chunks: readonly Uint8Array[], isWhole: boolean) => void): void {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const onData = (chunk: Uint8Array): void => {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes <= MAX_BODY_BYTES) return;
    request.pause();
    request.off("data", onData);
    request.off("end", onEnd);
    done(chunks, false);
  };
  const onEnd = (): void => done(chunks, true);
  request.on("data", onData);
  request.once("end", onEnd);
}

async function* rejoined(
  chunks: readonly Uint8Array[],
  request: Http2ServerRequest,
  isWhole: boolean,
): AsyncGenerator<Uint8Array> {
  yield* chunks;
  if (!isWhole) yield* request as AsyncIterable<Uint8Array>;
}
