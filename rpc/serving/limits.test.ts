import assert from "node:assert/strict";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { EpochService } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { trustedProxies } from "./caller-address.js";
import { type Clients, createClients } from "../client/client.js";
import { fromConnectError } from "../errors.js";
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
import type { PortLimits } from "./limits.js";
import { StreamLimits } from "./stream-limits.js";

const SCOPE = { network: NETWORK, netuid: NETUID };

for (const transport of ["connect", "grpc-js"] as const) {
  describe(`limits over a real server, called by ${transport}`, () => {
    let server: TestServer;
    let streamLimits: StreamLimits;
    const opened: { close(): void }[] = [];

    before(readyCrypto);
    afterEach(async () => {
      for (const clients of opened.splice(0)) clients.close();
      await server.stop();
    });

    async function start(
      more: { streams?: number; limits?: Partial<PortLimits>; trusted?: string[] } = {},
    ): Promise<void> {
      const trusted = trustedProxies(more.trusted ?? []);
      const most = more.streams ?? 100;
      streamLimits = new StreamLimits({ maxStreamsPerHotkey: most, maxStreamsPerAddress: 2 * most, trusted });
      const options = { trusted, ...(more.limits === undefined ? {} : { limits: more.limits }) };
      server = await startTestServer(systemClock, { streamLimits, options });
      await recordThrough(server.log, FIRST, FIRST);
    }

    function clients(key: Parameters<typeof keys>[0] = "miner"): Clients {
      const made = createClients(
        { url: server.url, hotkey: keys("server").hotkey },
        { signer: keys(key), ...SCOPE, clock: systemClock, transport },
      );
      opened.push(made);
      return made;
    }

    /** A stream that has begun; how to read on, and how to end it. */
    async function watch(epochs: Client<typeof EpochService>, headers: Record<string, string> = {}) {
      const ending = new AbortController();
      const call = { signal: ending.signal, headers };
      const messages = epochs.watchEpochs({}, call)[Symbol.asyncIterator]();
      const first = await messages.next();
      assert.equal(first.done === true ? undefined : first.value.event.case, "started");
      return { messages, end: () => ending.abort() };
    }

    async function assertRefused(call: Promise<unknown>, reason: string, text: RegExp): Promise<void> {
      await assert.rejects(call, (error) => {
        const meant = fromConnectError(error);
        assert.equal(meant.reason, reason, meant.message);
        assert.equal(ConnectError.from(error).code, Code.ResourceExhausted);
        assert.match(meant.message, text);
        return true;
      });
    }

    it("refuse a hotkey's stream that is one too many, and no other's, until one has ended", async () => {
      await start({ streams: 2 });
      const { epochs } = clients();
      const held = [await watch(epochs), await watch(clients().epochs)];
      await assertRefused(watch(epochs), "QUOTA_EXCEEDED", /holds 2 streams open, and 2 per hotkey/);
      const other = await watch(clients("validator").epochs);
      for (const { messages } of held) assert.equal((await messages.next()).done, false, "the others go on");
      held[0]?.end();
      await until(() => streamLimits.ofHotkey(keys("miner").hotkey) === 1);
      const again = await watch(epochs);
      for (const { end } of [...held, other, again]) end();
      await until(() => streamLimits.ofAddress("127.0.0.1") === 0);
    });

    it("count streams that are refused later, on every path, no longer", async () => {
      await start({ streams: 2 });
      const { epochs } = clients();
      for (let i = 0; i < 3; i += 1) {
        const refused = epochs.watchEpochs({ resumeToken: new Uint8Array(3) })[Symbol.asyncIterator]();
        await assert.rejects(refused.next(), /resume token/);
        // A deadline keeps a stream from being handed over.
        const messages = epochs.watchEpochs({}, { timeoutMs: 200 })[Symbol.asyncIterator]();
        await messages.next();
        assert.equal(streamLimits.ofHotkey(keys("miner").hotkey), 1);
        await assert.rejects(async () => {
          while ((await messages.next()).done !== true);
        });
        await until(() => streamLimits.ofHotkey(keys("miner").hotkey) === 0);
      }
    });

    it("count streams by the address that a trusted proxy names", async () => {
      await start({ streams: 1, trusted: ["127.0.0.1"] });
      const from = (address: string) => ({ "x-forwarded-for": address });
      const two = [
        await watch(clients().epochs, from("203.0.113.1")),
        await watch(clients("validator").epochs, from("203.0.113.1")),
      ];
      assert.equal(streamLimits.ofAddress("203.0.113.1"), 2);
      assert.equal(streamLimits.ofAddress("127.0.0.1"), 0);
      for (const { end } of two) end();
    });

    it("refuse a connection that is one too many with a reason, and leave the others alone", async () => {
      await start({ limits: { maxConnectionsPerAddress: 2 } });
      const first = clients();
      const streams = [await watch(first.epochs), await watch(clients().epochs)];
      const third = clients();
      await assertRefused(
        third.epochs.getEpoch({}),
        "QUOTA_EXCEEDED",
        /127\.0\.0\.1 holds 2 connections open, and 2 per/,
      );
      const plain = await fetch(`${server.url}/zipnet.v1.ServerInfoService/GetServerInfo`, {
        method: "POST",
        body: "{}",
        headers: { "content-type": "application/json" },
      });
      assert.equal(plain.status, 429);
      assert.equal(plain.headers.get("connection"), "close");
      const page = await fetch(`${server.url}/a-page`);
      assert.equal(page.status, 429);
      assert.match(await page.text(), /holds 2 connections open/);
      await first.epochs.getEpoch({});
      for (const { end } of streams) end();
      first.close();
      // The server learns of it a moment later; until then every attempt is told why not.
      for (;;) {
        const answered = await third.epochs.getEpoch({}).then(
          () => true,
          () => false,
        );
        if (answered) break;
      }
    });

    it("do not limit the connections of a trusted proxy", async () => {
      await start({ limits: { maxConnectionsPerAddress: 1 }, trusted: ["127.0.0.0/8"] });
      for (let i = 0; i < 3; i += 1) await clients().epochs.getEpoch({});
    });

    it("refuse headers that are too large with a reason, and leave the connection's streams alone", async () => {
      await start();
      const { epochs } = clients();
      const stream = await watch(epochs);
      const large = epochs.getEpoch({}, { headers: { "x-large": "x".repeat(16_400) } });
      await assertRefused(large, "REQUEST_TOO_LARGE", /the headers have \d{5} bytes, but at most 16384/);
      await assert.rejects(epochs.getEpoch({}, { headers: { "x-large": "x".repeat(140_000) } }));
      await epochs.getEpoch({}, { headers: { "x-large": "x".repeat(15_000) } });
      assert.equal((await stream.messages.next()).done, false);
      stream.end();
      const http1 = createClient(EpochService, createConnectTransport({ baseUrl: server.url, httpVersion: "1.1" }));
      const overHttp1 = http1.getEpoch({}, { headers: { "x-large": "x".repeat(60_000) } });
      await assertRefused(overHttp1, "REQUEST_TOO_LARGE", /at most 16384/);
    });

    it("refuse a deadline that is too long with the longest one", async () => {
      await start({ limits: { maxDeadlineMs: 60_000 } });
      const { epochs } = clients();
      await epochs.getEpoch({}, { timeoutMs: 60_000 });
      await assert.rejects(epochs.getEpoch({}, { timeoutMs: 60_001 }), (error) => {
        const meant = fromConnectError(error);
        assert.deepEqual([meant.reason, ConnectError.from(error).code], ["DEADLINE_TOO_LONG", Code.InvalidArgument]);
        assert.match(meant.message, /60001 ms away/);
        assert.equal(meant.metadata["max_deadline_ms"], "60000");
        return true;
      });
    });

    it("let calls beyond a connection's streams wait for their turn", async () => {
      await start({ limits: { maxStreamsPerConnection: 3 } });
      const { epochs } = clients();
      await epochs.getEpoch({});
      const held = [await watch(epochs), await watch(epochs)];
      await Promise.all(Array.from({ length: 20 }, () => epochs.getEpoch({})));
      for (const { end } of held) end();
    });
  });
}
