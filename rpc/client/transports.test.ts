import assert from "node:assert/strict";
import { promises } from "node:dns";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { ServerInfoService } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { type Clients, type TransportKind, createClients } from "./client.js";
import { connectTransport } from "./connect-transport.js";
import { fromConnectError } from "../errors.js";
import { grpcTransport } from "./grpc-transport.js";
import {
  FIRST,
  NETUID,
  NETWORK,
  type TestServer,
  keys,
  recordThrough,
  startTestServer,
  until,
} from "../kit.test-support.js";

const TRANSPORTS: readonly TransportKind[] = ["connect", "grpc-js"];

for (const transport of TRANSPORTS) {
  describe(`clients over ${transport}`, () => {
    let server: TestServer;
    let clients: Clients;
    const clientsTo = (url: string): Clients =>
      createClients(
        { url, hotkey: keys("server").hotkey },
        { signer: keys("miner"), network: NETWORK, netuid: NETUID, clock: systemClock, transport },
      );

    before(readyCrypto);
    beforeEach(async () => {
      server = await startTestServer(systemClock);
      await recordThrough(server.log, FIRST, FIRST + 1);
      clients = clientsTo(server.url);
    });
    afterEach(async () => {
      clients.close();
      await server.stop();
    });

    it("call and stream, signed", async () => {
      const { decoded } = await clients.epochs.getEpoch({ includeDecoded: true });
      assert.equal(decoded?.number, FIRST + 1);
      const kinds: (string | undefined)[] = [];
      for await (const { event } of clients.epochs.watchEpochs({})) {
        kinds.push(event.case);
        if (event.case === "caughtUp") break;
      }
      assert.deepEqual(kinds, ["started", "epoch", "epoch", "closed", "caughtUp"]);
    });

    it("end a stream on the server when it is aborted", async () => {
      const end = new AbortController();
      const messages = clients.epochs.watchEpochs({}, { signal: end.signal })[Symbol.asyncIterator]();
      await messages.next();
      await until(() => server.streams() === 1);
      end.abort();
      await assert.rejects(
        async () => {
          for (;;) if ((await messages.next()).done === true) throw new Error("ended");
        },
        (error) => ConnectError.from(error).code === Code.Canceled,
      );
      await until(() => server.streams() === 0);
    });

    it("take no answer that is larger than allowed", async () => {
      const small = (transport === "grpc-js" ? grpcTransport : connectTransport)({
        url: server.url,
        interceptors: [],
        maxAnswerBytes: 40,
      });
      const info = createClient(ServerInfoService, small.transport);
      await assert.rejects(info.getServerInfo({}), (error) => ConnectError.from(error).code === Code.ResourceExhausted);
      small.close();
    });

    it("end every call when they are closed", async () => {
      const messages = clients.epochs.watchEpochs({})[Symbol.asyncIterator]();
      for (let event: string | undefined; event !== "caughtUp";) event = (await messages.next()).value?.event.case;
      clients.close();
      await assert.rejects(messages.next());
      await until(() => server.streams() === 0);
    });

    it("get errors with their reasons and facts, of calls and of streams", async () => {
      await assert.rejects(clients.epochs.getEpoch({ epochId: "20200101T000000Z" }), (error) => {
        assert.equal(ConnectError.from(error).code, Code.NotFound);
        assert.equal(fromConnectError(error).reason, "EPOCH_UNKNOWN");
        return true;
      });
      const watching = clients.epochs.watchEpochs({ resumeToken: new Uint8Array(7) })[Symbol.asyncIterator]();
      await assert.rejects(watching.next(), (error) => {
        assert.equal(ConnectError.from(error).code, Code.InvalidArgument);
        const meant = fromConnectError(error);
        assert.equal(meant.reason, "RESUME_TOKEN_MALFORMED");
        assert.match(meant.message, /token/);
        return true;
      });
    });

    it("are told UNAVAILABLE where nobody listens", async () => {
      const nowhere = clientsTo("http://127.0.0.1:1");
      await assert.rejects(
        nowhere.info.getServerInfo({}),
        (error) => ConnectError.from(error).code === Code.Unavailable,
      );
      const watching = nowhere.epochs.watchEpochs({})[Symbol.asyncIterator]();
      await assert.rejects(watching.next(), (error) => fromConnectError(error).reason === "UNAVAILABLE");
      nowhere.close();
    });

    for (const timeoutMs of [99_999_999, 100_000_000, 2 ** 31 - 1, 2 ** 31, 3_600_000_000]) {
      it(`are not ended by a timeout of ${timeoutMs} ms`, async () => {
        assert.ok((await clients.epochs.getEpoch({}, { timeoutMs })).record);
        const left = new AbortController();
        const watching = clients.epochs.watchEpochs({}, { timeoutMs, signal: left.signal })[Symbol.asyncIterator]();
        let kind: string | undefined;
        do kind = (await watching.next()).value?.event.case;
        while (kind !== undefined && kind !== "caughtUp");
        assert.equal(kind, "caughtUp");
        // Whoever just stops reading leaves the stream open, and its timer running.
        left.abort();
        await assert.rejects(watching.next(), { code: Code.Canceled });
      });
    }

    it("end a call at its timeout, also where the server says nothing", async () => {
      const mute = createHttp2Server(() => {});
      await new Promise<void>((resolve) => {
        mute.listen(0, "127.0.0.1", resolve);
      });
      const muted = clientsTo(`http://127.0.0.1:${(mute.address() as AddressInfo).port}`);
      const calls = [
        () => muted.info.getServerInfo({}, { timeoutMs: 100 }),
        () => muted.epochs.watchEpochs({}, { timeoutMs: 100 })[Symbol.asyncIterator]().next(),
      ];
      for (const call of calls) {
        await assert.rejects(call(), (error) => ConnectError.from(error).code === Code.DeadlineExceeded);
      }
      muted.close();
      mute.close();
    });
  });
}

describe("clients over grpc-js and a name with several addresses", () => {
  const realLookup = promises.lookup;
  let addresses: readonly string[] = [];
  const servers: TestServer[] = [];
  let clients: Clients;

  before(readyCrypto);
  beforeEach(async () => {
    // The only part that is not real: a name server would be needed to give a loopback name several addresses.
    const answer = async () => addresses.map((address) => ({ address, family: 4 }));
    promises.lookup = answer as unknown as typeof realLookup;
    const first = await startTestServer(systemClock);
    servers.push(first, await startTestServer(systemClock, { port: first.port, options: { host: "127.0.0.2" } }));
    clients = createClients(
      { url: `http://replicas.test:${first.port}`, hotkey: keys("server").hotkey },
      { signer: keys("miner"), network: NETWORK, netuid: NETUID, clock: systemClock, transport: "grpc-js" },
    );
  });
  afterEach(async () => {
    promises.lookup = realLookup;
    clients.close();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it("spread their streams over all of them", async () => {
    addresses = ["127.0.0.1", "127.0.0.2"];
    const counts = (): number[] => servers.map((server) => server.streams());
    const end = new AbortController();
    // Those that are opened before the second connection stands go to the first one.
    for (let opened = 0; counts().includes(0); opened += 1) {
      assert.ok(opened < 100, `100 streams went to ${counts().join(" and ")}`);
      await clients.epochs.watchEpochs({}, { signal: end.signal })[Symbol.asyncIterator]().next();
      await new Promise((resolve) => setImmediate(resolve));
    }
    end.abort();
  });

  it("ask for the addresses again when a connection is lost", async () => {
    addresses = ["127.0.0.1"];
    await clients.info.getServerInfo({});
    addresses = ["127.0.0.2"];
    await servers[0]?.stop();
    for (let failures = 0; ;) {
      const answered = await clients.info.getServerInfo({}).then(
        () => true,
        (error: unknown) => fromConnectError(error).reason !== "UNAVAILABLE",
      );
      if (answered) break;
      failures += 1;
      await systemClock.sleepUntil(Date.now() + 50, new AbortController().signal);
      assert.ok(failures < 200, "the second address was never tried");
    }
  });
});
