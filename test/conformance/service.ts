/**
 * The service that the conformance runner calls: it answers what each request asks for, and tells what it received.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type DescMessage, type MessageInitShape, type MessageShape, create, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { type OpenStream, envelope, streamEnd, takeHandover } from "../../rpc/stream/handover.js";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  type ConformancePayloadSchema,
  ConformancePayload_RequestInfoSchema,
  type ConformanceService,
  type Error as AskedError,
  type Header,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  ServerStreamResponseSchema,
  type StreamResponseDefinition,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
} from "./gen/connectrpc/conformance/v1/service_pb.js";

type Payload = MessageInitShape<typeof ConformancePayloadSchema>;
type RequestInfo = MessageInitShape<typeof ConformancePayload_RequestInfoSchema>;

/** Header fields as the runner writes them. */
function headersOf(fields: Headers | URLSearchParams): { name: string; value: string[] }[] {
  return [...fields].map(([name, value]) => ({ name, value: value.split(",").map((part) => part.trim()) }));
}

/** What was received up to now. */
function infoOf(context: HandlerContext, requests: Any[]): RequestInfo {
  const timeoutMs = context.timeoutMs();
  const isGet = context.requestMethod === "GET";
  return {
    requestHeaders: headersOf(context.requestHeader),
    requests,
    ...(timeoutMs === undefined ? {} : { timeoutMs: BigInt(Math.round(timeoutMs)) }),
    ...(isGet ? { connectGetInfo: { queryParams: headersOf(new URL(context.url).searchParams) } } : {}),
  };
}

function setMetadata(
  context: HandlerContext,
  asked: { readonly responseHeaders: Header[]; readonly responseTrailers: Header[] },
): void {
  const add = (target: Headers, fields: Header[]): void => {
    for (const { name, value } of fields) for (const each of value) target.append(name, each);
  };
  add(context.responseHeader, asked.responseHeaders);
  add(context.responseTrailer, asked.responseTrailers);
}

/** The error that is asked for; info goes with it where no message has told it. */
function errorOf(asked: AskedError, info?: RequestInfo): ConnectError {
  // The codes of gRPC have the same numbers everywhere.
  const code = Code[Code[asked.code] as keyof typeof Code];
  const error = new ConnectError(asked.message ?? "", code);
  error.details = asked.details.map(({ typeUrl, value }) => ({ type: typeUrl.replace(/^.*\//, ""), value }));
  if (info !== undefined) error.details.push({ desc: ConformancePayload_RequestInfoSchema, value: info });
  return error;
}

/** Waits as long as asked, but not past the call's own end. */
async function delay(ms: number, { signal }: HandlerContext): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

async function single(
  asked: UnaryResponseDefinition | undefined,
  context: HandlerContext,
  requests: Any[],
): Promise<{ payload: Payload }> {
  const requestInfo = infoOf(context, requests);
  if (asked === undefined) return { payload: { requestInfo } };
  setMetadata(context, asked);
  await delay(asked.responseDelayMs, context);
  const { response } = asked;
  if (response.case === "error") throw errorOf(response.value, requestInfo);
  return { payload: { requestInfo, ...(response.case === undefined ? {} : { data: response.value }) } };
}

function unary<Desc extends DescMessage>(schema: Desc) {
  return (
    request: MessageShape<Desc> & { readonly responseDefinition?: UnaryResponseDefinition | undefined },
    context: HandlerContext,
  ): Promise<{ payload: Payload }> => single(request.responseDefinition, context, [anyPack(schema, request)]);
}

/** Writes all but the first message, and the end, on a stream that was taken. */
async function writeRest(
  stream: OpenStream,
  { responseData, responseDelayMs, error }: StreamResponseDefinition,
  context: HandlerContext,
): Promise<void> {
  for (const data of responseData.slice(1)) {
    await sleep(responseDelayMs);
    stream.write(
      envelope(toBinary(ServerStreamResponseSchema, create(ServerStreamResponseSchema, { payload: { data } }))),
    );
  }
  stream.end(streamEnd(error === undefined ? undefined : errorOf(error), context.responseTrailer));
}

/** Implements the service. Unimplemented is left out: the adapter has to say so. onTaken: called for every handover. */
export const conformanceService = (onTaken: () => void): Partial<ServiceImpl<typeof ConformanceService>> => ({
  unary: unary(UnaryRequestSchema),
  idempotentUnary: unary(IdempotentUnaryRequestSchema),

  async clientStream(requests, context) {
    const received: Any[] = [];
    let asked: UnaryResponseDefinition | undefined;
    for await (const request of requests) {
      if (received.length === 0) asked = request.responseDefinition;
      received.push(anyPack(ClientStreamRequestSchema, request));
    }
    return await single(asked, context, received);
  },

  async *serverStream(request, context) {
    const asked = request.responseDefinition;
    if (asked === undefined) return;
    setMetadata(context, asked);
    const requestInfo = infoOf(context, [anyPack(ServerStreamRequestSchema, request)]);
    const isTaken =
      asked.responseData.length > 0 &&
      takeHandover(context, (stream) => {
        onTaken();
        void writeRest(stream, asked, context);
      });
    for (const [index, data] of asked.responseData.entries()) {
      await delay(asked.responseDelayMs, context);
      yield { payload: index === 0 ? { data, requestInfo } : { data } };
      if (isTaken) return;
    }
    if (asked.error !== undefined)
      throw errorOf(asked.error, asked.responseData.length === 0 ? requestInfo : undefined);
  },

  async *bidiStream(requests, context) {
    let first: MessageShape<typeof BidiStreamRequestSchema> | undefined;
    let received: Any[] = [];
    let sent = 0;
    // In a full duplex, messages after the first tell only what came since the last.
    const next = async (): Promise<{ payload: Payload }> => {
      const { responseDelayMs = 0, responseData = [] } = first?.responseDefinition ?? {};
      await delay(responseDelayMs, context);
      const requestInfo = sent === 0 ? infoOf(context, received) : { requests: received };
      const data = responseData[sent] ?? new Uint8Array();
      const tells = sent === 0 || received.length > 0;
      received = [];
      sent += 1;
      return { payload: tells ? { data, requestInfo } : { data } };
    };
    for await (const request of requests) {
      received.push(anyPack(BidiStreamRequestSchema, request));
      if (first === undefined) {
        first = request;
        if (first.responseDefinition !== undefined) setMetadata(context, first.responseDefinition);
      }
      if (!first.fullDuplex) continue;
      if (sent >= (first.responseDefinition?.responseData.length ?? 0)) break;
      yield await next();
    }
    const asked = first?.responseDefinition;
    if (asked === undefined) return;
    while (sent < asked.responseData.length) yield await next();
    if (asked.error !== undefined) throw errorOf(asked.error, sent === 0 ? infoOf(context, received) : undefined);
  },
});
