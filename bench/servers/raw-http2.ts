/**
 * Bare node:http2 with one buffer for all streams: what Node can do when nothing stands in between. Its first argument
 * says by which of node's two interfaces: "core" (streams) or "compat" (requests and responses).
 */
import {
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  createServer,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { Epochs, GET_EPOCH, bookmark, serverKey, watchFrame } from "../harness/network.js";
import { getEpochFrame } from "./answers.js";
import { nowNs, serveCommands } from "./control.js";

const HEADERS = { "content-type": "application/grpc+proto" };
const TRAILERS = { "grpc-status": "0" };
const EPOCH_SECONDS = 14_400;

type Write = (frame: Buffer) => void;

const open = new Set<Write>();

function onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, answer: Buffer, first: Buffer): void {
  stream.on("error", () => {});
  stream.resume();
  if (headers[":path"] === GET_EPOCH) {
    stream.respond({ ":status": 200, ...HEADERS }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers(TRAILERS));
    stream.end(answer);
    return;
  }
  const write: Write = (frame) => void stream.write(frame);
  stream.respond({ ":status": 200, ...HEADERS });
  write(first);
  open.add(write);
  stream.once("close", () => open.delete(write));
}

function onRequest(request: Http2ServerRequest, response: Http2ServerResponse, answer: Buffer, first: Buffer): void {
  request.resume();
  response.on("error", () => {});
  response.writeHead(200, HEADERS);
  if (request.url === GET_EPOCH) {
    response.addTrailers(TRAILERS);
    response.end(answer);
    return;
  }
  const write: Write = (frame) => void response.write(frame);
  write(first);
  open.add(write);
  response.once("close", () => open.delete(write));
}

async function main(kind: string | undefined): Promise<void> {
  const epochs = new Epochs(await serverKey(), EPOCH_SECONDS);
  const answer = getEpochFrame(epochs.record(epochs.first));
  const first = watchFrame(bookmark());
  const server = createServer();
  if (kind === "core") server.on("stream", (stream, headers) => onStream(stream, headers, answer, first));
  else server.on("request", (request, response) => onRequest(request, response, answer, first));
  server.on("sessionError", () => {});
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve));
  let number = epochs.first;
  const publish = (): number => {
    const message = epochs.message((number += 1));
    const startNs = nowNs();
    const frame = watchFrame(message);
    for (const write of open) write(frame);
    return startNs;
  };
  serveCommands({ port: (server.address() as AddressInfo).port, openingMessages: 1 }, { publish });
}

await main(process.argv[2]);
