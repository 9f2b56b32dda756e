import assert from "node:assert/strict";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { createServerClients } from "./client.js";
import { fromConnectError } from "../errors.js";
import { FIRST, NETUID, NETWORK, keys, logOver, recordThrough, startTestServer } from "../kit.test-support.js";

describe("clients of a server with several addresses", () => {
  before(readyCrypto);

  it("take the next address after a call found nobody, and stay there", async () => {
    const log = logOver(systemClock);
    await recordThrough(log, FIRST, FIRST);
    const [first, second] = [await startTestServer(systemClock, { log }), await startTestServer(systemClock, { log })];
    const clients = createServerClients([first.url, second.url], keys("server").hotkey, {
      signer: keys("miner"),
      network: NETWORK,
      netuid: NETUID,
      clock: systemClock,
    });
    const call = () => clients.epochs.getEpoch({});
    await call();
    await first.stop();
    const failed = await Promise.allSettled([call(), call()]);
    assert.deepEqual(
      failed.map((result) => (result.status === "rejected" ? fromConnectError(result.reason).reason : "answered")),
      ["UNAVAILABLE", "UNAVAILABLE"],
    );
    await call();
    // Other errors are answers.
    await assert.rejects(clients.epochs.getEpoch({ epochId: "20200101T000000Z" }));
    await call();
    for await (const { event } of clients.epochs.watchEpochs({})) if (event.case === "caughtUp") break;
    clients.close();
    await second.stop();
  });
});
