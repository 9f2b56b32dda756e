/**
 * Clients that know nothing of our code: grpc-js with the plain .proto files, and buf curl, a Go client, with
 * reflection and all three protocols.
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { HealthCheckResponse_ServingStatus } from "../../gen/health/v1/health_pb.js";
import { authHeader, startServerWithEpoch } from "./stock-client.js";
import { type Testbed, missingPart } from "./testbed.js";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const missing = missingPart();

type Callback = (error: grpc.ServiceError | null, answer: Record<string, unknown>) => void;
interface StockClient extends grpc.Client {
  getServerInfo(request: object, callback: Callback): void;
  getEpoch(request: object, metadata: grpc.Metadata, callback: Callback): void;
  watchEpochs(request: object, metadata: grpc.Metadata): grpc.ClientReadableStream<Record<string, unknown>>;
  check(request: object, callback: Callback): void;
  serverReflectionInfo(): grpc.ClientDuplexStream<object, Record<string, unknown>>;
}

/** Cancelling a call ends its stream with an error, which is what was asked for. */
function cancel(stream: grpc.ClientReadableStream<unknown>): void {
  stream.on("error", () => {});
  stream.cancel();
}

/** Where the .proto files of a service are: a folder of imports and a file in it. */
const PROTOS = {
  "zipnet.v1.EpochService": ["proto", "zipnet/v1/epoch_service.proto"],
  "zipnet.v1.ServerInfoService": ["proto", "zipnet/v1/server_info_service.proto"],
  "grpc.health.v1.Health": ["node_modules/grpc-health-check/proto", "health/v1/health.proto"],
  "grpc.reflection.v1.ServerReflection": [
    "node_modules/@grpc/reflection/build/proto",
    "grpc/reflection/v1/reflection.proto",
  ],
} as const;

/** A grpc-js client of a service, from the .proto files alone. */
function stockClient(testbed: Testbed, service: keyof typeof PROTOS): StockClient {
  const [folder, file] = PROTOS[service];
  const loaded = loadSync(file, { includeDirs: [ROOT + folder], keepCase: true, longs: String, oneofs: true });
  const definition = loaded[service] as unknown as grpc.ServiceDefinition;
  const Client = grpc.makeClientConstructor(definition, service) as unknown as new (
    address: string,
    credentials: grpc.ChannelCredentials,
  ) => StockClient;
  return new Client(new URL(testbed.serverUrl).host, grpc.credentials.createInsecure());
}

async function signed(testbed: Testbed, method: string, data: object): Promise<grpc.Metadata> {
  const metadata = new grpc.Metadata();
  for (const header of await authHeader(testbed, method, data)) {
    const [name = "", value = ""] = header.split(/:(.*)/s);
    metadata.set(name, value);
  }
  return metadata;
}

function answerOf(call: (callback: Callback) => void): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    call((error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}

(missing === undefined ? describe : describe.skip)(
  `stock clients${missing === undefined ? "" : ` (${missing})`}`,
  function () {
    this.timeout(60_000);
    let testbed: Testbed;
    before(async () => {
      testbed = await startServerWithEpoch();
    });
    after(() => testbed[Symbol.asyncDispose]());

    describe("@grpc/grpc-js with the plain .proto files", () => {
      let client: StockClient;
      before(() => {
        client = stockClient(testbed, "zipnet.v1.EpochService");
      });
      after(() => client.close());

      it("reads the server's info without a signature", async () => {
        const info = stockClient(testbed, "zipnet.v1.ServerInfoService");
        const answer = await answerOf((callback) => info.getServerInfo({}, callback));
        assert.equal(answer.record_signer, testbed.plan.ownerHotkey);
        assert.equal(answer.newest_epoch_id, testbed.plan.firstEpochId);
        info.close();
      });

      it("asks whether a service is up", async () => {
        const health = stockClient(testbed, "grpc.health.v1.Health");
        const answer = await answerOf((callback) => health.check({ service: "zipnet.v1.EpochService" }, callback));
        assert.equal(answer.status, HealthCheckResponse_ServingStatus.SERVING);
        health.close();
      });

      it("lists and describes services by reflection", async () => {
        const reflection = stockClient(testbed, "grpc.reflection.v1.ServerReflection");
        const stream = reflection.serverReflectionInfo();
        const ask = async (question: object): Promise<Record<string, unknown>> => {
          stream.write(question);
          const [answer] = (await once(stream, "data")) as [Record<string, unknown>];
          return answer[answer.message_response as string] as Record<string, unknown>;
        };
        const { service } = await ask({ list_services: "" });
        assert.ok((service as { name: string }[]).some(({ name }) => name === "zipnet.v1.EpochService"));
        const { file_descriptor_proto } = await ask({ file_containing_symbol: "zipnet.v1.EpochService" });
        const files = (file_descriptor_proto as Buffer[]).map((file) => fromBinary(FileDescriptorProtoSchema, file));
        const methods = files.flatMap((file) => file.service).flatMap(({ method }) => method);
        assert.equal(methods.find(({ name }) => name === "WatchEpochs")?.serverStreaming, true);
        stream.end();
        reflection.close();
      });

      it("reads an epoch with the headers that the command prints", async () => {
        const metadata = await signed(testbed, "zipnet.v1.EpochService/GetEpoch", { includeDecoded: true });
        const answer = await answerOf((callback) => client.getEpoch({ include_decoded: true }, metadata, callback));
        const decoded = answer.decoded as { id: string; expected_listings: number };
        assert.equal(decoded.id, testbed.plan.firstEpochId);
        assert.ok(Math.abs(decoded.expected_listings - 400) <= 40);
      });

      it("is refused without a signature, and when the same call comes twice", async () => {
        const refused = { code: grpc.status.UNAUTHENTICATED };
        const metadata = await signed(testbed, "zipnet.v1.EpochService/GetEpoch", {});
        await assert.rejects(
          answerOf((callback) => client.getEpoch({}, new grpc.Metadata(), callback)),
          refused,
        );
        await answerOf((callback) => client.getEpoch({}, metadata, callback));
        await assert.rejects(
          answerOf((callback) => client.getEpoch({}, metadata, callback)),
          refused,
        );
      });

      it("follows the stream and resumes it behind a token", async () => {
        const method = "zipnet.v1.EpochService/WatchEpochs";
        const stream = client.watchEpochs({}, await signed(testbed, method, {}));
        const events: Record<string, unknown>[] = [];
        for await (const message of stream as AsyncIterable<Record<string, unknown>>) {
          events.push(message);
          if (message.event === "caught_up") break;
        }
        cancel(stream);
        assert.deepEqual(
          events.map(({ event }) => event),
          ["started", "epoch", "caught_up"],
        );
        const token = events[1]?.resume_token as Buffer;
        const again = await signed(testbed, method, { resumeToken: token.toString("base64") });
        const resumed = client.watchEpochs({ resume_token: token }, again);
        const [started] = (await once(resumed, "data")) as [Record<string, unknown>];
        const [next] = (await once(resumed, "data")) as [Record<string, unknown>];
        cancel(resumed);
        assert.deepEqual(started.started, {
          mode: 2,
          bookmark_interval_ms: (started.started as Record<string, unknown>).bookmark_interval_ms,
        });
        assert.equal(next.event, "caught_up");
      });
    });

    describe("buf curl with reflection", () => {
      const buf = `${ROOT}node_modules/.bin/buf`;
      const curl = async (...args: string[]): Promise<string> => {
        const { stdout } = await run(buf, ["curl", "--http2-prior-knowledge", ...args]);
        return stdout;
      };

      /** The arguments of a call, signed. */
      async function signedCall(method: string, data: object): Promise<string[]> {
        const headers = (await authHeader(testbed, method, data)).flatMap((header) => ["--header", header]);
        return [...headers, "--data", JSON.stringify(data), `${testbed.serverUrl}/${method}`];
      }

      /** What a call prints up to a text, after which it is cut. */
      async function curlUntil(text: string, ...args: string[]): Promise<string> {
        // A process group of its own, because the command is a script that starts the program.
        const child = spawn(buf, ["curl", "--http2-prior-knowledge", ...args], { detached: true });
        let seen = "";
        for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
          seen += chunk.toString();
          if (seen.includes(text)) break;
        }
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid);
        return seen;
      }

      for (const protocol of ["grpc", "grpcweb", "connect"]) {
        it(`describes and calls over ${protocol}`, async () => {
          const described = await curl("--protocol", protocol, "--list-methods", testbed.serverUrl);
          assert.ok(described.split("\n").includes("zipnet.v1.EpochService/WatchEpochs"));
          const url = `${testbed.serverUrl}/zipnet.v1.ServerInfoService/GetServerInfo`;
          const answer = JSON.parse(await curl("--protocol", protocol, url)) as Record<string, unknown>;
          assert.equal(answer.recordSigner, testbed.plan.ownerHotkey);
          assert.match(
            await curl("--protocol", protocol, `${testbed.serverUrl}/grpc.health.v1.Health/Check`),
            /SERVING/,
          );
        });

        it(`reads an epoch and follows the stream over ${protocol}`, async () => {
          const getEpoch = await signedCall("zipnet.v1.EpochService/GetEpoch", { includeDecoded: true });
          const answer = JSON.parse(await curl("--protocol", protocol, ...getEpoch)) as { decoded: { id: string } };
          assert.equal(answer.decoded.id, testbed.plan.firstEpochId);
          const watch = await signedCall("zipnet.v1.EpochService/WatchEpochs", {});
          const seen = await curlUntil("caughtUp", "--protocol", protocol, ...watch);
          assert.match(seen, /"started".*"epoch".*"caughtUp"/s);
        });

        it(`prints a refusal with its details over ${protocol}`, async () => {
          const call = await signedCall("zipnet.v1.JudgingService/GetSnapshot", { epochId: testbed.plan.firstEpochId });
          await assert.rejects(curl("--protocol", protocol, ...call), (error: { stderr: string }) => {
            const { code, details } = JSON.parse(error.stderr) as { code: string; details: { value: string }[] };
            const info = fromBinary(ErrorInfoSchema, Buffer.from(details[0]?.value ?? "", "base64"));
            assert.deepEqual([code, info.reason], ["permission_denied", "ROLE_NOT_ALLOWED"]);
            return true;
          });
        });
      }

      it("lists services by both versions of reflection", async () => {
        for (const version of ["grpc-v1", "grpc-v1alpha"]) {
          const listed = await curl("--reflect-protocol", version, "--list-services", testbed.serverUrl);
          for (const service of ["zipnet.v1.EpochService", "zipnet.v1.JudgingService", "grpc.health.v1.Health"]) {
            assert.ok(listed.includes(service), `${service} by ${version}`);
          }
        }
      });
    });

    it("plain curl over HTTP/1.1 reads JSON", async () => {
      const response = await fetch(`${testbed.serverUrl}/zipnet.v1.ServerInfoService/GetServerInfo`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}",
      });
      assert.equal(response.status, 200);
      assert.equal(((await response.json()) as Record<string, unknown>).network, "local");
    });
  },
);
