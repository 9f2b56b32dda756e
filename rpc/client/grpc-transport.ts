/**
 * The second transport: connect's Transport on @grpc/grpc-js, for unary and server-streaming calls. Interceptors, and so
 * signatures, and everything above work on it unchanged.
 *
 * What it has that the first has not: it resolves the server's name again when a connection is lost, and spreads calls
 * over all addresses of that name in turn. Retries are off: every call is signed for one use, and grpc-js keeps what it
 * might send again for as long as a stream lasts.
 */
import { createSecureContext } from "node:tls";
import type { DescMessage, DescMethodStreaming, DescMethodUnary, MessageShape } from "@bufbuild/protobuf";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type StreamRequest,
  type StreamResponse,
  type Transport,
  type UnaryRequest,
  type UnaryResponse,
  createContextValues,
} from "@connectrpc/connect";
import { createMethodUrl, runStreamingCall, runUnaryCall } from "@connectrpc/connect/protocol";
import { requestHeader } from "@connectrpc/connect/protocol-grpc";
import {
  Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  type Metadata,
  type ServiceError,
  type StatusObject,
  credentials,
  status,
} from "@grpc/grpc-js";
import type { ClosableTransport, TransportOptions } from "./closable-transport.js";
import { errorOf, headersOf, metadataOf } from "./grpc-metadata.js";

const CHANNEL = {
  "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_retries": 0,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 15_000,
  // Also between calls: a connection that died in silence would otherwise cost call after call its whole timeout.
  "grpc.keepalive_permit_without_calls": 1,
  // Below the idle timeouts that load balancers have.
  "grpc.client_idle_timeout_ms": 45_000,
  // Followers wait between attempts themselves; the channel must be ready to try by then.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.dns_min_time_between_resolutions_ms": 2_000,
  // As the first transport: a follower's connections are its own, and no proxy is taken from the environment.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_http_proxy": 0,
} as const;

/** Opens a transport. Connects with the first call. */
export function grpcTransport({ url, interceptors, maxAnswerBytes }: TransportOptions): ClosableTransport {
  const { protocol, host, port, pathname } = new URL(url);
  const isSecure = protocol === "https:";
  // Trusts whom Node trusts, NODE_EXTRA_CA_CERTS included, as the first transport does.
  const secure = () => credentials.createFromSecureContext(createSecureContext());
  // URL leaves a scheme's usual port out.
  const target = port === "" ? `${host}:${isSecure ? 443 : 80}` : host;
  const client = new Client(`dns:///${target}`, isSecure ? secure() : credentials.createInsecure(), {
    ...CHANNEL,
    "grpc.max_receive_message_length": maxAnswerBytes,
  });
  const calls = new GrpcCalls(client, pathname.replace(/\/+$/, ""));
  const common = (timeoutMs: number | undefined, signal: AbortSignal | undefined) => ({
    interceptors: [...interceptors],
    ...(timeoutMs === undefined || timeoutMs <= 0 ? {} : { timeoutMs }),
    ...(signal === undefined ? {} : { signal }),
  });
  return {
    transport: {
      unary: (method, signal, timeoutMs, header, message, contextValues = createContextValues()) =>
        runUnaryCall({
          ...common(timeoutMs, signal),
          req: { ...requestTo(url, method, timeoutMs, header), stream: false, contextValues, message },
          next: (request) => calls.unary(method, request),
        }),
      stream: (method, signal, timeoutMs, header, message, contextValues = createContextValues()) =>
        runStreamingCall({
          ...common(timeoutMs, signal),
          req: { ...requestTo(url, method, timeoutMs, header), stream: true, contextValues, message },
          next: (request) => calls.stream(method, request),
        }),
    },
    close: () => calls.close(),
  };
}

function requestTo<Method extends DescMethodUnary | DescMethodStreaming>(
  url: string,
  method: Method,
  timeoutMs: number | undefined,
  header: Parameters<Transport["unary"]>[3],
) {
  return {
    service: method.parent,
    method,
    requestMethod: "POST",
    url: createMethodUrl(url, method),
    header: requestHeader(true, timeoutMs, header),
  };
}

type SurfaceCall = Pick<ClientUnaryCall, "cancel" | "once">;

/** Calls as grpc-js makes them. */
class GrpcCalls {
  readonly #client: Client;
  readonly #pathPrefix: string;
  /** Calls under way: a channel that is closed lets them go on. */
  readonly #active = new Set<SurfaceCall>();

  constructor(client: Client, pathPrefix: string) {
    this.#client = client;
    this.#pathPrefix = pathPrefix;
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: UnaryRequest<I, O>,
  ): Promise<UnaryResponse<I, O>> {
    return new Promise((resolve, reject) => {
      const header = new Headers();
      const trailer = new Headers();
      const call = this.#client.makeUnaryRequest(
        this.#pathOf(method),
        encoderOf(method.input),
        decoderOf(method.output),
        request.message,
        metadataOf(request.header),
        (error: ServiceError | null, message?: MessageShape<O>) => {
          if (error !== null) reject(errorOf(error));
          else if (message === undefined) reject(new ConnectError("the answer has no message", Code.Internal));
          else resolve({ stream: false, service: method.parent, method, header, message, trailer });
        },
      );
      call.on("metadata", (metadata) => copy(headersOf(metadata), header));
      call.on("status", ({ metadata }) => copy(headersOf(metadata), trailer));
      this.#track(call, request.signal);
    });
  }

  async stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    request: StreamRequest<I, O>,
  ): Promise<StreamResponse<I, O>> {
    if (method.methodKind !== "server_streaming") {
      throw new ConnectError(`${method.name} takes a stream, which this transport does not send`, Code.Unimplemented);
    }
    const call = this.#client.makeServerStreamRequest(
      this.#pathOf(method),
      encoderOf(method.input),
      decoderOf(method.output),
      await onlyMessage(request.message),
      metadataOf(request.header),
    );
    this.#track(call, request.signal);
    // The status comes once, after everything else, whatever becomes of the call; without a listener the event of an
    // error would end the process.
    const ended = new Promise<StatusObject>((resolve) => call.once("status", resolve));
    call.on("error", () => {});
    const begun = new Promise<Metadata>((resolve) => call.once("metadata", resolve));
    const header = await Promise.race([begun, ended.then(assertOk)]);
    const trailer = new Headers();
    return { ...request, header: headersOf(header), trailer, message: messagesOf(call, ended, trailer) };
  }

  close(): void {
    for (const call of this.#active) call.cancel();
    this.#client.close();
  }

  #track(call: SurfaceCall, signal: AbortSignal): void {
    this.#active.add(call);
    call.once("status", () => this.#active.delete(call));
    if (signal.aborted) call.cancel();
    else signal.addEventListener("abort", () => call.cancel(), { once: true });
  }

  #pathOf(method: DescMethodUnary | DescMethodStreaming): string {
    return `${this.#pathPrefix}/${method.parent.typeName}/${method.name}`;
  }
}

async function* messagesOf<T>(
  call: ClientReadableStream<T>,
  ended: Promise<StatusObject>,
  trailer: Headers,
): AsyncGenerator<T> {
  try {
    for await (const message of call) yield message as T;
  } catch {
    // What it is stands in the status.
  }
  copy(headersOf(assertOk(await ended)), trailer);
}

/** The trailers of a call that went well. Throws its ConnectError otherwise. */
function assertOk(ended: StatusObject): Metadata {
  if (ended.code !== status.OK) throw errorOf(ended);
  return ended.metadata;
}

async function onlyMessage<T>(messages: AsyncIterable<T>): Promise<T> {
  for await (const message of messages) return message;
  throw new ConnectError("there is no request message", Code.Internal);
}

function encoderOf<Desc extends DescMessage>(desc: Desc): (message: MessageShape<Desc>) => Buffer {
  return (message) => Buffer.from(toBinary(desc, message));
}

function decoderOf<Desc extends DescMessage>(desc: Desc): (bytes: Buffer) => MessageShape<Desc> {
  return (bytes) => fromBinary(desc, bytes);
}

function copy(from: Headers, to: Headers): void {
  for (const [name, value] of from) to.append(name, value);
}
