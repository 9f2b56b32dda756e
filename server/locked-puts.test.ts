import assert from "node:assert/strict";
import { memoryCache } from "../adapters/cache/memory-cache.js";
import { type ManualClock, manualClock } from "../adapters/clock/manual-clock.js";
import type { ObjectStore } from "../core/ports.js";
import { mapStore } from "./keeper/world.test-support.js";
import { lockedPuts } from "./locked-puts.js";

const TYPE = "application/x-protobuf";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A store that overwrites, as a service does that takes no notice of If-None-Match. */
function careless(): ReturnType<typeof mapStore> & { puts: number } {
  const store = mapStore();
  const overwriting = {
    ...store,
    puts: 0,
    async putIfAbsent(key: string, content: Uint8Array) {
      overwriting.puts += 1;
      store.content.set(key, content);
      return true;
    },
    hasConditionalPuts: async () => false,
  };
  return overwriting;
}

describe("puts under a lock", () => {
  let clock: ManualClock;
  let store: ReturnType<typeof careless>;
  let cache: ReturnType<typeof memoryCache>;
  beforeEach(() => {
    clock = manualClock(1_000_000);
    store = careless();
    cache = memoryCache(clock);
  });
  const guarded = (objects: ObjectStore = store): ObjectStore => lockedPuts(objects, cache, clock);

  /** Lets time pass until the promise settles. */
  async function settled<T>(promise: Promise<T>): Promise<T> {
    const pending = new Set([promise]);
    const settle = (): void => void pending.delete(promise);
    promise.then(settle, settle);
    for (let step = 0; pending.size > 0; step += 1) {
      assert.ok(step < 10_000, "it never settles");
      await clock.advanceTo(clock.now() + 50);
    }
    return promise;
  }

  it("write one of many contents, and never another one over it", async () => {
    const [one, other] = [guarded(), guarded()];
    const tries = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? one : other).putIfAbsent("a.bin", bytes(`writer ${index}`), TYPE),
    );
    const won = await settled(Promise.all(tries));
    assert.equal(won.filter(Boolean).length, 1);
    assert.equal(store.puts, 1);
    assert.deepEqual(store.content.get("a.bin"), bytes(`writer ${won.indexOf(true)}`));
    assert.equal(await other.putIfAbsent("a.bin", bytes("late"), TYPE), false);
  });

  it("show without the lock what the lock is for", async () => {
    await Promise.all([1, 2].map((index) => store.putIfAbsent("a.bin", bytes(`writer ${index}`), TYPE)));
    assert.equal(store.puts, 2);
  });

  it("wait for a lock that was left behind, and then write", async () => {
    assert.notEqual(await cache.lock("put/a.bin", 30_000), undefined);
    assert.equal(await settled(guarded().putIfAbsent("a.bin", bytes("x"), TYPE)), true);
    assert.ok(clock.now() >= 1_030_000);
  });

  it("give up on a lock that others hold again and again", async () => {
    const busy = { lock: async () => undefined };
    const put = lockedPuts(store, busy, clock).putIfAbsent("a.bin", bytes("x"), TYPE);
    await assert.rejects(settled(put), { reason: "UNAVAILABLE", message: /a\.bin .*45 seconds/ });
    assert.equal(store.puts, 0);
  });

  it("write nothing when there are no locks to be had", async () => {
    await cache.close();
    await assert.rejects(guarded().putIfAbsent("a.bin", bytes("x"), TYPE), { reason: "UNAVAILABLE" });
    assert.equal(store.puts, 0);
  });

  it("are given up before the lock ends, and leave the lock to end by itself", async () => {
    let arrive = (): void => {};
    const slow: ObjectStore = {
      ...store,
      putIfAbsent: (key, content, _type, signal) =>
        new Promise((resolve, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
          // What was sent arrives all the same.
          arrive = () => {
            store.content.set(key, content);
            resolve(true);
          };
        }),
    };
    const first = guarded(slow).putIfAbsent("a.bin", bytes("slow"), TYPE);
    await assert.rejects(settled(first), { reason: "UNAVAILABLE", message: /too long/ });
    assert.ok(clock.now() <= 1_020_000, "long before the lock's 30 seconds are over");
    const second = guarded().putIfAbsent("a.bin", bytes("second"), TYPE);
    await clock.advanceTo(1_028_000);
    assert.equal(store.puts, 0, "the second one waits for the lock");
    arrive();
    assert.equal(await settled(second), false);
    assert.deepEqual(store.content.get("a.bin"), bytes("slow"));
  });

  it("give the lock back when nothing was sent", async () => {
    const gone = AbortSignal.abort(new Error("the caller is gone"));
    await assert.rejects(guarded().putIfAbsent("a.bin", bytes("x"), TYPE, gone));
    assert.equal(store.puts, 0);
    let looks = 0;
    const failing: ObjectStore = {
      ...store,
      head: async () => {
        looks += 1;
        if (looks === 2) throw new Error("the store is away");
        return undefined;
      },
    };
    await assert.rejects(guarded(failing).putIfAbsent("b.bin", bytes("x"), TYPE), /away/);
    assert.notEqual(await cache.lock("put/b.bin", 1), undefined);
  });
});
