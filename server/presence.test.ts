import assert from "node:assert/strict";
import { memoryCache } from "../adapters/cache/memory-cache.js";
import { type ManualClock, manualClock } from "../adapters/clock/manual-clock.js";
import type { Log, ObjectStore } from "../core/ports.js";
import { quietLog } from "../test/support/quiet-log.js";
import { mapStore } from "./keeper/world.test-support.js";
import { type PutGuardOptions, guardPuts } from "./put-guard.js";

const START_MS = Date.UTC(2026, 10, 22, 12);

/** A server that does nothing but be there. */
class Instance {
  readonly #stop = new AbortController();
  readonly ended: Promise<string>;
  isWorking = false;

  constructor(options: PutGuardOptions) {
    const work = async (signal: AbortSignal): Promise<void> => {
      this.isWorking = true;
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      this.isWorking = false;
    };
    this.ended = guardPuts(options)
      .then(({ run }) => run(this.#stop.signal, work))
      .then(
        () => "ended in order",
        (error: Error) => error.message,
      );
  }

  async stop(): Promise<string> {
    this.#stop.abort(new Error("asked to stop"));
    return await this.ended;
  }
}

describe("one server alone on a store", () => {
  let clock: ManualClock;
  let objects: ObjectStore;
  let isStoreDown: boolean;
  const guards: unknown[] = [];
  const log: Log = { ...quietLog, info: (facts) => guards.push((facts as { guard?: string }).guard) };

  beforeEach(() => {
    clock = manualClock(START_MS);
    guards.length = 0;
    isStoreDown = false;
    const store = mapStore();
    const up = (): void => {
      if (isStoreDown) throw new Error("the store is away");
    };
    objects = {
      ...store,
      hasConditionalPuts: async () => false,
      get: async (key) => (up(), store.get(key)),
      replace: async (...put) => (up(), store.replace(...put)),
    };
  });

  const options = (instance: string, more: Partial<PutGuardOptions> = {}): PutGuardOptions => {
    const cache = memoryCache(clock);
    return { objects, cache, isCacheShared: false, clock, log, instance, ...more };
  };
  const start = (instance: string, more: Partial<PutGuardOptions> = {}): Instance =>
    new Instance(options(instance, more));
  const pass = (ms: number): Promise<void> => clock.advanceTo(clock.now() + ms);

  async function working(instance: Instance): Promise<Instance> {
    await pass(2_000);
    assert.ok(instance.isWorking);
    return instance;
  }

  it("keeps a second one out, and says who is there, since when and what to do", async () => {
    const first = await working(start("on web-1"));
    await pass(600_000);
    const second = start("on web-2");
    const said = await second.ended;
    assert.equal(second.isWorking, false);
    assert.match(said, /the server on web-1 has this object store to itself since 2026-11-22T12:00:00\.000Z/);
    assert.match(said, /same Redis \(--cache redis:.*or use a store with conditional puts/);
    assert.match(said, /start again at 2026-11-22T12:1\d:\d\d\.\d{3}Z/);
    assert.equal(await first.stop(), "ended in order");
    assert.deepEqual(guards, ["presence", "presence"]);
  });

  it("lets the next one in at once when it has ended in order, and later when it was killed", async () => {
    const first = await working(start("on web-1"));
    await first.stop();
    const second = await working(start("on web-2"));
    // Killed: it neither ends nor says any more that it is there.
    isStoreDown = true;
    await second.stop();
    isStoreDown = false;
    await pass(60_000);
    assert.match(await start("on web-3").ended, /web-2/);
    await pass(20_000);
    const third = await working(start("on web-3"));
    assert.equal(await third.stop(), "ended in order");
  });

  it("leaves one of two that start at the same moment", async () => {
    const both = [start("on web-1"), start("on web-2")];
    await pass(60_000);
    const working = both.filter(({ isWorking }) => isWorking);
    assert.equal(working.length, 1);
    const lost = both.find((instance) => !working.includes(instance));
    assert.match((await lost?.ended) ?? "", /has taken this object store/);
    await working[0]?.stop();
  });

  it("stops when another one has taken the store, and says so", async () => {
    const first = await working(start("on web-1"));
    // Its own clock is ahead, so it takes the first one for gone.
    const ahead = manualClock(START_MS + 600_000);
    const second = start("on web-2", { clock: ahead });
    await ahead.advanceTo(ahead.now() + 2_000);
    assert.ok(second.isWorking);
    await pass(30_000);
    assert.match(await first.ended, /the server on web-2 has taken this object store at .*same Redis/);
    assert.equal(first.isWorking, false);
    await second.stop();
  });

  it("stays through a time in which the store is away", async () => {
    const first = await working(start("on web-1"));
    isStoreDown = true;
    await pass(300_000);
    assert.ok(first.isWorking);
    isStoreDown = false;
    await pass(40_000);
    assert.match(await start("on web-2").ended, /web-1/);
    await first.stop();
  });

  it("keeps out one that would write under locks, which it does not take", async () => {
    const first = await working(start("on web-1"));
    assert.match(await start("on web-2", { isCacheShared: true }).ended, /web-1/);
    await first.stop();
    const second = start("on web-2", { isCacheShared: true });
    await working(second);
    await second.stop();
    assert.deepEqual(guards, ["presence", "redis_lock"]);
  });

  it("is not needed where the store has conditional puts", async () => {
    const { objects: same } = await guardPuts(options("on web-1", { objects: mapStore() }));
    assert.equal(await same.hasConditionalPuts(), true);
    assert.deepEqual(guards, ["conditional_puts"]);
  });
});
