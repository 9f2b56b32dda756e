import assert from "node:assert/strict";
import { systemClock } from "../adapters/clock/system-clock.js";
import { readyCrypto, verifySr25519 } from "../adapters/wallet/wallet.js";
import { type Log } from "../core/ports.js";
import { quietLog } from "../test/support/quiet-log.js";
import { openedRevision } from "./epoch-log.js";
import type { Endpoint } from "./client.js";
import { type FollowOptions, type FollowedEvent, followEpochs } from "./follower.js";
import {
  FIRST,
  NETUID,
  NETWORK,
  type TestServer,
  epochRecord,
  keys,
  logOver,
  recordThrough,
  startTestServer,
  tokensOf,
  until,
} from "./kit.test-support.js";
import { mapObjects } from "./memory.test-support.js";

function short(event: FollowedEvent): string {
  return event.kind === "epoch" ? `+${event.epoch.number - FIRST}` : `-${event.closed.epochNumber - FIRST}`;
}

describe("the follower", () => {
  const running: { stop: AbortController; done: Promise<void> }[] = [];
  const servers: TestServer[] = [];

  before(readyCrypto);
  afterEach(async () => {
    for (const { stop } of running) stop.abort();
    await Promise.all(running.splice(0).map(({ done }) => done));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  async function serve(more: Parameters<typeof startTestServer>[1] = {}): Promise<TestServer> {
    const server = await startTestServer(systemClock, more);
    servers.push(server);
    return server;
  }

  /** Follows until the end of the test. */
  function follow(endpoints: readonly Endpoint[], more: Partial<FollowOptions> = {}, token?: Uint8Array) {
    const told: string[] = [];
    const saved: Uint8Array[] = [];
    const failures: string[] = [];
    const log: Log = {
      ...quietLog,
      warn: (facts) => {
        if ("failure" in facts) failures.push(String(facts.failure));
      },
    };
    const stop = new AbortController();
    const done = followEpochs(
      {
        endpoints,
        signer: keys("miner"),
        network: NETWORK,
        netuid: NETUID,
        recordSigner: keys("server").hotkey,
        verify: verifySr25519,
        clock: systemClock,
        // Short pauses: the test's patience is not what is tested.
        random: () => 0.01,
        log,
        tokens: {
          load: async () => token,
          save: async (next) => void saved.push(next),
        },
        onEvent: async (event) => void told.push(short(event)),
        ...more,
      },
      stop.signal,
    );
    running.push({ stop, done });
    return { told, saved, failures, stop, done };
  }

  const endpointOf = (server: TestServer, hotkey = keys("server").hotkey): Endpoint => ({ url: server.url, hotkey });

  it("delivers what there is and what comes, and saves each token after its event", async () => {
    const server = await serve();
    await recordThrough(server.log, FIRST, FIRST + 1);
    const order: string[] = [];
    const follower = follow([endpointOf(server)], {
      tokens: {
        load: async () => undefined,
        save: async (token) => {
          const decoded = tokensOf().decode(token);
          assert.equal(decoded.status, "ok");
          if (decoded.status === "ok") order.push(`saved ${decoded.revision - openedRevision(FIRST)}`);
        },
      },
      onEvent: async (event) => void order.push(short(event)),
    });
    await until(() => order.length >= 7);
    await recordThrough(server.log, FIRST + 2, FIRST + 2);
    await until(() => order.length >= 11);
    // The first epoch's token stands past the close that never was.
    const expected = ["+0", "saved 1", "+1", "saved 2", "-0", "saved 3", "saved 3", "+2", "saved 4", "-1", "saved 5"];
    assert.deepEqual(order, expected);
    follower.stop.abort();
    await follower.done;
  });

  it("goes on after the server was down and restarted, without a loss or a repeat", async () => {
    const log = logOver(systemClock, { objects: mapObjects() });
    let server = await serve({ log });
    await recordThrough(log, FIRST, FIRST + 1);
    const follower = follow([endpointOf(server)]);
    await until(() => follower.told.length === 3);
    for (let round = 2; round <= 4; round += 1) {
      const { port } = server;
      servers.splice(servers.indexOf(server), 1);
      await server.stop();
      await recordThrough(log, FIRST + round, FIRST + round);
      server = await serve({ log, port });
      await until(() => follower.told.length === 2 * round + 1);
    }
    assert.deepEqual(follower.told, ["+0", "+1", "-0", "+2", "-1", "+3", "-2", "+4", "-3"]);
  });

  it("delivers an event again until it is dealt with, and does not save its token before", async () => {
    const server = await serve();
    await recordThrough(server.log, FIRST, FIRST + 1);
    const told: string[] = [];
    let refusals = 2;
    const follower = follow([endpointOf(server)], {
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

  it("resumes from the saved token in a new run", async () => {
    const server = await serve();
    await recordThrough(server.log, FIRST, FIRST + 3);
    const follower = follow([endpointOf(server)], {}, tokensOf().encode(openedRevision(FIRST + 1)));
    await until(() => follower.told.length === 5);
    assert.deepEqual(follower.told, ["-0", "+2", "-1", "+3", "-2"]);
  });

  it("starts afresh when its token is malformed, foreign or too old", async () => {
    const server = await serve({ log: logOver(systemClock, { keptEpochs: 1 }) });
    await recordThrough(server.log, FIRST, FIRST + 3);
    const tokens = [new Uint8Array([7]), tokensOf({ network: "finney" }).encode(5), tokensOf().encode(5)];
    for (const token of tokens) {
      const follower = follow([endpointOf(server)], {}, token);
      await until(() => follower.told.length === 4);
      assert.deepEqual(follower.told, ["+2", "-1", "+3", "-2"]);
      assert.deepEqual(follower.failures, ["token_refused"]);
    }
  });

  it("waits with a token from the future until the replica has caught up", async () => {
    const server = await serve();
    await recordThrough(server.log, FIRST, FIRST);
    const follower = follow([endpointOf(server)], {}, tokensOf().encode(openedRevision(FIRST + 1)));
    await until(() => follower.failures.length >= 2);
    assert.equal(follower.failures[0], "token_from_future");
    assert.deepEqual(follower.told, []);
    await recordThrough(server.log, FIRST + 1, FIRST + 2);
    await until(() => follower.told.length === 3);
    assert.deepEqual(follower.told, ["-0", "+2", "-1"]);
  });

  it("leaves a relay whose records the server did not sign, or that are of another network", async () => {
    const good = await serve();
    await recordThrough(good.log, FIRST, FIRST + 1);
    const relayKey = keys("validator");
    const forged = await serve({ receiver: relayKey.hotkey });
    await forged.log.recordEpoch(epochRecord(FIRST + 7, { signer: relayKey }));
    const foreign = await serve({ receiver: relayKey.hotkey });
    await foreign.log.recordEpoch(epochRecord(FIRST + 8, { network: "finney" }));
    const follower = follow([
      endpointOf(forged, relayKey.hotkey),
      endpointOf(foreign, relayKey.hotkey),
      endpointOf(good),
    ]);
    await until(() => follower.told.length === 3);
    assert.deepEqual(follower.told, ["+0", "+1", "-0"]);
    assert.deepEqual(follower.failures, ["bad_record", "bad_record"]);
  });

  it("goes on at a relay while the server is down", async () => {
    const objects = mapObjects();
    const server = await serve({ log: logOver(systemClock, { objects }) });
    const relayKey = keys("validator");
    const relayLog = logOver(systemClock, { objects });
    const relay = await serve({ log: relayLog, receiver: relayKey.hotkey });
    await recordThrough(server.log, FIRST, FIRST + 1);
    const follower = follow([endpointOf(server), endpointOf(relay, relayKey.hotkey)]);
    await until(() => follower.told.length === 3);
    await server.stop();
    await recordThrough(relayLog, FIRST + 2, FIRST + 2);
    await until(() => follower.told.length === 5);
    assert.deepEqual(follower.told, ["+0", "+1", "-0", "+2", "-1"]);
  });

  it("comes back after a drain no sooner than it was told", async () => {
    const log = logOver(systemClock);
    await recordThrough(log, FIRST, FIRST);
    const first = await serve({ log, drainWindowMs: 300 });
    const waits: number[] = [];
    const clock = {
      now: systemClock.now,
      sleepUntil: (timeMs: number, signal: AbortSignal) => {
        waits.push(timeMs - systemClock.now());
        return systemClock.sleepUntil(timeMs, signal);
      },
    };
    const follower = follow([endpointOf(first)], { clock, random: () => 0 });
    await until(() => follower.told.length === 1);
    waits.length = 0;
    servers.splice(0);
    await first.stop();
    await serve({ log, port: first.port });
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
    servers.push(server);
    const follower = follow([endpointOf(server)]);
    await until(() => follower.failures.length >= 2);
    assert.deepEqual(follower.told, ["+0"]);
    assert.deepEqual(follower.failures.slice(0, 2), ["silent", "silent"]);
  });

  it("ends at once when it is told to, wherever it is", async () => {
    const unreachable = follow([{ url: "http://127.0.0.1:1", hotkey: keys("server").hotkey }], { random: () => 0.99 });
    await until(() => unreachable.failures.length > 0);
    unreachable.stop.abort();
    await unreachable.done;
    assert.deepEqual(unreachable.failures, ["unreachable"]);
  });
});
