import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { CallerRole, ServerInfoService } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { AUTH_HEADERS, authHeaders, nextNonce } from "../auth/auth.js";
import { createClients } from "../client/client.js";
import { fromConnectError } from "../errors.js";
import { NETUID, NETWORK, type TestServer, keys, startTestServer } from "../kit.test-support.js";
import { StreamLimits } from "./stream-limits.js";

const SCOPE = { network: NETWORK, netuid: NETUID };

describe("GetServerInfo's word on the caller's use", () => {
  let server: TestServer;

  before(readyCrypto);
  beforeEach(async () => {
    const streamLimits = new StreamLimits({ maxStreamsPerHotkey: 100, maxStreamsPerAddress: 100 });
    server = await startTestServer(systemClock, { streamLimits });
  });
  afterEach(() => server.stop());

  const info = () => createClient(ServerInfoService, createGrpcTransport({ baseUrl: server.url }));

  function signed(key: Parameters<typeof keys>[0], change: Record<string, string> = {}): Record<string, string> {
    const headers = authHeaders({
      procedure: "/zipnet.v1.ServerInfoService/GetServerInfo",
      requestBytes: new Uint8Array(),
      signer: keys(key),
      scope: { receiver: keys("server").hotkey, ...SCOPE },
      nonce: nextNonce(keys(key), systemClock),
    });
    return { ...headers, ...change };
  }

  it("has the address for anyone, and the hotkey for who signs", async () => {
    const validator = createClients(
      { url: server.url, hotkey: keys("server").hotkey },
      { signer: keys("validator"), ...SCOPE, clock: systemClock },
    );
    const streams = [validator.epochs.watchEpochs({}), validator.epochs.watchEpochs({})];
    for (const stream of streams) await stream[Symbol.asyncIterator]().next();
    const unsigned = (await info().getServerInfo({})).usage;
    assert.equal(unsigned?.address, "127.0.0.1");
    assert.equal(unsigned.openStreamsOfAddress, 2);
    assert.ok(unsigned.openConnectionsOfAddress >= 2);
    assert.deepEqual([unsigned.hotkey, unsigned.roles, unsigned.callsThisMinute], ["", [], 0]);
    const usage = (await info().getServerInfo({}, { headers: signed("validator") })).usage;
    assert.equal(usage?.hotkey, keys("validator").hotkey);
    assert.deepEqual(usage.roles, [CallerRole.MINER, CallerRole.VALIDATOR]);
    assert.equal(usage.maxCallsPerMinute, 200, "the role that may make most calls counts");
    assert.ok(usage.callsThisMinute >= 1);
    assert.equal(usage.openStreamsOfHotkey, 2);
    validator.close();
  });

  it("tells a hotkey that is not registered just that", async () => {
    const usage = (await info().getServerInfo({}, { headers: signed("stranger") })).usage;
    assert.deepEqual([usage?.hotkey, usage?.roles], [keys("stranger").hotkey, []]);
    assert.equal(server.cache.entries.size, 0, "strangers leave nothing behind");
  });

  it("does not overlook a signature that is wrong, altered, played again or incomplete", async () => {
    const wrong = info().getServerInfo({}, { headers: signed("miner", { [AUTH_HEADERS.signature]: "0".repeat(128) }) });
    await assert.rejects(wrong, (error) => fromConnectError(error).reason === "SIGNATURE_INVALID");
    const headers = signed("miner");
    await info().getServerInfo({}, { headers });
    const again = info().getServerInfo({}, { headers });
    await assert.rejects(again, (error) => fromConnectError(error).reason === "REPLAYED_CALL");
    const bare = info().getServerInfo({}, { headers: { [AUTH_HEADERS.hotkey]: keys("miner").hotkey } });
    await assert.rejects(bare, (error) => fromConnectError(error).reason === "UNAUTHENTICATED_CALL");
  });
});
