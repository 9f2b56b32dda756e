import assert from "node:assert/strict";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto, signerFromUri } from "../../adapters/wallet/wallet.js";
import type { Endpoint, TransportKind } from "../client/client.js";
import { closedRevision, openedRevision } from "../epoch-log/epoch-log.js";
import { FollowerRig, relayAt, serverAt, serverRevisionOf } from "./follower.test-support.js";
import { DISCOVERY_RETRY_MS, followerEndpoints } from "./follower-endpoints.js";
import type { FollowOptions } from "./follower-options.js";
import {
  FIRST,
  type TestServer,
  epochRecord,
  keys,
  logOver,
  recordThrough,
  snapshotRecord,
  tokensOf,
  until,
} from "../kit.test-support.js";

const TRANSPORTS: readonly TransportKind[] = ["connect", "grpc-js"];

for (const transport of TRANSPORTS) {
  describe(`the follower over ${transport}, with relays`, () => {
    let rig: FollowerRig;
    let server: TestServer;
    before(readyCrypto);
    beforeEach(async () => {
      rig = new FollowerRig(transport);
      server = await rig.serve();
      await recordThrough(server.log, FIRST, FIRST + 1);
    });
    afterEach(() => rig.close());

    /** Stops the server; the answer starts it again, with what it holds. */
    async function stopServer(): Promise<() => Promise<TestServer>> {
      const { log, port } = server;
      await rig.stop(server);
      return async () => await rig.serve({ log, port });
    }

    async function relayThrough(last: number): Promise<TestServer> {
      const relay = await rig.relay({ log: logOver(systemClock, { isRelay: true }) });
      await recordThrough(relay.log, FIRST, last);
      return relay;
    }

    it("asks the server first, wherever it stands among the endpoints", async () => {
      const relay = await relayThrough(FIRST + 1);
      const follower = rig.follow([relayAt(relay), serverAt(server)]);
      await until(() => follower.told.length === 3);
      assert.deepEqual(follower.opened, [server.url]);
    });

    it("leaves a relay whose records the server did not sign, or that are of another network", async () => {
      const forged = await rig.relay();
      await forged.log.recordEpoch(epochRecord(FIRST + 7, { signer: keys("validator") }));
      const foreign = await rig.relay();
      await foreign.log.recordEpoch(epochRecord(FIRST + 8, { network: "finney" }));
      const good = await relayThrough(FIRST + 1);
      const follower = rig.follow([relayAt(forged), relayAt(foreign), relayAt(good)]);
      await until(() => follower.told.length === 3);
      assert.deepEqual(follower.told, ["+0", "+1", "-0"]);
      assert.ok(
        follower.failures.every((failure) => failure === "bad_record"),
        follower.failures.join(", "),
      );
    });

    it("goes on at a relay while the server is down, and comes back, without a loss or a repeat", async () => {
      const relay = await relayThrough(FIRST + 1);
      const follower = rig.follow([serverAt(server), relayAt(relay)]);
      await until(() => follower.told.length === 3);
      const restart = await stopServer();
      for (const { log } of [server, relay]) await recordThrough(log, FIRST + 2, FIRST + 3);
      await until(() => follower.told.length === 7);
      assert.equal(follower.opened.at(-1) === server.url, false);

      const back = await restart();
      await until(() => back.streams() === 1 && relay.streams() === 0);
      await recordThrough(back.log, FIRST + 4, FIRST + 4);
      await until(() => follower.told.length === 9);
      assert.deepEqual(follower.told, ["+0", "+1", "-0", "+2", "-1", "+3", "-2", "+4", "-3"]);
    });

    it("gets from the server what a relay left out, and nothing twice", async () => {
      const relay = await relayThrough(FIRST + 1);
      const follower = rig.follow([serverAt(server), relayAt(relay)]);
      await until(() => follower.told.length === 3);
      const restart = await stopServer();
      await recordThrough(server.log, FIRST + 2, FIRST + 3);
      // The relay passes over epoch 2 and goes on with 3.
      await relay.log.recordSnapshot(snapshotRecord(FIRST + 1));
      await relay.log.recordEpoch(epochRecord(FIRST + 3));
      await until(() => follower.told.length === 5);
      await restart();
      await until(() => follower.told.length === 7);
      assert.deepEqual(follower.told, ["+0", "+1", "-0", "-1", "+3", "+2", "-2"]);
    });

    it("does not move its place on the server by what a relay says, across a restart, too", async () => {
      const relay = await relayThrough(FIRST + 1);
      const follower = rig.follow([serverAt(server), relayAt(relay)]);
      await until(() => follower.told.length === 3);
      const restart = await stopServer();
      for (const { log } of [server, relay]) await recordThrough(log, FIRST + 2, FIRST + 2);
      await until(() => follower.told.length === 5);
      await follower.stop();
      const stored = follower.saved.at(-1) ?? new Uint8Array();
      assert.equal(serverRevisionOf(stored), closedRevision(FIRST));

      const back = await restart();
      const again = rig.follow([serverAt(back), relayAt(relay)], {}, stored);
      await until(
        () => again.saved.length > 0 && serverRevisionOf(again.saved.at(-1) ?? stored) === closedRevision(FIRST + 1),
      );
      assert.deepEqual(again.told, []);
      assert.deepEqual(again.failures, []);
    });

    it("delivers the server's close after a relay has made one up", async () => {
      const relay = await rig.relay({ log: logOver(systemClock, { isRelay: true }) });
      await recordThrough(relay.log, FIRST, FIRST + 1);
      const forged = snapshotRecord(FIRST + 1);
      forged.payload = new Uint8Array([...forged.payload, 0x38, 0x01]);
      const follower = rig.follow([serverAt(server), relayAt(relay)]);
      await until(() => follower.told.length === 3);
      const restart = await stopServer();
      await relay.log.recordEpoch(epochRecord(FIRST + 2));
      await relay.log.recordSnapshot(forged);
      await recordThrough(server.log, FIRST + 2, FIRST + 2);
      await until(() => follower.told.length === 5);
      await restart();
      await until(() => follower.told.length === 6);
      assert.deepEqual(follower.told, ["+0", "+1", "-0", "+2", "-1", "-1"]);
    });

    it("presents a relay's token to that relay only, and the server's to the server and other relays", async () => {
      const relays = [await relayThrough(FIRST + 1), await relayThrough(FIRST + 1)];
      // Two relays of one validator: what differs is the hotkey that they are known by.
      const other = await rig.relay({
        log: relays[1]?.log ?? server.log,
        receiver: keys("stranger").hotkey,
        tokens: tokensOf({ secrets: ["other"], trustsOtherIssuers: true }),
      });
      const presented: string[] = [];
      const kinds = {
        server: tokensOf(),
        relay: tokensOf({ secrets: ["relay"] }),
        other: tokensOf({ secrets: ["other"] }),
      };
      const follower = rig.follow(
        [serverAt(server), relayAt(relays[0] ?? server), { url: other.url, hotkey: keys("stranger").hotkey }],
        {
          observeStream: ({ endpoint, token, happened }) => {
            if (happened !== "opened" || token.length === 0) return;
            const by = Object.entries(kinds).find(([, tokens]) => tokens.decode(token).status === "ok")?.[0];
            const to = endpoint === server.url ? "server" : endpoint === other.url ? "other" : "relay";
            presented.push(`${by} to ${to}`);
          },
        },
      );
      await until(() => follower.told.length === 3);
      await stopServer();
      const [relay = server] = relays;
      await until(() => relay.streams() + other.streams() === 1);
      await rig.stop(relay.streams() === 1 ? relay : other);
      await until(() => presented.includes("server to relay") && presented.includes("server to other"));
      const allowed = /^(server to (server|relay|other)|relay to relay|other to other)$/;
      assert.deepEqual(
        presented.filter((each) => !allowed.test(each)),
        [],
      );
    });

    it("falls back to an older token when a relay takes the newest no more", async () => {
      const relay = await relayThrough(FIRST + 1);
      await stopServer();
      const tooOld = tokensOf().encode(openedRevision(5));
      const kept = await rig.relay({ log: logOver(systemClock, { isRelay: true, keptEpochs: 1 }) });
      await recordThrough(kept.log, FIRST, FIRST + 3);
      await rig.stop(relay);
      const follower = rig.follow([serverAt(server), relayAt(kept)], {}, tooOld);
      await until(() => follower.told.length === 4);
      assert.deepEqual(follower.told, ["+2", "-1", "+3", "-2"]);
      // The server's own token is still what the server gets.
      assert.ok(follower.saved.every((stored) => serverRevisionOf(stored) === openedRevision(5)));
    });

    it("finds relays while it runs, and goes on when they cannot be looked for", async () => {
      const relay = await relayThrough(FIRST + 2);
      let looks = 0;
      const clock = {
        now: systemClock.now,
        sleepUntil(timeMs: number, signal: AbortSignal) {
          // Only the pauses between looks are cut short.
          const isPause = Math.abs(timeMs - systemClock.now() - DISCOVERY_RETRY_MS * 0.51) < 200;
          return systemClock.sleepUntil(isPause ? systemClock.now() : timeMs, signal);
        },
      };
      const discoverRelays = async (): Promise<readonly Endpoint[]> => {
        looks += 1;
        if (looks < 3) throw new Error("the chain is away");
        return [relayAt(relay), { url: "http://127.0.0.1:1", hotkey: keys("miner").hotkey }];
      };
      const follower = rig.follow([serverAt(server)], { discoverRelays, clock });
      await until(() => follower.told.length === 3);
      await until(() => looks === 3);
      await stopServer();
      await until(() => follower.told.length === 5);
      assert.deepEqual(follower.told, ["+0", "+1", "-0", "+2", "-1"]);
      // Its own relay is no help to a validator.
      assert.ok(!follower.opened.includes("http://127.0.0.1:1"));
    });
  });
}

describe("the endpoints of followers", () => {
  before(readyCrypto);

  it("has the servers first, as given, and the relays in an order of each follower's own", () => {
    const recordSigner = keys("server").hotkey;
    const servers = ["http://b", "http://a"].map((url) => ({ url, hotkey: recordSigner }));
    const relays = Array.from({ length: 5 }, (_, index) => ({
      url: `http://relay-${index}`,
      hotkey: keys("validator").hotkey,
    }));
    const firsts = new Map<string, number>();
    for (let follower = 0; follower < 100; follower += 1) {
      const signer = signerFromUri(`//Follower${follower}`);
      const options = { endpoints: [...relays, ...servers], recordSigner, signer } as unknown as FollowOptions;
      const list = followerEndpoints(options).list();
      assert.deepEqual(list, followerEndpoints({ ...options, endpoints: [...servers, ...relays.toReversed()] }).list());
      assert.deepEqual(list.slice(0, 2), servers);
      assert.equal(new Set(list).size, 7);
      const first = list[2]?.url ?? "";
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
    // Twenty each on average.
    assert.equal(firsts.size, 5);
    assert.ok(
      [...firsts.values()].every((count) => count >= 8),
      JSON.stringify([...firsts]),
    );
  });
});
