/**
 * grpcurl, as an operator uses it to look into a server.
 */
import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { authHeader, startServerWithEpoch } from "../e2e/stock-client.js";
import { type Testbed, missingPart } from "../e2e/testbed.js";

const run = promisify(execFile);
const noGrpcurl = spawnSync("grpcurl", ["--version"]).error !== undefined;
const missing = noGrpcurl ? "skipped: no grpcurl is on the path" : missingPart();

(missing === undefined ? describe : describe.skip)(`grpcurl${missing === undefined ? "" : ` (${missing})`}`, () => {
  let testbed: Testbed;
  let host = "";
  before(async () => {
    testbed = await startServerWithEpoch();
    host = new URL(testbed.serverUrl).host;
  });
  after(() => testbed[Symbol.asyncDispose]());

  async function grpcurl(...args: string[]): Promise<string> {
    return (await run("grpcurl", ["-plaintext", ...args])).stdout;
  }

  async function headers(method: string, data: object, who?: string): Promise<string[]> {
    return (await authHeader(testbed, method, data, who)).flatMap((header) => ["-H", header]);
  }

  it("lists services", async () => {
    const listed = (await grpcurl(host, "list")).trim().split("\n");
    assert.deepEqual(listed, [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "zipnet.v1.EpochService",
      "zipnet.v1.JudgingService",
      "zipnet.v1.ServerInfoService",
      "zipnet.v1.SubmissionService",
    ]);
  });

  it("describes a service and a message", async () => {
    assert.match(await grpcurl(host, "describe", "zipnet.v1.EpochService"), /rpc WatchEpochs .*stream/);
    assert.match(await grpcurl(host, "describe", "zipnet.v1.Epoch"), /string nonce = 9;/);
  });

  it("calls without a signature what needs none", async () => {
    const info = JSON.parse(await grpcurl(host, "zipnet.v1.ServerInfoService/GetServerInfo")) as { netuid: number };
    assert.equal(info.netuid, 1);
    assert.match(await grpcurl(host, "grpc.health.v1.Health/Check"), /SERVING/);
  });

  it("calls with the headers that the command prints", async () => {
    const method = "zipnet.v1.EpochService/GetEpoch";
    const data = { includeDecoded: true };
    const answer = await grpcurl(...(await headers(method, data)), "-d", JSON.stringify(data), host, method);
    const { decoded } = JSON.parse(answer) as { decoded: { id: string } };
    assert.equal(decoded.id, testbed.plan.firstEpochId);
  });

  it("prints a refusal that a person understands", async () => {
    const method = "zipnet.v1.JudgingService/GetSnapshot";
    const data = { epochId: testbed.plan.firstEpochId };
    const signed = await headers(method, data);
    await assert.rejects(grpcurl(...signed, "-d", JSON.stringify(data), host, method), (error: { stderr: string }) => {
      assert.match(error.stderr, /PermissionDenied/);
      assert.match(error.stderr, /ROLE_NOT_ALLOWED/);
      assert.match(error.stderr, /validator/);
      return true;
    });
  });

  it("follows the stream", async () => {
    const method = "zipnet.v1.EpochService/WatchEpochs";
    const child = spawn("grpcurl", ["-plaintext", ...(await headers(method, {})), "-d", "{}", host, method]);
    let seen = "";
    child.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      // The stream never ends by itself.
      if (seen.includes("caughtUp")) child.kill();
    });
    await once(child, "exit");
    assert.match(seen, /"started".*"epoch".*"caughtUp"/s);
  });
});
