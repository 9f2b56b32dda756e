/**
 * Python's grpcio, as whoever writes a miner in Python uses it, with the descriptors of the contract and nothing else.
 */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { authHeader, startServerWithEpoch } from "../e2e/stock-client.js";
import { type Testbed, missingPart } from "../e2e/testbed.js";

const run = promisify(execFile);
const CLIENT = fileURLToPath(new URL("grpcio_client.py", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const PYTHONS = ["/usr/bin/python3", "python3"];
const python = PYTHONS.find((path) => spawnSync(path, ["-c", "import grpc, google.protobuf"]).status === 0);
const missing = python === undefined ? "skipped: no Python with grpcio and protobuf" : missingPart();

interface Outcome {
  readonly messages: Record<string, unknown>[];
  readonly code: string;
  readonly message?: string;
  readonly details: { readonly reason?: string }[];
}

(missing === undefined ? describe : describe.skip)(`grpcio${missing === undefined ? "" : ` (${missing})`}`, () => {
  let testbed: Testbed;
  let dir = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "zipnet-grpcio-"));
    await run("npx", ["buf", "build", "--as-file-descriptor-set", "-o", join(dir, "contract.binpb")], { cwd: ROOT });
    testbed = await startServerWithEpoch();
  });
  after(async () => {
    await testbed[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  /** Calls; a stream is read up to the first message with the field `last`. */
  async function call(method: string, request: object, headers: readonly string[], last = ""): Promise<Outcome> {
    const { host } = new URL(testbed.serverUrl);
    const args = [CLIENT, host, join(dir, "contract.binpb"), method, JSON.stringify(request), last, ...headers];
    const { stdout } = await run(python ?? "", args, { timeout: 40_000 });
    const lines = stdout.trim().split("\n");
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    return { messages: parsed.slice(0, -1), ...(parsed.at(-1) as Omit<Outcome, "messages">) };
  }

  it("calls without a signature what needs none", async () => {
    const health = await call("grpc.health.v1.Health/Check", { service: "zipnet.v1.EpochService" }, []);
    assert.deepEqual(health.messages, [{ status: "SERVING" }]);
    const info = await call("zipnet.v1.ServerInfoService/GetServerInfo", {}, []);
    assert.equal(info.messages[0]?.recordSigner, testbed.plan.ownerHotkey);
  });

  it("reads epochs with the headers that the command prints", async () => {
    const method = "zipnet.v1.EpochService/GetEpoch";
    for (const request of [{ includeDecoded: true }, { epochId: testbed.plan.firstEpochId, includeDecoded: true }]) {
      const { messages } = await call(method, request, await authHeader(testbed, method, request));
      const { id } = (messages[0] ?? {}).decoded as { id: string };
      assert.equal(id, testbed.plan.firstEpochId);
    }
  });

  it("follows the stream and resumes it behind a token", async () => {
    const method = "zipnet.v1.EpochService/WatchEpochs";
    const { messages } = await call(method, {}, await authHeader(testbed, method, {}), "caught_up");
    assert.deepEqual(
      messages.map(({ started, epoch, caughtUp }) =>
        [started, epoch, caughtUp].findIndex((event) => event !== undefined),
      ),
      [0, 1, 2],
    );
    const request = { resumeToken: messages[1]?.resumeToken };
    const resumed = await call(method, request, await authHeader(testbed, method, request), "caught_up");
    const [first = {}, ...others] = resumed.messages;
    assert.equal((first.started as { mode: string }).mode, "START_MODE_RESUMED");
    assert.equal(others.length, 1);
  });

  it("is refused with reasons that it can read", async () => {
    const unsigned = await call("zipnet.v1.EpochService/GetEpoch", {}, []);
    assert.equal(unsigned.code, "UNAUTHENTICATED");
    assert.equal(unsigned.details[0]?.reason, "UNAUTHENTICATED_CALL");
    const method = "zipnet.v1.JudgingService/GetSnapshot";
    const request = { epochId: testbed.plan.firstEpochId };
    const refused = await call(method, request, await authHeader(testbed, method, request));
    assert.equal(refused.code, "PERMISSION_DENIED");
    assert.equal(refused.details[0]?.reason, "ROLE_NOT_ALLOWED");
    assert.match(refused.message ?? "", /validator/);
  });

  it("ends a stream with the reason why", async () => {
    const method = "zipnet.v1.EpochService/WatchEpochs";
    const request = { resumeToken: "AAAA" };
    const refused = await call(method, request, await authHeader(testbed, method, request), "caught_up");
    assert.deepEqual([refused.code, refused.messages], ["INVALID_ARGUMENT", []]);
    assert.equal(refused.details[0]?.reason, "RESUME_TOKEN_MALFORMED");
  });
});
