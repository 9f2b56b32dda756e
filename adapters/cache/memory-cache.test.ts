import assert from "node:assert/strict";
import { manualClock } from "../clock/manual-clock.js";
import { cacheContract } from "./contract.js";
import { memoryCache } from "./memory-cache.js";

cacheContract("memory", async () => {
  const clock = manualClock(Date.UTC(2026, 10, 22, 12));
  const cache = memoryCache(clock);
  return { cache, second: cache, passTime: (ms) => clock.advanceTo(clock.now() + ms), stop: () => cache.close() };
});

describe("memory cache", () => {
  it("does not keep what has expired", async () => {
    const clock = manualClock(0);
    const cache = memoryCache(clock);
    for (let index = 0; index < 20_000; index += 1) {
      if (index % 100 === 0) await clock.advanceTo(clock.now() + 10);
      await cache.set(`nonce ${index}`, new Uint8Array(8), 10);
      assert.ok(cache.entryCount <= 1_100, `${cache.entryCount} entries, of which 100 count`);
    }
  });

  it("does not keep keys beside counts that have expired", async () => {
    const clock = manualClock(0);
    const cache = memoryCache(clock);
    for (let minute = 0; minute < 60; minute += 1) {
      for (let index = 0; index < 100; index += 1) {
        await cache.setAndCount({ key: `${minute}/${index}`, ttlMs: 90_000 }, { key: "count", ttlMs: 60_000 });
      }
      await clock.advanceTo(clock.now() + 60_000);
      assert.ok(cache.entryCount <= 301, `${cache.entryCount} entries, of which at most 201 count`);
    }
  });
});
