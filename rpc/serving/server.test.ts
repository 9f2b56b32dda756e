import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { connect } from "node:net";
import { promisify } from "node:util";
import { type Client, Code, ConnectError, type Interceptor, type Transport, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { InvalidFieldsError } from "../../core/errors.js";
import type { Log } from "../../core/ports.js";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/health/v1/health_pb.js";
import { EpochService } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { JudgingService } from "../../gen/zipnet/v1/judging_service_pb.js";
import { ServerInfoService } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { fromConnectError } from "../errors.js";
import { grpcTransport } from "../client/grpc-transport.js";
import {
  FIRST,
  NETUID,
  NETWORK,
  type TestServer,
  authOf,
  keys,
  recordThrough,
  startTestServer,
  until,
} from "../kit.test-support.js";
import { mapCache } from "../memory.test-support.js";
import { startRpcServer } from "./server.js";
import { signingInterceptor } from "../auth/signing.js";

function signed(): Interceptor {
  const scope = { receiver: keys("server").hotkey, network: NETWORK, netuid: NETUID };
  return signingInterceptor({ signer: keys("miner"), scope, clock: systemClock });
}

describe("the RPC server", () => {
  let server: TestServer;

  before(readyCrypto);
  beforeEach(async () => {
    server = await startTestServer(systemClock);
    await recordThrough(server.log, FIRST, FIRST + 1);
  });
  afterEach(() => server.stop());

  const transports: [string, (baseUrl: string) => Transport][] = [
    ["gRPC over h2c", (baseUrl) => createGrpcTransport({ baseUrl, interceptors: [signed()] })],
    [
      "gRPC over h2c with grpc-js",
      (url) => grpcTransport({ url, interceptors: [signed()], maxAnswerBytes: 1_000_000 }).transport,
    ],
    ["gRPC-Web over h2c", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2", interceptors: [signed()] })],
    [
      "gRPC-Web over HTTP/1.1",
      (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1", interceptors: [signed()] }),
    ],
    ["Connect over h2c", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", interceptors: [signed()] })],
    [
      "Connect over HTTP/1.1",
      (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", interceptors: [signed()] }),
    ],
    [
      "Connect with JSON over HTTP/1.1",
      (baseUrl) =>
        createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false, interceptors: [signed()] }),
    ],
  ];
  for (const [name, transportTo] of transports) {
    it(`answers and streams by ${name}`, async () => {
      const client = createClient(EpochService, transportTo(server.url));
      const { decoded } = await client.getEpoch({ includeDecoded: true });
      assert.equal(decoded?.number, FIRST + 1);

      const kinds: (string | undefined)[] = [];
      const end = new AbortController();
      await assert.rejects(async () => {
        for await (const { event } of client.watchEpochs({}, { signal: end.signal })) {
          kinds.push(event.case);
          if (event.case === "caughtUp") end.abort();
        }
      }, ConnectError);
      assert.deepEqual(kinds, ["started", "epoch", "epoch", "closed", "caughtUp"]);
    });

    it(`reports errors with their reasons by ${name}`, async () => {
      const client = createClient(EpochService, transportTo(server.url));
      await assert.rejects(client.getEpoch({ epochId: "20200101T000000Z" }), (error) => {
        assert.equal(ConnectError.from(error).code, Code.NotFound);
        const meant = fromConnectError(error);
        assert.equal(meant.reason, "EPOCH_UNKNOWN");
        assert.match(meant.message, /there is no epoch "20200101T000000Z"/);
        return true;
      });
    });
  }

  it("names field, value and rule of every violation", async () => {
    const client = createClient(EpochService, createGrpcTransport({ baseUrl: server.url, interceptors: [signed()] }));
    await assert.rejects(client.listEpochs({ pageSize: 101, pageToken: "x".repeat(65) }), (error) => {
      assert.equal(ConnectError.from(error).code, Code.InvalidArgument);
      const meant = fromConnectError(error);
      assert.ok(meant instanceof InvalidFieldsError);
      assert.equal(meant.typeName, "zipnet.v1.ListEpochsRequest");
      assert.deepEqual(
        meant.violations.map(({ field }) => field),
        ["page_size", "page_token"],
      );
      assert.match(meant.violations[0]?.description ?? "", /is 101, .*100/);
      return true;
    });
    const watching = client.watchEpochs({ resumeToken: new Uint8Array(257) })[Symbol.asyncIterator]();
    await assert.rejects(watching.next(), (error) => fromConnectError(error).reason === "INVALID_FIELD");
  });

  it("hides the cause of an unexpected failure from the caller, and logs it", async () => {
    const errors: object[] = [];
    const log: Log = { ...quietLog, error: (facts) => errors.push(facts) };
    const ending = new AbortController();
    const failing = await startRpcServer(
      {
        host: "127.0.0.1",
        port: 0,
        services: [
          {
            desc: ServerInfoService,
            impl: {
              getServerInfo: () => {
                throw new Error("password of the store");
              },
            },
          },
        ],
        auth: authOf(systemClock, mapCache(systemClock)),
        maxRequestBytes: 1_000,
        log,
      },
      ending.signal,
    );
    const client = createClient(
      ServerInfoService,
      createGrpcTransport({ baseUrl: `http://127.0.0.1:${failing.port}` }),
    );
    await assert.rejects(client.getServerInfo({}), (error) => {
      assert.equal(ConnectError.from(error).code, Code.Internal);
      assert.equal(ConnectError.from(error).rawMessage, "internal error");
      return true;
    });
    assert.match(String((errors[0] as { err: unknown }).err), /password of the store/);
    ending.abort();
    await failing.closed;
  });

  for (const [name, transportTo] of transports) {
    it(`refuses a request that is larger than allowed by ${name}, with the limit`, async () => {
      const client = createClient(EpochService, transportTo(server.url));
      await assert.rejects(client.getEpoch({ epochId: "x".repeat(70_000) }), (error) => {
        assert.equal(ConnectError.from(error).code, Code.ResourceExhausted);
        const meant = fromConnectError(error);
        assert.equal(meant.reason, "REQUEST_TOO_LARGE");
        assert.match(meant.message, /has \d{5} bytes or more, but at most 65536/);
        assert.equal(meant.metadata.max_request_bytes, "65536");
        return true;
      });
    });
  }

  it("does not start with a procedure that has no role", async () => {
    const renamed = { ...JudgingService, typeName: "zipnet.v1.Unlisted" } as typeof JudgingService;
    const method = { ...JudgingService.method.getSnapshot, parent: renamed };
    const desc = { ...renamed, methods: [method] } as typeof JudgingService;
    const auth = authOf(systemClock, mapCache(systemClock));
    const impl = {} as never;
    await assert.rejects(
      startRpcServer(
        { host: "127.0.0.1", port: 0, services: [{ desc, impl }], auth, maxRequestBytes: 1, log: quietLog },
        new AbortController().signal,
      ),
      /no role is declared for \/zipnet\.v1\.Unlisted\/GetSnapshot/,
    );
  });

  it("lets browsers of any origin call", async () => {
    const path = `${server.url}/zipnet.v1.EpochService/GetEpoch`;
    const preflight = await fetch(path, { method: "OPTIONS" });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
    assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /zipnet-signature/);
    const json = { "content-type": "application/json" };
    const refused = await fetch(path, { method: "POST", body: "{}", headers: { ...json, origin: "https://a.page" } });
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get("access-control-allow-origin"), "*");
    const noPage = await fetch(path, { method: "POST", body: "{}", headers: json });
    assert.equal(noPage.headers.get("access-control-allow-origin"), null);
    assert.match(await refused.text(), /zipnet-auth-version is missing/);
    assert.equal((await fetch(`${server.url}/nothing/here`)).status, 404);
  });

  it("tries mounts first, by prefix", async () => {
    const mount = {
      pathPrefix: "/files/",
      handle(request: { url?: string | undefined }, response: { end(text: string): unknown }) {
        if (request.url !== "/files/a") return false;
        response.end("content");
        return true;
      },
    };
    const mounted = await startTestServer(systemClock, { options: { mounts: [mount] } });
    assert.equal(await (await fetch(`${mounted.url}/files/a`)).text(), "content");
    assert.equal((await fetch(`${mounted.url}/files/b`)).status, 404);
    await mounted.stop();
  });

  it("recognizes HTTP/1.1 and HTTP/2 however the first bytes are cut", async () => {
    for (const [pieces, expected] of [
      [
        [
          "P",
          "OST /zipnet.v1.ServerInfoService/GetServerInfo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        ],
        "HTTP/1.1 200",
      ],
      [["PRI * HT", "TP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\x04\0\0\0\0\0"], "SETTINGS"],
    ] as const) {
      const socket = connect(server.port, "127.0.0.1");
      socket.setNoDelay(true);
      let received = "";
      socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
      for (const piece of pieces) {
        const before = socket.bytesWritten;
        socket.write(piece, "latin1");
        await until(() => socket.bytesWritten > before && socket.writableLength === 0);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await until(() => received.length > 0);
      // The fourth byte of an HTTP/2 frame is its type; a server begins with SETTINGS, type 4.
      const answered = received.charCodeAt(3) === 4 ? "SETTINGS" : received.slice(0, 12);
      assert.equal(answered, expected);
      socket.destroy();
    }
  });
});

describe("health and reflection", () => {
  let server: TestServer;
  let health: Client<typeof Health>;

  before(readyCrypto);
  beforeEach(async () => {
    server = await startTestServer(systemClock);
    health = createClient(Health, createGrpcTransport({ baseUrl: server.url }));
  });
  afterEach(() => server.stop());

  it("says SERVING for the process and each service, NOT_FOUND for others", async () => {
    assert.equal((await health.check({})).status, Status.SERVING);
    assert.equal((await health.check({ service: "zipnet.v1.EpochService" })).status, Status.SERVING);
    await assert.rejects(
      health.check({ service: "nobody" }),
      (error) => ConnectError.from(error).code === Code.NotFound,
    );
    const { statuses } = await health.list({});
    assert.equal(statuses["zipnet.v1.EpochService"]?.status, Status.SERVING);
  });

  it("tells watchers that it goes down, and ends", async () => {
    const told: Status[] = [];
    for await (const { status } of health.watch({})) {
      told.push(status);
      if (told.length === 1) server.drain();
    }
    assert.deepEqual(told, [Status.SERVING, Status.NOT_SERVING]);
    await server.stop();
  });

  const buf = new URL("../../node_modules/.bin/buf", import.meta.url).pathname;
  for (const reflection of ["grpc-v1", "grpc-v1alpha"]) {
    it(`answers buf curl that knows nothing of the contract, by ${reflection}`, async () => {
      const run = promisify(execFile);
      const common = ["curl", "--http2-prior-knowledge", "--protocol", "grpc", "--reflect-protocol", reflection];
      const services = await run(buf, [...common, "--list-services", server.url]);
      const names = services.stdout.trim().split("\n");
      for (const name of ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "zipnet.v1.EpochService"]) {
        assert.ok(names.includes(name), `${name} is not among ${names.join(", ")}`);
      }
      const called = await run(buf, [...common, `${server.url}/zipnet.v1.ServerInfoService/GetServerInfo`]);
      assert.deepEqual(JSON.parse(called.stdout), { receiver: keys("server").hotkey });
    }).timeout(20_000);
  }
});
