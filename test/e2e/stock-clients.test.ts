/**
 * Clients that know nothing of our code: grpc-js with the plain .proto files, and buf curl, a Go client, with
 * reflection and all three protocols.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
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
}

/** Cancelling a call ends its stream with an error, which is what was asked for. */
function cancel(stream: grpc.ClientReadableStream<unknown>): void {
  stream.on("error", () => {});
  stream.cancel();
}

/** A grpc-js client of one of our services, from the .proto files alone. */
function stockClient(testbed: Testbed, service: "EpochService" | "ServerInfoService"): StockClient {
  const files = ["epoch_service.proto", "server_info_service.proto"].map((file) => `zipnet/v1/${file}`);
  const loaded = loadSync(files, { includeDirs: [`${ROOT}proto`], keepCase: true, longs: String, oneofs: true });
  const { zipnet } = grpc.loadPackageDefinition(loaded) as unknown as {
    zipnet: { v1: Record<string, new (address: string, credentials: grpc.ChannelCredentials) => StockClient> };
  };
  const Client = zipnet.v1[service] ?? assert.fail();
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
        client = stockClient(testbed, "EpochService");
      });
      after(() => client.close());

      it("reads the server's info without a signature", async () => {
        const info = stockClient(testbed, "ServerInfoService");
        const answer = await answerOf((callback) => info.getServerInfo({}, callback));
        assert.equal(answer.record_signer, testbed.plan.ownerHotkey);
        assert.equal(answer.newest_epoch_id, testbed.plan.firstEpochId);
        info.close();
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
      const curl = async (...args: string[]): Promise<string> => {
        const { stdout } = await run("npx", ["buf", "curl", "--http2-prior-knowledge", ...args], { cwd: ROOT });
        return stdout;
      };

      for (const protocol of ["grpc", "grpcweb", "connect"]) {
        it(`calls over ${protocol}`, async () => {
          const url = `${testbed.serverUrl}/zipnet.v1.ServerInfoService/GetServerInfo`;
          const answer = JSON.parse(await curl("--protocol", protocol, url)) as Record<string, unknown>;
          assert.equal(answer.recordSigner, testbed.plan.ownerHotkey);
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
