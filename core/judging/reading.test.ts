import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { type Receipt, ReceiptSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { SEED_HASH, START_MS, exampleEpoch, exampleRules } from "./examples.test-support.js";
import { submissionsToRead } from "./reading.js";

const MINUTE_MS = 60_000;

function receipt(number: number, minute: number, objectCount: number): Receipt {
  const receivedTime = timestampFromMs(START_MS + minute * MINUTE_MS);
  return create(ReceiptSchema, { hotkey: `miner ${String(number).padStart(3, "0")}`, receivedTime, objectCount });
}

function read(receipts: readonly Receipt[], readMiners: number, readSampleMiners: number, seed = SEED_HASH): string[] {
  const rules = exampleRules({ readMiners, readSampleMiners });
  return [...submissionsToRead(exampleEpoch(rules), rules, receipts, seed)];
}

const anyReceipts = fc
  .array(fc.tuple(fc.nat({ max: 240 }), fc.integer({ min: 1, max: 5 })), { maxLength: 60 })
  .map((claims) => claims.map(([minute, objects], number) => receipt(number, minute, objects)));

describe("submissionsToRead", () => {
  it("reads all by default, and where there are no more than the rules have read", () => {
    const receipts = Array.from({ length: 9 }, (_, number) => receipt(number, number, 3));
    assert.equal(read(receipts, 0, 0).length, 9);
    assert.equal(read(receipts, 0, 4).length, 9);
    assert.equal(read(receipts, 6, 3).length, 9);
    assert.equal(read(receipts, 6, 2).length, 8);
  });

  it("takes the best by claimed speed and zip codes, and no more for objects that no zip code needs", () => {
    const receipts = [receipt(0, 1, 3), receipt(1, 200, 3), receipt(2, 1, 1), receipt(3, 200, 1), receipt(4, 230, 900)];
    assert.deepEqual(read(receipts, 1, 0), ["miner 000"]);
    assert.deepEqual(read(receipts, 2, 0), ["miner 000", "miner 002"]);
    assert.deepEqual(read(receipts, 3, 0), ["miner 000", "miner 002", "miner 001"]);
  });

  it("is the same whatever the order of receipts, has the size of the rules, and always the best in it", () => {
    fc.assert(
      fc.property(anyReceipts, fc.integer({ min: 1, max: 20 }), fc.nat({ max: 20 }), (receipts, best, sampled) => {
        const chosen = read(receipts, best, sampled);
        assert.deepEqual(new Set(read(receipts.toReversed(), best, sampled)), new Set(chosen));
        assert.equal(chosen.length, Math.min(receipts.length, best + sampled));
        for (const hotkey of read(receipts, best, 0)) assert.ok(chosen.includes(hotkey) || receipts.length <= best);
        const hotkeys = new Set(receipts.map((each) => each.hotkey));
        assert.ok(chosen.every((hotkey) => hotkeys.has(hotkey)));
      }),
      { numRuns: 300 },
    );
  });

  it("gives everybody beyond the best the same chance, by the seed", () => {
    const receipts = Array.from({ length: 22 }, (_, number) => receipt(number, number < 2 ? 1 : 100 + 5 * number, 3));
    const times = new Map<string, number>();
    const rounds = 2_000;
    for (let round = 0; round < rounds; round += 1) {
      const seed = round.toString(16).padStart(64, "0");
      for (const hotkey of read(receipts, 2, 5, seed)) times.set(hotkey, (times.get(hotkey) ?? 0) + 1);
    }
    assert.equal(times.get("miner 000"), rounds);
    assert.equal(times.get("miner 001"), rounds);
    // A quarter each: 500 expected of 2,000, with a deviation of 19.
    for (const { hotkey } of receipts.slice(2)) {
      assert.ok(Math.abs((times.get(hotkey) ?? 0) - 500) < 100, `${hotkey} ${times.get(hotkey)}`);
    }
  });
});
