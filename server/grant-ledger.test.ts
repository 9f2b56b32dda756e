import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { memoryCache } from "../adapters/cache/memory-cache.js";
import { systemClock } from "../adapters/clock/system-clock.js";
import { dataKey } from "../core/object-keys.js";
import type { ObjectInfo } from "../core/ports.js";
import { type ObjectSpec, ObjectSpecSchema } from "../gen/zipnet/v1/submission_service_pb.js";
import { type StorageLimits, grantLedger, withObjects } from "./grant-ledger.js";

const EPOCH = "20261122T120000Z";
const MINER = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const OTHER = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
const LIFE_MS = 60_000;

function spec(index: number, sizeBytes = 10, md5 = "a"): ObjectSpec {
  const zipCode = String(10_000 + index);
  return create(ObjectSpecSchema, { zipCode, sizeBytes, md5: md5.repeat(32), sha256: "b".repeat(64) });
}

const specs = (from: number, to: number, sizeBytes = 10): ObjectSpec[] =>
  Array.from({ length: to - from }, (_, index) => spec(from + index, sizeBytes));

/** A ledger over what the store holds, which the test may add to. */
function ledgerOf(limits: Partial<StorageLimits> = {}, cache = memoryCache(systemClock)) {
  const stored: ObjectInfo[] = [];
  const objects = {
    async *list(prefix: string) {
      yield* stored.filter(({ key }) => key.startsWith(prefix));
    },
  };
  const all = { maxObjectsPerEpoch: 10, maxBytesPerEpoch: 1_000, ...limits };
  return { cache, stored, make: () => grantLedger({ cache, objects, clock: systemClock, limits: all }) };
}

describe("the ledger of grants", () => {
  it("counts an object once, however often it is asked for", async () => {
    const ledger = ledgerOf().make();
    for (let round = 0; round < 3; round += 1) await ledger.enter(EPOCH, MINER, specs(0, 4), LIFE_MS);
    await ledger.enter(EPOCH, MINER, [spec(2), spec(4), spec(4)], LIFE_MS);
    assert.deepEqual(await ledger.granted(EPOCH, MINER), { objects: 5, bytes: 50 });
    assert.deepEqual(await ledger.granted(EPOCH, OTHER), { objects: 0, bytes: 0 });
  });

  it("refuses what passes a limit, enters nothing of it, and goes on for others and other epochs", async () => {
    const ledger = ledgerOf().make();
    await ledger.enter(EPOCH, MINER, specs(0, 8), LIFE_MS);
    const refusal = {
      reason: "UPLOAD_LIMIT_REACHED",
      metadata: { epoch_id: EPOCH, limit: "objects", max: "10", granted: "8" },
    };
    await assert.rejects(ledger.enter(EPOCH, MINER, specs(8, 11), LIFE_MS), refusal);
    assert.deepEqual(await ledger.granted(EPOCH, MINER), { objects: 8, bytes: 80 });
    await assert.rejects(ledger.enter(EPOCH, MINER, [spec(8, 921)], LIFE_MS), {
      reason: "UPLOAD_LIMIT_REACHED",
      message: /1000 bytes.*granted 80.*1001/,
    });
    await ledger.enter(EPOCH, MINER, [spec(8, 920)], LIFE_MS);
    await ledger.enter(EPOCH, OTHER, specs(0, 10), LIFE_MS);
    await ledger.enter("20261122T160000Z", MINER, specs(0, 10), LIFE_MS);
  });

  it("takes a key for one content only", async () => {
    const ledger = ledgerOf().make();
    await ledger.enter(EPOCH, MINER, [spec(1)], LIFE_MS);
    for (const other of [spec(1, 11), spec(1, 10, "c")]) {
      await assert.rejects(ledger.enter(EPOCH, MINER, [spec(2), other], LIFE_MS), { reason: "OBJECT_DIFFERS" });
    }
    await assert.rejects(ledger.enter(EPOCH, MINER, [spec(3), spec(3, 11)], LIFE_MS), { reason: "OBJECT_DIFFERS" });
    assert.deepEqual(await ledger.granted(EPOCH, MINER), { objects: 1, bytes: 10 });
  });

  it("lets nobody past a limit by asking at two replicas at once", async () => {
    const { make } = ledgerOf();
    const replicas = [make(), make()] as const;
    const calls = Array.from({ length: 12 }, (_, index) =>
      (index % 2 === 0 ? replicas[0] : replicas[1]).enter(EPOCH, MINER, specs(index * 3, index * 3 + 3), LIFE_MS),
    );
    const answers = await Promise.allSettled(calls);
    assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 3);
    assert.deepEqual(await replicas[1].granted(EPOCH, MINER), { objects: 9, bytes: 90 });
  });

  it("begins with what the store holds where the cache has lost it", async () => {
    const { make, stored } = ledgerOf();
    for (const { zipCode, sha256, sizeBytes, md5 } of specs(0, 6)) {
      stored.push({ key: dataKey(MINER, EPOCH, zipCode, sha256), sizeBytes, md5 });
    }
    const ledger = make();
    assert.deepEqual(await ledger.granted(EPOCH, MINER), { objects: 6, bytes: 60 });
    await assert.rejects(ledger.enter(EPOCH, MINER, specs(6, 11), LIFE_MS), { reason: "UPLOAD_LIMIT_REACHED" });
    await assert.rejects(ledger.enter(EPOCH, MINER, [spec(0, 11)], LIFE_MS), { reason: "OBJECT_DIFFERS" });
    await ledger.enter(EPOCH, MINER, specs(0, 10), LIFE_MS);
    assert.deepEqual(await ledger.granted(EPOCH, MINER), { objects: 10, bytes: 100 });
  });

  it("grants again what was granted under limits that were lowered since", async () => {
    const before = ledgerOf();
    await before.make().enter(EPOCH, MINER, specs(0, 10), LIFE_MS);
    const { make } = ledgerOf({ maxObjectsPerEpoch: 2, maxBytesPerEpoch: 20 }, before.cache);
    await make().enter(EPOCH, MINER, specs(3, 7), LIFE_MS);
    await assert.rejects(make().enter(EPOCH, MINER, [spec(20)], LIFE_MS), { reason: "UPLOAD_LIMIT_REACHED" });
  });

  it("never holds more than the limits nor two contents of one key, whatever is asked in whatever order", () => {
    const limits = { maxObjectsPerEpoch: 6, maxBytesPerEpoch: 100 };
    const anySpec = fc
      .record({ index: fc.nat(8), sizeBytes: fc.integer({ min: 1, max: 40 }), md5: fc.constantFrom("a", "c") })
      .map(({ index, sizeBytes, md5 }) => spec(index, sizeBytes, md5));
    const calls = fc.array(fc.array(anySpec, { minLength: 1, maxLength: 4 }), { maxLength: 20 });
    fc.assert(
      fc.property(calls, (asked) => {
        let granted: ObjectSpec[] = [];
        for (const objects of asked) {
          try {
            const after = withObjects(granted, objects, limits, EPOCH);
            assert.deepEqual(after.slice(0, granted.length), granted);
            for (const { zipCode, sizeBytes, md5 } of objects) {
              assert.ok(after.some((one) => one.zipCode === zipCode && one.sizeBytes === sizeBytes && one.md5 === md5));
            }
            granted = after;
          } catch (error) {
            assert.match((error as { reason: string }).reason, /^(UPLOAD_LIMIT_REACHED|OBJECT_DIFFERS)$/);
          }
          assert.ok(granted.length <= 6 && granted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) <= 100);
          assert.equal(new Set(granted.map(({ zipCode }) => zipCode)).size, granted.length);
        }
      }),
    );
  });
});
