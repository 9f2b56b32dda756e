/** What a real Redis can do to the doorbell: whatever it is, a ring may come late, but something rings. */
import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { redisMissing, startRedis, type StartedRedis } from "../../test/parts/redis.js";
import { freePort, waitUntil } from "../../test/parts/programs.js";
import type { Cache } from "../../core/ports.js";
import { redisCache } from "./redis-cache.js";

const missing = redisMissing();
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
/** So long that no test passes by it. */
const NEVER_MS = 3_600_000;
const STREAM = "bell/doorbell";

/** A ring as the stream holds it. */
const fieldsOf = (name: string, after: string, note: string): string[] =>
  Object.entries({ name, after, topic: "epoch", note }).flat();

/** What a listener heard: notes, and "?" for a ring without any. */
class Listener {
  readonly heard: string[] = [];
  constructor(cache: Cache) {
    cache.onRing("epoch", (notes) => {
      if (notes.length === 0) this.heard.push("?");
      for (const note of notes) this.heard.push(new TextDecoder().decode(note));
    });
  }
  async hears(what: string): Promise<void> {
    await waitUntil(`"${what}" at the listener, which heard ${this.heard.join()}`, 12_000, async () =>
      this.heard.includes(what),
    );
  }
}

(missing === undefined ? describe : describe.skip)(
  `the doorbell in Redis${missing === undefined ? "" : `: ${missing}`}`,
  function () {
    this.timeout(30_000);
    let port: number;
    let redis: StartedRedis;
    let here: Cache;
    let there: Cache;
    /** An operator's hand. */
    let operator: Redis;
    let listener: Listener;

    async function begin(): Promise<void> {
      const started = await startRedis(port);
      assert.ok(!("missing" in started));
      redis = started;
    }
    const open = (): Promise<Cache> =>
      redisCache({ url: redis.url, keyPrefix: "bell/", spuriousRingIntervalMs: NEVER_MS });

    beforeEach(async () => {
      port = await freePort();
      await begin();
      [here, there] = await Promise.all([open(), open()]);
      operator = new Redis(redis.url, { maxRetriesPerRequest: null });
      operator.on("error", () => undefined);
      listener = new Listener(there);
    });
    afterEach(async () => {
      await Promise.all([here, there].map((cache) => cache.close()));
      operator.disconnect();
      await redis.stop();
    });

    /** Cuts the waiting connections, as a restarted proxy does. */
    async function cutReaders(): Promise<void> {
      const clients = String(await operator.client("LIST")).split("\n");
      const readers = clients.filter((line) => line.includes("cmd=xread"));
      assert.equal(readers.length, 2, "both replicas wait for rings");
      for (const line of readers) await operator.client("KILL", "ID", /id=(\d+)/.exec(line)?.[1] ?? "");
    }

    it("brings late, with their notes, the rings that came while the connection was away", async () => {
      await here.ring("epoch", text("before"));
      await listener.hears("before");
      await waitUntil("both to wait", 5_000, async () => (await cutReaders(), true));
      await here.ring("epoch", text("one"));
      await here.ring("epoch", text("two"));
      await listener.hears("two");
      assert.deepEqual(listener.heard, ["before", "one", "two"], "each once, and none without its note");
    });

    it("rings without a note when Redis was flushed, and goes on with the next", async () => {
      await here.ring("epoch", text("before"));
      await listener.hears("before");
      await operator.flushall();
      await listener.hears("?");
      await here.ring("epoch", text("after"));
      await listener.hears("after");
    });

    it("rings without a note when a new ring does not follow the last one seen", async () => {
      await here.ring("epoch", text("before"));
      await listener.hears("before");
      await operator.multi().flushall().exec();
      await here.ring("epoch", text("after"));
      await Promise.all([listener.hears("after"), listener.hears("?")]);
    });

    it("hears a stream whose ids have gone back", async () => {
      await here.ring("epoch", text("before"));
      await listener.hears("before");
      await operator
        .multi()
        .flushall()
        .xadd(STREAM, "1-1", ...fieldsOf("one", "", "early"))
        .exec();
      await listener.hears("?");
      await operator.xadd(STREAM, "1-2", ...fieldsOf("two", "one", "second"));
      await listener.hears("second");
    });

    it("hears a stream that begins anew with the very id that it ended with", async () => {
      await here.ring("epoch", text("before"));
      await listener.hears("before");
      const [[id] = [""]] = await operator.xrevrange(STREAM, "+", "-", "COUNT", 1);
      await operator
        .multi()
        .flushall()
        .xadd(STREAM, id, ...fieldsOf("another", "", "unread"))
        .exec();
      await listener.hears("?");
      await here.ring("epoch", text("after"));
      await listener.hears("after");
    });

    it("rings without a note when rings were dropped before they were read", async () => {
      await here.ring("epoch", text("before"));
      await listener.hears("before");
      redis.suspend();
      const others = Array.from({ length: 3 }, (_, index) => here.ring("epoch", text(`lost ${index}`)).catch(() => {}));
      await Promise.all(others);
      redis.resume();
      await operator.xtrim(STREAM, "MAXLEN", 0);
      await waitUntil("a ring", 10_000, async () => (await here.ring("epoch", text("after")), true));
      await Promise.all([listener.hears("after"), listener.hears("?")]);
    });

    it("goes on when Redis is killed and comes back empty on the same port", async () => {
      await here.ring("epoch", text("before"));
      await listener.hears("before");
      await redis.kill();
      await assert.rejects(here.ring("epoch", text("lost")), { reason: "UNAVAILABLE" });
      await begin();
      await listener.hears("?");
      await waitUntil("a ring", 10_000, async () => (await here.ring("epoch", text("after")), true));
      await listener.hears("after");
    });

    it("is only late while clients are paused", async () => {
      await here.ring("epoch", text("before"));
      await listener.hears("before");
      await operator.client("PAUSE", 1_000);
      await here.ring("epoch", text("paused"));
      await listener.hears("paused");
      assert.deepEqual(listener.heard, ["before", "paused"]);
    });

    it("is not disturbed by what else lies in the stream", async () => {
      await operator.xadd(STREAM, "*", "garbage", "x");
      await operator.xadd(STREAM, "*", "topic", "epoch", "after", "nonsense", "note", Buffer.from([0xff, 0x00]));
      await listener.hears("?");
      await here.ring("epoch", text("after"));
      await listener.hears("after");
      await operator.set(STREAM, "no stream at all");
      await assert.rejects(here.ring("epoch"), { reason: "UNAVAILABLE", message: /WRONGTYPE/ });
      await operator.del(STREAM);
      await here.ring("epoch", text("healed"));
      await listener.hears("healed");
    });

    it("keeps a bounded number of rings, for a bounded time", async () => {
      for (let index = 0; index < 500; index += 1) await here.ring("epoch");
      assert.ok((await operator.xlen(STREAM)) <= 200);
      const ttlMs = await operator.pttl(STREAM);
      assert.ok(ttlMs > 0 && ttlMs <= 24 * 3_600_000, `${ttlMs} ms`);
    });
  },
);
