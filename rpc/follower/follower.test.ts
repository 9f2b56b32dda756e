import assert from "node:assert/strict";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import type { TransportKind } from "../client/client.js";
import { closedRevision, openedRevision } from "../epoch-log/epoch-log.js";
import { FollowerRig, serverAt, serverRevisionOf, short } from "./follower.test-support.js";
import {
  FIRST,
  epochRecord,
  keys,
  logOver,
  recordThrough,
  snapshotRecord,
  startTestServer,
  tokensOf,
  until,
} from "../kit.test-support.js";
import { mapObjects } from "../memory.test-support.js";

const TRANSPORTS: readonly TransportKind[] = ["connect", "grpc-js"];

for (const transport of TRANSPORTS) {
  describe(`the follower over ${transport}`, () => {
    let rig: FollowerRig;
    before(readyCrypto);
    beforeEach(() => {
      rig = new FollowerRig(transport);
    });
    afterEach(() => rig.close());

    it("delivers what there is and what comes, and saves each position after its event", async () => {
      const server = await rig.serve();
      await recordThrough(server.log, FIRST, FIRST + 1);
      const order: string[] = [];
      rig.follow([serverAt(server)], {
        tokens: {
          load: async () => undefined,
          save: async (stored) => void order.push(`saved ${serverRevisionOf(stored) - openedRevision(FIRST)}`),
        },
        onEvent: async (event) => void order.push(short(event)),
      });
      await until(() => order.length >= 7);
      await recordThrough(server.log, FIRST + 2, FIRST + 2);
      await until(() => order.length >= 11);
      // The first epoch's token stands past the close that never was.
      const expected = ["+0", "saved 1", "+1", "saved 2", "-0", "saved 3", "saved 3", "+2", "saved 4", "-1", "saved 5"];
      assert.deepEqual(order, expected);
    });

    it("goes on after the server was down and restarted, without a loss or a repeat", async () => {
      const log = logOver(systemClock, { objects: mapObjects() });
      let server = await rig.serve({ log });
      await recordThrough(log, FIRST, FIRST + 1);
      const follower = rig.follow([serverAt(server)]);
      await until(() => follower.told.length === 3);
      for (let round = 2; round <= 4; round += 1) {
        const { port } = server;
        await rig.stop(server);
        await recordThrough(log, FIRST + round, FIRST + round);
        server = await rig.serve({ log, port });
        await until(() => follower.told.length === 2 * round + 1);
      }
      assert.deepEqual(follower.told, ["+0", "+1", "-0", "+2", "-1", "+3", "-2", "+4", "-3"]);
    });

    it("goes on at the server's next address when one is lost", async () => {
      const log = logOver(systemClock, { objects: mapObjects() });
      const [first, second] = [await rig.serve({ log }), await rig.serve({ log })];
      await recordThrough(log, FIRST, FIRST + 1);
      const follower = rig.follow([serverAt(first), serverAt(second)]);
      await until(() => follower.told.length === 3);
      await rig.stop(first);
      await recordThrough(log, FIRST + 2, FIRST + 2);
      await until(() => follower.told.length === 5);
      assert.deepEqual(follower.told, ["+0", "+1", "-0", "+2", "-1"]);
      assert.deepEqual(follower.opened, [first.url, second.url]);
    });

    it("goes over epochs that were never drawn", async () => {
      const server = await rig.serve();
      await recordThrough(server.log, FIRST, FIRST + 1);
      const follower = rig.follow([serverAt(server)]);
      await until(() => follower.told.length === 3);
      await server.log.recordSnapshot(snapshotRecord(FIRST + 1));
      await server.log.recordEpoch(epochRecord(FIRST + 4));
      await until(() => follower.told.length === 5);
      assert.deepEqual(follower.told, ["+0", "+1", "-0", "-1", "+4"]);
      assert.deepEqual(follower.failures, []);
    });

    it("delivers an event again until it is dealt with, and does not save its position before", async () => {
      const server = await rig.serve();
      await recordThrough(server.log, FIRST, FIRST + 1);
      const told: string[] = [];
      let refusals = 2;
      const follower = rig.follow([serverAt(server)], {
        onEvent: async (event) => {
          told.push(short(event));
          if (short(event) === "+1" && refusals > 0) {
            refusals -= 1;
            throw new Error("not now");
          }
        },
      });
      await until(() => told.at(-1) === "-0");
      assert.deepEqual(told, ["+0", "+1", "+1", "+1", "-0"]);
      assert.deepEqual(follower.failures, ["not_handled", "not_handled"]);
    });

    it("resumes from the saved position in a new run, and from a bare token of an earlier version", async () => {
      const server = await rig.serve();
      await recordThrough(server.log, FIRST, FIRST + 1);
      const first = rig.follow([serverAt(server)]);
      await until(() => first.told.length === 3);
      await first.stop();
      await recordThrough(server.log, FIRST + 2, FIRST + 2);
      const second = rig.follow([serverAt(server)], {}, first.saved.at(-1));
      await until(() => second.told.length === 2);
      assert.deepEqual(second.told, ["+2", "-1"]);

      const bare = rig.follow([serverAt(server)], {}, tokensOf().encode(openedRevision(FIRST + 1)));
      await until(() => bare.told.length === 3);
      assert.deepEqual(bare.told, ["-0", "+2", "-1"]);
    });

    it("starts afresh when its token is malformed, foreign or too old, or its position cannot be read", async () => {
      const server = await rig.serve({ log: logOver(systemClock, { keptEpochs: 1 }) });
      await recordThrough(server.log, FIRST, FIRST + 3);
      const tokens = [new Uint8Array([7]), tokensOf({ network: "finney" }).encode(5), tokensOf().encode(5)];
      for (const token of tokens) {
        const follower = rig.follow([serverAt(server)], {}, token);
        await until(() => follower.told.length === 4);
        assert.deepEqual(follower.told, ["+2", "-1", "+3", "-2"]);
        assert.deepEqual(follower.failures, ["token_refused"]);
      }
      const unreadable = rig.follow([serverAt(server)], {}, new TextEncoder().encode('{"format":"zipnet-position/9"}'));
      await until(() => unreadable.told.length === 4);
      assert.deepEqual(unreadable.failures, []);
    });

    it("waits with a token from the future until the replica has caught up", async () => {
      const server = await rig.serve();
      await recordThrough(server.log, FIRST, FIRST);
      const follower = rig.follow([serverAt(server)], {}, tokensOf().encode(openedRevision(FIRST + 1)));
      await until(() => follower.failures.length >= 2);
      assert.equal(follower.failures[0], "token_from_future");
      assert.deepEqual(follower.told, []);
      await recordThrough(server.log, FIRST + 1, FIRST + 2);
      await until(() => follower.told.length === 3);
      assert.deepEqual(follower.told, ["-0", "+2", "-1"]);
    });

    it("comes back after a drain no sooner than it was told", async () => {
      const log = logOver(systemClock);
      await recordThrough(log, FIRST, FIRST);
      const first = await rig.serve({ log, drainWindowMs: 300 });
      const waits: number[] = [];
      const clock = {
        now: systemClock.now,
        sleepUntil: (timeMs: number, signal: AbortSignal) => {
          waits.push(timeMs - systemClock.now());
          return systemClock.sleepUntil(timeMs, signal);
        },
      };
      const follower = rig.follow([serverAt(first)], { clock, random: () => 0 });
      await until(() => follower.told.length === 1);
      waits.length = 0;
      await rig.stop(first);
      await rig.serve({ log, port: first.port });
      await recordThrough(log, FIRST + 1, FIRST + 1);
      await until(() => follower.told.length === 3);
      assert.ok(
        waits.some((waitMs) => waitMs > 1 && waitMs <= 300),
        `waited ${waits.join(", ")}`,
      );
      assert.deepEqual(follower.failures, []);
    });

    it("takes a stream for dead that is silent for three bookmark intervals", async () => {
      const never = { now: systemClock.now, sleepUntil: () => new Promise<void>(() => {}) };
      const log = logOver(systemClock);
      await recordThrough(log, FIRST, FIRST);
      const server = await startTestServer(never, {
        log,
        bookmarkIntervalMs: 100,
        auth: { clock: systemClock },
        options: { drainDeadlineMs: 0 },
      });
      const follower = rig.follow([serverAt(server)]);
      await until(() => follower.failures.length >= 2);
      assert.deepEqual(follower.told, ["+0"]);
      assert.deepEqual(follower.failures.slice(0, 2), ["silent", "silent"]);
      await follower.stop();
      await server.stop();
    });

    it("ends at once when it is told to, wherever it is", async () => {
      const unreachable = rig.follow([{ url: "http://127.0.0.1:1", hotkey: keys("server").hotkey }], {
        random: () => 0.99,
      });
      await until(() => unreachable.failures.length > 0);
      await unreachable.stop();
      assert.deepEqual(unreachable.failures, ["unreachable"]);
    });

    it("shows every message of every stream, with the token that the stream was opened with", async () => {
      const server = await rig.serve();
      await recordThrough(server.log, FIRST, FIRST + 1);
      const seen: string[] = [];
      const token = tokensOf().encode(closedRevision(FIRST - 1));
      const follower = rig.follow(
        [serverAt(server)],
        {
          observe: ({ stream, message }) => seen.push(`${stream} ${message.event.case}`),
          observeStream: (stream) => {
            assert.equal(stream.endpoint, server.url);
            assert.deepEqual(stream.token, token);
            seen.push(`${stream.stream} ${stream.happened} ${stream.happened === "ended" ? stream.how : ""}`.trim());
          },
        },
        token,
      );
      await until(() => seen.at(-1) === "0 caughtUp");
      await follower.stop();
      assert.deepEqual(seen, ["0 opened", "0 started", "0 epoch", "0 closed", "0 caughtUp", "0 ended stopped"]);
    });
  });
}
