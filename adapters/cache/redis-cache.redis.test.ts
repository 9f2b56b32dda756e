import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Cache } from "../../core/ports.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { redisMissing, startRedis, type StartedRedis } from "../../test/parts/redis.js";
import { freePort, waitUntil } from "../../test/parts/programs.js";
import { systemClock } from "../clock/system-clock.js";
import { cacheContract } from "./contract.js";
import { redisCache } from "./redis-cache.js";

const missing = redisMissing();
const never = new AbortController().signal;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

async function start(port?: number): Promise<StartedRedis> {
  const started = await startRedis(port);
  assert.ok(!("missing" in started));
  return started;
}

(missing === undefined ? describe : describe.skip)(`Redis${missing === undefined ? "" : `: ${missing}`}`, function () {
  this.timeout(20_000);
  let redis: StartedRedis;
  const opened: Cache[] = [];
  const open = async (options: {
    keyPrefix: string;
    url?: string;
    spuriousRingIntervalMs?: number;
  }): Promise<Cache> => {
    const cache = await redisCache({ url: redis.url, ...options });
    opened.push(cache);
    return cache;
  };
  before(async () => {
    redis = await start();
  });
  afterEach(() => Promise.all(opened.splice(0).map((cache) => cache.close())));
  after(() => redis?.stop());

  cacheContract("Redis", async () => {
    const keyPrefix = `test/${randomUUID()}/`;
    const [cache, second] = [await open({ keyPrefix }), await open({ keyPrefix })];
    return {
      cache,
      second,
      // Redis counts for itself, from when a command came: a little more time makes sure of it.
      passTime: (ms) => systemClock.sleepUntil(systemClock.now() + ms + 20, never),
      stop: async () => undefined,
    };
  });

  it("calls listeners now and then without a ring", async () => {
    const cache = await open({ keyPrefix: "spurious/", spuriousRingIntervalMs: 20 });
    let heard = 0;
    cache.onRing("epoch", () => (heard += 1));
    await waitUntil("the third spurious ring", 5_000, async () => heard >= 3);
  });

  it("keeps deployments apart by their prefix", async () => {
    const [one, other] = [await open({ keyPrefix: "one/" }), await open({ keyPrefix: "other/" })];
    let heardByOther = 0;
    let heardByOne = 0;
    one.onRing("epoch", () => (heardByOne += 1));
    other.onRing("epoch", () => (heardByOther += 1));
    await one.set("key", text("x"), 60_000);
    await one.ring("epoch");
    await waitUntil("the ring", 5_000, async () => heardByOne === 1);
    assert.equal(heardByOther, 0);
    assert.equal(await other.get("key"), undefined);
  });

  it("begins without a Redis that does not answer, does not tell the password, and has it once it is there", async () => {
    const port = await freePort();
    const facts: string[] = [];
    const note = (told: object, message: string): void => void facts.push(JSON.stringify(told) + message);
    const log = { ...quietLog, warn: note, info: note };
    const options = { keyPrefix: "", log, spuriousRingIntervalMs: 3_600_000 };
    const withPassword = await redisCache({ url: `redis://user:hush@127.0.0.1:${port}`, ...options });
    const cache = await redisCache({ url: `redis://127.0.0.1:${port}`, ...options });
    opened.push(withPassword, cache);
    let heard = 0;
    cache.onRing("epoch", () => (heard += 1));
    await assert.rejects(withPassword.get("a"), (error: Error) => {
      assert.match(error.message, /Redis at 127\.0\.0\.1:\d+/);
      assert.doesNotMatch(error.message, /hush/);
      return "reason" in error && error.reason === "UNAVAILABLE";
    });
    const own = await start(port);
    try {
      await waitUntil("the cache to be there", 10_000, async () => (await cache.increment("c", 60_000)) > 0);
      await cache.ring("epoch");
      await waitUntil("a ring", 5_000, async () => heard > 0);
      assert.match(facts.join("\n"), /does not answer; starting without it[^]*is back/);
      assert.doesNotMatch(facts.join("\n"), /hush/);
    } finally {
      await own.stop();
    }
  });

  it("is UNAVAILABLE when Redis refuses", async () => {
    const wrong = redis.url.replace("redis://", "redis://user:hush@");
    await assert.rejects(redisCache({ url: wrong, keyPrefix: "" }), { reason: "UNAVAILABLE", message: /WRONGPASS/ });
    await assert.rejects(redisCache({ url: "http://user:hush@127.0.0.1", keyPrefix: "" }), RangeError);
  });

  it("fails soon while Redis is away, comes back with it, and makes up for lost rings", async () => {
    const port = await freePort();
    let own = await start(port);
    try {
      const facts: string[] = [];
      const note = (_facts: object, message: string): void => void facts.push(message);
      const log = { ...quietLog, warn: note, info: note };
      const cache = await redisCache({ url: own.url, keyPrefix: "away/", log, spuriousRingIntervalMs: 3_600_000 });
      opened.push(cache);
      let heard = 0;
      cache.onRing("epoch", () => (heard += 1));
      await cache.set("a", text("x"), 60_000);
      await own.stop();
      const startedMs = performance.now();
      await assert.rejects(cache.get("a"), { reason: "UNAVAILABLE" });
      await assert.rejects(cache.increment("b", 60_000), { reason: "UNAVAILABLE" });
      await assert.rejects(cache.ring("epoch"), { reason: "UNAVAILABLE" });
      assert.ok(performance.now() - startedMs < 7_000);
      own = await start(port);
      await waitUntil("the cache to be back", 10_000, async () => (await cache.increment("c", 60_000)) > 0);
      await waitUntil("a ring for those that were lost", 10_000, async () => heard > 0);
      const before = heard;
      await cache.ring("epoch");
      await waitUntil("a ring after the return", 5_000, async () => heard > before);
      assert.ok(facts.some((message) => message.includes("lost")) && facts.some((message) => message.includes("back")));
    } finally {
      await own.stop();
    }
  });

  it("makes few calls wait for a Redis that is silent, and goes on when it speaks again", async () => {
    const own = await start();
    try {
      const cache = await open({ keyPrefix: "hung/", url: own.url });
      own.suspend();
      const startedMs = performance.now();
      const tries = Array.from({ length: 5 }, () => assert.rejects(cache.get("a"), { reason: "UNAVAILABLE" }));
      await Promise.all(tries);
      const firstMs = performance.now() - startedMs;
      assert.ok(firstMs < 4_000, `the first calls took ${firstMs} ms`);
      for (let index = 0; index < 200; index += 1) {
        await assert.rejects(cache.set("a", text("x"), 1_000), { reason: "UNAVAILABLE" });
      }
      const laterMs = performance.now() - startedMs - firstMs;
      assert.ok(laterMs < 1_000, `200 calls took ${laterMs} ms`);
      own.resume();
      await waitUntil("the cache to be back", 15_000, async () => (await cache.increment("c", 60_000)) > 0);
    } finally {
      await own.stop();
    }
  });
});
