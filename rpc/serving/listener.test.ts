import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, get } from "node:http";
import { connect as connectHttp2, constants } from "node:http2";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { EpochService } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { ServerInfoService } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { fromConnectError } from "../errors.js";
import { keys, startTestServer, until } from "../kit.test-support.js";
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

/** A caller over TLS that reads nothing until released, and between hold and release sends nothing. */
async function slowTlsCaller(port: number): Promise<{ socket: Socket; hold(): void; release(): void }> {
  const raw = connect(port, "127.0.0.1");
  const between = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      raw.write(chunk as Buffer);
      done();
    },
  });
  raw.on("data", (chunk: Buffer) => between.push(chunk));
  raw.once("close", () => between.destroy());
  const socket = connectTls({ socket: between, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
  await once(socket, "secureConnect");
  raw.pause();
  return {
    socket,
    hold: () => raw.cork(),
    release() {
      raw.uncork();
      socket.resume();
      raw.resume();
    },
  };
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
        const client = createClient(ServerInfoService, transport);
        assert.equal((await client.getServerInfo({})).receiver, keys("server").hotkey);
        const large = client.getServerInfo({}, { headers: { "x-large": "x".repeat(20_000) } });
        await assert.rejects(large, /the headers have \d{5} bytes/);
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

  it("takes the next HTTP/1.1 call of a connection after one that it answered before reading it", async () => {
    const server = await startTestServer(systemClock, { options: { maxRequestBytes: 1_000 } });
    const socket = connect(server.port, "127.0.0.1");
    let received = "";
    socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
    const head =
      "POST /zipnet.v1.ServerInfoService/GetServerInfo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`);
    await until(() => received.includes("at most 1000 are taken"));
    socket.write(`${chunk.repeat(3)}0\r\n\r\n${head}Content-Length: 2\r\n\r\n{}`);
    await until(() => received.includes(keys("server").hotkey));
    socket.destroy();
    await server.stop();
  });

  (tls === undefined ? it.skip : it)(
    `reads on over TLS when a caller was paused within a request${tls === undefined ? " (openssl is missing)" : ""}`,
    async () => {
      const calls: string[] = [];
      const listener = await listen({
        host: "127.0.0.1",
        port: 0,
        ...(tls === undefined ? {} : { tls }),
        clock: systemClock,
        log: quietLog,
        handle(request, response) {
          let body = "";
          request.on("data", (chunk: Buffer) => (body += chunk.toString()));
          request.on("end", () => {
            calls.push(body);
            // More than the caller, who is not reading, lets through.
            response.end(Buffer.alloc(8_000_000));
          });
        },
      });
      const { socket, hold, release } = await slowTlsCaller(listener.port);
      const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
      socket.write(`${head}first`);
      await until(() => calls.length === 1);
      // Headers and body are two records of TLS that arrive at once.
      hold();
      socket.write(head);
      socket.write("again");
      await until(() => socket.writableLength === 0);
      release();
      await until(() => calls.length === 2);
      assert.deepEqual(calls, ["first", "again"]);
      socket.destroy();
      await listener.close(0);
    },
  );

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

  it("refuses a deadline that no timer can hold, and harms no other call", async () => {
    const server = await startTestServer(systemClock);
    const session = connectHttp2(server.url);
    const answerTo = async (timeout: string): Promise<string> => {
      const stream = session.request({
        ":method": "POST",
        ":path": "/zipnet.v1.ServerInfoService/GetServerInfo",
        "content-type": "application/grpc",
        "grpc-timeout": timeout,
        te: "trailers",
      });
      let status = "";
      const note = (headers: IncomingHttpHeaders): void => {
        if (headers["grpc-status"] !== undefined) {
          status = `${headers["grpc-status"].toString()} ${decodeURIComponent(String(headers["grpc-message"]))}`;
        }
      };
      stream.on("response", note).on("trailers", note);
      stream.end(Buffer.alloc(5));
      stream.resume();
      await once(stream, "close");
      return status;
    };
    const [tooLong, longest] = await Promise.all([answerTo("99999999H"), answerTo("2147483S")]);
    assert.match(tooLong, /^3 the deadline is 359999996400000 ms away, but at most 2147483647 ms are allowed/);
    assert.match(longest, /^0 /);
    session.close();
    await server.stop();
  });

  it("ends a connection whose caller opens streams only to give them up, and harms no other", async () => {
    const server = await startTestServer(systemClock);
    const other = createClient(ServerInfoService, createGrpcTransport({ baseUrl: server.url }));
    await other.getServerInfo({});
    const session = connectHttp2(server.url).on("error", () => {});
    const codes: number[] = [];
    session.on("goaway", (code) => codes.push(code));
    const closed = new Promise<void>((resolve) => void session.once("close", resolve));
    await once(session, "connect");
    const path = "/zipnet.v1.ServerInfoService/GetServerInfo";
    for (let sent = 0; !session.destroyed; sent += 1) {
      assert.ok(sent < 20_000, "nobody ends it");
      const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });
      stream.on("error", () => {}).close(constants.NGHTTP2_CANCEL);
      if (sent % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    assert.deepEqual(codes, [constants.NGHTTP2_INTERNAL_ERROR]);
    await other.getServerInfo({});
    await server.stop();
  });
});
