/** Calls made by hand over HTTP/2, for what no client library would do. */
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import { type DescMessage, type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import type { Clock } from "../../core/ports.js";
import { authHeaders, nextNonce } from "../auth/auth.js";
import { fromConnectError } from "../errors.js";
import { envelope } from "../stream/handover.js";
import { NETUID, NETWORK, keys } from "../kit.test-support.js";

/** The end of a call. */
export interface RawAnswer {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  /** The reason of the error, or "ok". */
  readonly status: string;
}

/** Opens a signed gRPC call; whatever `change` says replaces headers. */
export function openRawCall<Desc extends DescMessage>(
  session: ClientHttp2Session,
  procedure: string,
  schema: Desc,
  message: MessageInitShape<Desc>,
  clock: Clock,
  change: Readonly<Record<string, string>> = {},
): { readonly stream: ClientHttp2Stream; readonly frame: Buffer } {
  const requestBytes = toBinary(schema, create(schema, message));
  const signer = keys("miner");
  const scope = { receiver: keys("server").hotkey, network: NETWORK, netuid: NETUID };
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: "POST",
    [constants.HTTP2_HEADER_PATH]: procedure,
    "content-type": "application/grpc+proto",
    te: "trailers",
    ...authHeaders({ procedure, requestBytes, signer, scope, nonce: nextNonce(signer, clock) }),
    ...change,
  });
  return { stream, frame: envelope(requestBytes) };
}

/** Sends the rest of a call and reads its answer. */
export async function rawAnswer(stream: ClientHttp2Stream, frame: Uint8Array): Promise<RawAnswer> {
  let headers: Record<string, unknown> = {};
  let trailers: Record<string, unknown> | undefined;
  const chunks: Buffer[] = [];
  stream.on("response", (received) => (headers = received));
  stream.on("trailers", (received) => (trailers = received));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.end(frame);
  await new Promise<void>((resolve, reject) => stream.once("end", resolve).once("error", reject));
  return { headers, body: Buffer.concat(chunks), status: statusOf(trailers ?? headers) };
}

/** The reason in trailers, or "ok". */
export function statusOf(trailers: Readonly<Record<string, unknown>>): string {
  const status = new Headers();
  for (const [name, value] of Object.entries(trailers)) {
    if (name.startsWith("grpc-")) status.set(name, String(value));
  }
  const error = findTrailerError(status);
  return error === undefined ? "ok" : fromConnectError(error).reason;
}
