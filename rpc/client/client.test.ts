import assert from "node:assert/strict";
import { once } from "node:events";
import { type Http2Session, constants, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { createClients } from "./client.js";
import { NETUID, NETWORK, keys, startTestServer } from "../kit.test-support.js";

function clientsOf(url: string) {
  const endpoint = { url, hotkey: keys("server").hotkey };
  return createClients(endpoint, { signer: keys("miner"), network: NETWORK, netuid: NETUID, clock: systemClock });
}

describe("clients", () => {
  before(readyCrypto);

  it("make a new connection when the old one has no memory left", async () => {
    const sessions: Http2Session[] = [];
    const calledOn: (Http2Session | undefined)[] = [];
    const server = createServer().on("session", (session) => sessions.push(session));
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      // Beside the second call the client asks whether there are sessions; that is not what this is about.
      if (headers[":path"]?.endsWith("/GetServerInfo") === true) return stream.close();
      calledOn.push(stream.session);
      if (calledOn.length === 1) return stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "5" }, { endStream: true });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const clients = clientsOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const codeOf = (error: unknown): Code => ConnectError.from(error).code;
    await assert.rejects(clients.epochs.getEpoch({}), /ENHANCE_YOUR_CALM/);
    await assert.rejects(clients.epochs.getEpoch({}), (error) => codeOf(error) === Code.NotFound);
    await assert.rejects(clients.epochs.getEpoch({}), (error) => codeOf(error) === Code.NotFound);
    assert.deepEqual(calledOn, [sessions[0], sessions[1], sessions[1]]);
    clients.close();
    server.close();
    await once(server, "close");
  });

  it("learn why a message was refused that is larger than what Node lets wait by default", async () => {
    // Sending it takes a while on a busy machine.
    const server = await startTestServer(systemClock, { auth: { maxClockDifferenceMs: 60_000 } });
    const clients = clientsOf(server.url);
    const tooLarge = { epochId: "x".repeat(11_000_000) };
    await assert.rejects(clients.epochs.getEpoch(tooLarge), /the request message has 11000005 bytes/);
    await assert.rejects(clients.epochs.getEpoch({ epochId: "x" }), /epoch_id is "x"/);
    clients.close();
    await server.stop();
  }).timeout(20_000);
});
