/**
 * What a page does with our services by @connectrpc/connect-web. It is bundled for the browser, so it imports only the
 * contract and the library.
 */
import { type DescMethod, type MessageInitShape, create, fromBinary, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { EpochService, type WatchEpochsResponse } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { JudgingService } from "../../gen/zipnet/v1/judging_service_pb.js";

/** How the page calls. */
export interface Way {
  readonly protocol: "grpc-web" | "connect";
  readonly useBinaryFormat: boolean;
}

/** What the page saw. */
export interface Seen {
  readonly epochId: string | undefined;
  readonly events: (string | undefined)[];
  /** Epoch that the stream told. */
  readonly watched: string | undefined;
  readonly refusal: { readonly code: string; readonly reason: string | undefined; readonly message: string };
}

/** Headers that sign one call, as the command prints them: "name:value". */
type Sign = (method: string, requestJson: string) => Promise<string[]>;

async function callServer(baseUrl: string, way: Way): Promise<Seen> {
  const options = { baseUrl, useBinaryFormat: way.useBinaryFormat };
  const transport = way.protocol === "connect" ? createConnectTransport(options) : createGrpcWebTransport(options);
  const epochs = createClient(EpochService, transport);

  const getEpoch = { includeDecoded: true };
  const { decoded } = await epochs.getEpoch(getEpoch, await signed(EpochService.method.getEpoch, getEpoch));

  const events: WatchEpochsResponse["event"][] = [];
  const end = new AbortController();
  const signal = end.signal;
  const call = { ...(await signed(EpochService.method.watchEpochs, {})), signal };
  for await (const { event } of epochs.watchEpochs({}, call)) {
    events.push(event);
    if (event.case === "caughtUp") break;
  }
  end.abort();
  const told = events.flatMap((event) => (event.case === "epoch" ? [event.value] : []))[0];

  const getSnapshot = { epochId: decoded?.id ?? "" };
  const refusal = await createClient(JudgingService, transport)
    .getSnapshot(getSnapshot, await signed(JudgingService.method.getSnapshot, getSnapshot))
    .then(() => undefined, ConnectError.from);
  return {
    epochId: decoded?.id,
    events: events.map((event) => event.case),
    watched: told === undefined ? undefined : fromBinary(EpochSchema, told.payload).id,
    refusal: {
      code: refusal === undefined ? "none" : Code[refusal.code],
      reason: refusal?.findDetails(ErrorInfoSchema)[0]?.reason,
      message: refusal?.rawMessage ?? "",
    },
  };
}

async function signed<Method extends DescMethod>(
  method: Method,
  request: MessageInitShape<Method["input"]>,
): Promise<{ headers: [string, string][] }> {
  const { sign } = globalThis as unknown as { sign: Sign };
  const json = toJsonString(method.input, create(method.input, request));
  const headers = await sign(`${method.parent.typeName}/${method.name}`, json);
  return { headers: headers.map((header) => header.split(/:(.*)/s).slice(0, 2) as [string, string]) };
}

Object.assign(globalThis, { callServer });
