import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { systemClock } from "../adapters/clock/system-clock.js";
import { readyCrypto } from "../adapters/wallet/wallet.js";
import { EpochService } from "../gen/zipnet/v1/epoch_service_pb.js";
import { ServerInfoService } from "../gen/zipnet/v1/server_info_service_pb.js";
import { quietLog } from "../test/support/quiet-log.js";
import { fromConnectError } from "./errors.js";
import { keys, startTestServer, until } from "./kit.test-support.js";
import { type AnyResponse, listen } from "./listener.js";

/** A certificate made for one run; undefined where openssl is missing. */
function makeCertificate(): { cert: Buffer; key: Buffer } | undefined {
  const dir = mkdtempSync(join(tmpdir(), "zipnet-tls-"));
  try {
    const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"];
    const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    execFileSync("openssl", ["req", ...kind, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
    return { cert: readFileSync(cert), key: readFileSync(key) };
  } catch {
    return undefined;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

describe("the listener", () => {
  before(readyCrypto);

  const tls = makeCertificate();
  (tls === undefined ? it.skip : it)(
    `serves gRPC and HTTP/1.1 over TLS${tls === undefined ? " (openssl is missing)" : ""}`,
    async () => {
      if (tls === undefined) return;
      const server = await startTestServer(systemClock, { options: { tls } });
      const baseUrl = `https://127.0.0.1:${server.port}`;
      const nodeOptions = { ca: tls.cert };
      for (const transport of [
        createGrpcTransport({ baseUrl, nodeOptions }),
        createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions }),
      ]) {
        const { receiver } = await createClient(ServerInfoService, transport).getServerInfo({});
        assert.equal(receiver, keys("server").hotkey);
      }
      await server.stop();
    },
  );

  it("rejects when the port is taken", async () => {
    const server = await startTestServer(systemClock);
    await assert.rejects(startTestServer(systemClock, { port: server.port }), /EADDRINUSE/);
    await server.stop();
  });

  it("frees calls that were answered before their bodies were read", async () => {
    const server = await startTestServer(systemClock, { options: { drainDeadlineMs: 60_000 } });
    const client = createClient(EpochService, createGrpcTransport({ baseUrl: server.url }));
    const unsigned = client.getEpoch({ epochId: "x".repeat(1_000_000) });
    await assert.rejects(unsigned, (error) => fromConnectError(error).reason === "UNAUTHENTICATED_CALL");
    // The connection is still there; only an open call would keep it past this.
    await server.stop();
  });

  /** A listener whose answers the test decides on, with one HTTP/1.1 call on the way. */
  async function busyListener() {
    const responses: AnyResponse[] = [];
    const listener = await listen({
      host: "127.0.0.1",
      port: 0,
      clock: systemClock,
      log: quietLog,
      handle: (_request, response) => void responses.push(response),
    });
    const answer = new Promise<string>((resolve, reject) => {
      get(
        { host: "127.0.0.1", port: listener.port, agent: false, headers: { connection: "keep-alive" } },
        (response) => {
          let text = "";
          response.on("data", (chunk: Buffer) => (text += chunk.toString()));
          response.on("end", () => resolve(text));
          response.on("error", reject);
        },
      ).on("error", reject);
    });
    await until(() => responses.length === 1);
    return { listener, answer, responses };
  }

  it("lets a call that is on the way finish, then ends its connection", async () => {
    const { listener, answer, responses } = await busyListener();
    const closed = listener.close(60_000);
    responses[0]?.end("done");
    assert.equal(await answer, "done");
    await closed;
  });

  it("cuts a call that does not end in time", async () => {
    const { listener, answer } = await busyListener();
    await Promise.all([assert.rejects(answer, /hang up|reset/), listener.close(20)]);
  });
});
