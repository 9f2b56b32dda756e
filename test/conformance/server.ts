/**
 * The conformance runner's server under test: our adapter, on which the runner's service is served instead of ours. The
 * runner starts it once for every kind of port, tells it on standard input what to serve, reads on standard output
 * where, and ends it by SIGTERM.
 */
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { inspect } from "node:util";
import { type DescMessage, type MessageShape, create, createRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ConnectError, createConnectRouter } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { systemClock } from "../../adapters/clock/system-clock.js";
import type { Log } from "../../core/ports.js";
import { errorInterceptor } from "../../rpc/serving/interceptors.js";
import { serveRouter } from "../../rpc/serving/server.js";
import { quietLog } from "../support/quiet-log.js";
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "./gen/connectrpc/conformance/v1/server_compat_pb.js";
import {
  ConformanceService,
  file_connectrpc_conformance_v1_service,
} from "./gen/connectrpc/conformance/v1/service_pb.js";
import { conformanceService } from "./service.js";

/**
 * Our own limit, which no message of the runner reaches: its error names a reason in a detail, and the runner wants none.
 * The protocol's own limit is the one that the runner sets.
 */
const MAX_REQUEST_BYTES = 16_777_216;

/** Reads one message, whose size stands before it in four bytes. */
async function readMessage<Desc extends DescMessage>(
  schema: Desc,
  input: AsyncIterable<Buffer>,
): Promise<MessageShape<Desc>> {
  let seen = Buffer.alloc(0);
  for await (const chunk of input) {
    seen = Buffer.concat([seen, chunk]);
    const end = seen.length < 4 ? Infinity : 4 + seen.readUInt32BE(0);
    if (seen.length >= end) return fromBinary(schema, seen.subarray(4, end));
  }
  throw new Error(`the input ended after ${seen.length} bytes, before a whole ${schema.typeName}`);
}

function sized(message: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(message.length);
  return Buffer.concat([size, message]);
}

/** The runner shows what its servers write to standard error. Failures that the runner asked for are not worth it. */
const log: Log = {
  ...quietLog,
  error: (facts, text) => {
    if ("err" in facts && facts.err instanceof ConnectError) return;
    process.stderr.write(`${text}: ${inspect(facts)}
`);
  },
};

/** One byte per handover in the file that all servers of a run share; the runner ends them without asking for a sum. */
function countHandover(): void {
  const file = process.env.ZIPNET_CONFORMANCE_TALLY;
  if (file !== undefined) appendFileSync(file, ".");
}

const asked = await readMessage(ServerCompatRequestSchema, process.stdin);
const router = createConnectRouter({
  interceptors: [errorInterceptor(log)],
  readMaxBytes: asked.messageReceiveLimit === 0 ? MAX_REQUEST_BYTES : asked.messageReceiveLimit,
  acceptCompression: process.env.ZIPNET_CONFORMANCE_COMPRESSED === "yes" ? [compressionGzip, compressionBrotli] : [],
  // Error details and payloads hold messages of any type.
  jsonOptions: { registry: createRegistry(file_connectrpc_conformance_v1_service) },
});
router.service(ConformanceService, conformanceService(countHandover));

const ending = new AbortController();
const creds = asked.useTls ? asked.serverCreds : undefined;
const clientCa = asked.clientTlsCert.length === 0 ? {} : { clientCa: asked.clientTlsCert };
const server = await serveRouter(
  router,
  {
    host: "127.0.0.1",
    port: 0,
    ...(creds === undefined ? {} : { tls: { cert: creds.cert, key: creds.key, ...clientCa } }),
    maxRequestBytes: MAX_REQUEST_BYTES,
    drainDeadlineMs: 0,
    clock: systemClock,
    log,
  },
  ending.signal,
);
const { port } = server;
const pemCert = creds?.cert ?? new Uint8Array();
const answer = create(ServerCompatResponseSchema, { host: "127.0.0.1", port, pemCert });
process.stdout.write(sized(toBinary(ServerCompatResponseSchema, answer)));

await once(process, "SIGTERM");
ending.abort();
await server.closed;
