import assert from "node:assert/strict";
import { manualClock } from "../../adapters/clock/manual-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { epochStartMs } from "../../core/epoch-time.js";
import { type Clients, createClients } from "../client/client.js";
import { fromConnectError } from "../errors.js";
import {
  EPOCH_SECONDS,
  FIRST,
  NETUID,
  NETWORK,
  type TestServer,
  epochRecord,
  hex,
  idOf,
  keys,
  recordThrough,
  startTestServer,
} from "../kit.test-support.js";

const NOW_MS = epochStartMs(FIRST, EPOCH_SECONDS);

describe("GetEpoch and ListEpochs", () => {
  let server: TestServer;
  let clients: Clients;

  before(readyCrypto);
  beforeEach(async () => {
    const clock = manualClock(NOW_MS);
    server = await startTestServer(clock);
    clients = createClients(
      { url: server.url, hotkey: keys("server").hotkey },
      { signer: keys("miner"), network: NETWORK, netuid: NETUID, clock },
    );
  });
  afterEach(async () => {
    clients.close();
    await server.stop();
  });

  it("answers the newest and any epoch, decoded only when asked", async () => {
    await assert.rejects(clients.epochs.getEpoch({}), (error) => fromConnectError(error).reason === "EPOCH_UNKNOWN");
    await recordThrough(server.log, FIRST, FIRST + 1);
    const newest = await clients.epochs.getEpoch({});
    assert.equal(newest.decoded, undefined);
    assert.equal(hex(newest.record?.payload ?? new Uint8Array()), hex(epochRecord(FIRST + 1).payload));
    const older = await clients.epochs.getEpoch({ epochId: idOf(FIRST), includeDecoded: true });
    assert.equal(older.decoded?.number, FIRST);
  });

  it("pages newest first", async () => {
    await recordThrough(server.log, FIRST, FIRST + 4);
    const numbers: (number | undefined)[] = [];
    let pageToken = "";
    do {
      const page = await clients.epochs.listEpochs({ pageSize: 2, pageToken, includeDecoded: true });
      numbers.push(...page.epochs.map(({ decoded }) => decoded?.number));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    assert.deepEqual(
      numbers,
      [4, 3, 2, 1, 0].map((offset) => FIRST + offset),
    );
    assert.equal((await clients.epochs.listEpochs({})).epochs.length, 5);
  });

  it("refuses a page token that it never gave", async () => {
    await assert.rejects(clients.epochs.listEpochs({ pageToken: "page 2" }), (error) => {
      assert.match(fromConnectError(error).message, /page_token is "page 2", but must be a next_page_token/);
      return fromConnectError(error).reason === "INVALID_FIELD";
    });
  });
});
