/**
 * Two replicas' logs of epochs on one real Redis, and what becomes of them when it is killed, hung, paused or flushed:
 * everything comes, nothing waits for long.
 */
import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { redisCache } from "../../adapters/cache/redis-cache.js";
import { manualClock, type ManualClock } from "../../adapters/clock/manual-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { epochStartMs } from "../../core/epoch-time.js";
import { epochKey } from "../../core/object-keys.js";
import type { Cache } from "../../core/ports.js";
import { freePort, waitUntil } from "../../test/parts/programs.js";
import { redisMissing, startRedis, type StartedRedis } from "../../test/parts/redis.js";
import {
  EPOCH_SECONDS,
  FIRST,
  epochRecord,
  idOf,
  logOver,
  recordThrough,
  snapshotRecord,
} from "../kit.test-support.js";
import { countedObjects, mapObjects } from "../memory.test-support.js";
import type { RecordedEpochs } from "./recorded-epochs.js";

const missing = redisMissing();
const KEY_PREFIX = "log/";
/** How soon a replica looks by itself in these tests. */
const SPURIOUS_RING_MS = 500;
/** What one silence of Redis may cost a call. */
const ONE_SILENCE_MS = 3_500;

(missing === undefined ? describe : describe.skip)(
  `the log of recorded epochs on Redis${missing === undefined ? "" : `: ${missing}`}`,
  function () {
    this.timeout(30_000);
    let port: number;
    let redis: StartedRedis;
    let caches: Cache[];
    let clock: ManualClock;
    let objects: ReturnType<typeof mapObjects>;
    let counted: ReturnType<typeof countedObjects>;
    let writer: RecordedEpochs;
    let reader: RecordedEpochs;

    before(readyCrypto);

    async function begin(): Promise<void> {
      const started = await startRedis(port);
      assert.ok(!("missing" in started));
      redis = started;
    }

    async function replicas(spuriousRingIntervalMs: number): Promise<void> {
      const open = () => redisCache({ url: redis.url, keyPrefix: KEY_PREFIX, spuriousRingIntervalMs });
      caches = await Promise.all([open(), open()]);
      clock = manualClock(epochStartMs(FIRST + 1, EPOCH_SECONDS));
      objects = mapObjects();
      counted = countedObjects(objects);
      writer = logOver(clock, { objects, cache: caches[0] ?? assert.fail() });
      reader = logOver(clock, { objects: counted, cache: caches[1] ?? assert.fail() });
      await recordThrough(writer, FIRST, FIRST + 1);
      await readerIsAt(FIRST + 1);
    }

    beforeEach(async () => {
      port = await freePort();
      await begin();
      caches = [];
    });
    afterEach(async () => {
      await Promise.all(caches.map((cache) => cache.close()));
      await redis.stop();
    });

    async function readerIsAt(number: number): Promise<void> {
      await reader.newestRevision();
      await waitUntil(`epoch ${number - FIRST} on the other replica`, 10_000, async () => {
        return reader.newestKnownId() === idOf(number);
      });
    }

    async function recordNext(number: number): Promise<void> {
      await clock.advanceTo(epochStartMs(number, EPOCH_SECONDS));
      await writer.recordEpoch(epochRecord(number));
      await writer.recordSnapshot(snapshotRecord(number - 1));
    }

    /** Every way to read the log; the longest that one took. */
    async function longestReadMs(): Promise<number> {
      const other = logOver(clock, { objects, cache: caches[1] ?? assert.fail() });
      const reads: (() => Promise<unknown>)[] = [reader, other].flatMap((log) => [
        () => log.newestRevision(),
        () => log.newestEpoch(),
        () => log.encodedEpoch(""),
        () => log.epoch(idOf(FIRST)),
        () => log.snapshot(idOf(FIRST)),
        () => log.list(5),
        () => log.next(0),
        () => log.oldestRevision(),
      ]);
      let longest = 0;
      for (const read of reads) {
        const startedMs = performance.now();
        assert.notEqual(await read(), undefined);
        longest = Math.max(longest, performance.now() - startedMs);
      }
      return longest;
    }

    it("hands records from replica to replica without the store", async () => {
      await replicas(3_600_000);
      counted.reads = 0;
      for (let number = FIRST + 2; number <= FIRST + 5; number += 1) {
        await recordNext(number);
        await readerIsAt(number);
      }
      await waitUntil("the last close", 5_000, async () => {
        return (await reader.newestRevision()) === (await writer.newestRevision());
      });
      assert.deepEqual(await reader.encodedEpoch(""), await writer.encodedEpoch(idOf(FIRST + 5)));
      assert.equal(counted.reads, 0);
    });

    it("keeps the current and the previous epoch in Redis, for three epochs' time, and no older one", async () => {
      await replicas(3_600_000);
      for (const number of [FIRST + 2, FIRST + 3]) await recordNext(number);
      const operator = new Redis(redis.url);
      try {
        await operator.flushall();
        const other = logOver(clock, { objects, cache: caches[0] ?? assert.fail() });
        for (let number = FIRST; number <= FIRST + 3; number += 1) await other.epoch(idOf(number));
        const keys = (await operator.keys(`${KEY_PREFIX}record/*`)).toSorted();
        assert.deepEqual(
          keys,
          [FIRST + 2, FIRST + 3].map((number) => `${KEY_PREFIX}record/${epochKey(idOf(number))}`),
        );
        for (const key of keys) {
          const ttlMs = await operator.pttl(key);
          assert.ok(ttlMs > 2 * EPOCH_SECONDS * 1000 && ttlMs <= 3 * EPOCH_SECONDS * 1000, `${ttlMs} ms`);
        }
      } finally {
        operator.disconnect();
      }
    });

    it("is unharmed by garbage in the stream and in the cache", async () => {
      await replicas(3_600_000);
      const operator = new Redis(redis.url);
      try {
        for (const note of [Buffer.alloc(0), Buffer.alloc(100_000, 0xff), Buffer.from("no record at all")]) {
          await operator.xadd(`${KEY_PREFIX}doorbell`, "*", "topic", "epochs", "after", "?", "note", note);
        }
        for (const key of await operator.keys(`${KEY_PREFIX}record/*`)) await operator.set(key, "garbage");
        await recordNext(FIRST + 2);
        await readerIsAt(FIRST + 2);
        assert.ok((await longestReadMs()) < 1_000);
        assert.deepEqual(await reader.encodedEpoch(idOf(FIRST + 1)), await writer.encodedEpoch(idOf(FIRST + 1)));
      } finally {
        operator.disconnect();
      }
    });

    it("loses nothing while Redis is killed, and after it came back empty", async () => {
      await replicas(SPURIOUS_RING_MS);
      await redis.kill();
      await recordNext(FIRST + 2);
      await readerIsAt(FIRST + 2);
      assert.ok((await longestReadMs()) < 1_000);
      await begin();
      await recordNext(FIRST + 3);
      await readerIsAt(FIRST + 3);
    });

    it("waits at most once for a Redis that hangs", async () => {
      await replicas(SPURIOUS_RING_MS);
      redis.suspend();
      const startedMs = performance.now();
      await recordNext(FIRST + 2);
      await readerIsAt(FIRST + 2);
      const longestMs = await longestReadMs();
      const tookMs = performance.now() - startedMs;
      assert.ok(longestMs < ONE_SILENCE_MS, `one read took ${longestMs} ms`);
      // Each replica may learn once by itself that Redis is silent.
      assert.ok(tookMs < 2 * ONE_SILENCE_MS, `two writes and all reads took ${tookMs} ms`);
      redis.resume();
      await recordNext(FIRST + 3);
      await readerIsAt(FIRST + 3);
    });

    it("is only late while clients are paused, or Redis is flushed", async () => {
      await replicas(SPURIOUS_RING_MS);
      const operator = new Redis(redis.url);
      try {
        await operator.client("PAUSE", 1_000);
        await recordNext(FIRST + 2);
        await readerIsAt(FIRST + 2);
        await operator.flushall();
        assert.ok((await longestReadMs()) < 1_000);
        await recordNext(FIRST + 3);
        await operator.flushall();
        await readerIsAt(FIRST + 3);
      } finally {
        operator.disconnect();
      }
    });
  },
);
