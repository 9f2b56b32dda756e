import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { manualClock } from "../../adapters/clock/manual-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { epochStartMs } from "../../core/epoch-time.js";
import { ZipnetError } from "../../core/errors.js";
import { GetEpochResponseSchema } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { type EpochLog, closedRevision, openedRevision } from "./epoch-log.js";
import {
  EPOCH_SECONDS,
  FIRST,
  epochRecord,
  hex,
  idOf,
  keys,
  logOver,
  recordThrough,
  snapshotRecord,
  until,
} from "../kit.test-support.js";
import { mapCache, mapObjects } from "../memory.test-support.js";

const clockAt = (number: number) => manualClock(epochStartMs(number, EPOCH_SECONDS));

/** What the log says up to its newest revision: "+3" for the fourth epoch opening, "-3" for its close. */
async function story(log: EpochLog): Promise<string[]> {
  const told: string[] = [];
  for (let at = await log.next(0); at !== undefined; at = await log.next(at.revision)) {
    assert.ok(at.revision <= ((await log.newestRevision()) ?? -1));
    if (at.event.kind === "epoch") told.push(`+${at.revision / 2 - FIRST}`);
    else told.push(`-${at.event.closed.epochNumber - FIRST}`);
  }
  return told;
}

function rejectsWith(reason: string, text: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ZipnetError);
    assert.equal(error.reason, reason);
    assert.match(error.message, text);
    return true;
  };
}

describe("the log of recorded epochs", () => {
  before(readyCrypto);

  it("is empty at first", async () => {
    const log = logOver(clockAt(FIRST));
    assert.equal(await log.newestRevision(), undefined);
    assert.equal(await log.newestEpoch(), undefined);
    assert.deepEqual(await log.list(10), []);
    assert.equal(await log.oldestRevision(), 0);
  });

  it("puts each close right after the next epoch's opening", async () => {
    const log = logOver(clockAt(FIRST));
    await recordThrough(log, FIRST, FIRST + 2);
    assert.deepEqual(await story(log), ["+0", "+1", "-0", "+2", "-1"]);
    assert.equal(await log.newestRevision(), closedRevision(FIRST + 1));
  });

  it("does not settle on a close that may still come", async () => {
    const log = logOver(clockAt(FIRST));
    await log.recordEpoch(epochRecord(FIRST));
    assert.equal(await log.newestRevision(), openedRevision(FIRST) + 1, "the first epoch has nothing before it");
    await log.recordEpoch(epochRecord(FIRST + 1));
    assert.equal(await log.newestRevision(), openedRevision(FIRST + 1));
    await log.recordSnapshot(snapshotRecord(FIRST));
    assert.equal(await log.newestRevision(), closedRevision(FIRST));
  });

  it("holds back a close that comes before the next epoch", async () => {
    const log = logOver(clockAt(FIRST));
    await log.recordEpoch(epochRecord(FIRST));
    await log.recordSnapshot(snapshotRecord(FIRST));
    assert.deepEqual(await story(log), ["+0"]);
    await log.recordEpoch(epochRecord(FIRST + 1));
    assert.deepEqual(await story(log), ["+0", "+1", "-0"]);
  });

  it("keeps the first record of an epoch and of a snapshot", async () => {
    const log = logOver(clockAt(FIRST));
    const first = await log.recordEpoch(epochRecord(FIRST));
    const second = await log.recordEpoch(epochRecord(FIRST));
    assert.equal(hex(second.signature), hex(first.signature));
    const snapshot = await log.recordSnapshot(snapshotRecord(FIRST));
    assert.equal(hex((await log.recordSnapshot(snapshotRecord(FIRST))).signature), hex(snapshot.signature));
    assert.equal(hex((await log.snapshot(idOf(FIRST)))?.signature ?? new Uint8Array()), hex(snapshot.signature));
  });

  it("refuses an epoch before a recorded one, and one whose close would come too late", async () => {
    const log = logOver(clockAt(FIRST));
    await log.recordEpoch(epochRecord(FIRST));
    await log.recordEpoch(epochRecord(FIRST + 1));
    await assert.rejects(log.recordEpoch(epochRecord(FIRST - 1)), rejectsWith("EPOCH_CLOSED", /any more/));
    await assert.rejects(
      log.recordEpoch(epochRecord(FIRST + 2)),
      rejectsWith("EPOCH_OPEN", /snapshot of epoch 1000000 /),
    );
    await log.recordSnapshot(snapshotRecord(FIRST));
    await log.recordEpoch(epochRecord(FIRST + 2));
    await assert.rejects(log.recordEpoch(epochRecord(FIRST + 9)), rejectsWith("EPOCH_OPEN", /epoch 1000002 /));
  });

  it("passes over epochs that were never drawn", async () => {
    const log = logOver(clockAt(FIRST));
    await recordThrough(log, FIRST, FIRST + 1);
    await log.recordSnapshot(snapshotRecord(FIRST + 1));
    await recordThrough(log, FIRST + 5, FIRST + 6);
    assert.deepEqual(await story(log), ["+0", "+1", "-0", "-1", "+5", "+6", "-5"]);
    await assert.rejects(log.recordEpoch(epochRecord(FIRST + 3)), rejectsWith("EPOCH_CLOSED", /./));
  });

  it("tells the close of the very first epoch when the one after it was never drawn", async () => {
    const log = logOver(clockAt(FIRST));
    await log.recordEpoch(epochRecord(FIRST));
    await log.recordSnapshot(snapshotRecord(FIRST));
    await log.recordEpoch(epochRecord(FIRST + 2));
    assert.deepEqual(await story(log), ["+0", "-0", "+2"]);
  });

  it("is the same on another replica, which hears the doorbell, and after a restart", async () => {
    const clock = clockAt(FIRST);
    const parts = { objects: mapObjects(), cache: mapCache(clock) };
    const [a, b] = [logOver(clock, parts), logOver(clock, parts)];
    assert.equal(await b.newestRevision(), undefined);
    let rings = 0;
    b.ticket().onRing(() => (rings += 1));
    await recordThrough(a, FIRST, FIRST + 2);
    await until(() => rings === 1);
    assert.equal(await b.newestRevision(closedRevision(FIRST + 1)), closedRevision(FIRST + 1));
    assert.deepEqual(await story(b), await story(a));
    // Long after, with an empty cache.
    const restarted = logOver(clockAt(FIRST + 5_000), { objects: parts.objects });
    assert.deepEqual(await story(restarted), await story(a));
    assert.equal(
      hex((await b.recordEpoch(epochRecord(FIRST + 2))).signature),
      hex((await a.newestEpoch())?.record.signature ?? new Uint8Array()),
    );
  });

  it("does without the cache, and recovers when the store was out of reach", async () => {
    const clock = clockAt(FIRST);
    const parts = { objects: mapObjects(), cache: mapCache(clock) };
    await recordThrough(logOver(clock, parts), FIRST, FIRST + 1);
    parts.cache.isDown = true;
    parts.objects.isDown = true;
    const log = logOver(clock, parts);
    await assert.rejects(log.newestRevision(), /the store is down/);
    parts.objects.isDown = false;
    assert.deepEqual(await story(log), ["+0", "+1", "-0"]);
    await log.recordEpoch(epochRecord(FIRST + 2));
    assert.equal(await log.newestRevision(), openedRevision(FIRST + 2));
  });

  it("serves the newest from the cache", async () => {
    const clock = clockAt(FIRST);
    const parts = { objects: mapObjects(), cache: mapCache(clock) };
    await recordThrough(logOver(clock, parts), FIRST, FIRST);
    const other = logOver(clock, parts);
    assert.notEqual(await other.newestRevision(), undefined);
    parts.objects.isDown = true;
    assert.equal((await other.newestEpoch())?.epoch.number, FIRST);
  });

  it("gives an epoch as the encoded answer, at once when it was asked for before", async () => {
    const log = logOver(clockAt(FIRST));
    assert.equal(await log.encodedEpoch(""), undefined);
    assert.equal(log.heldEncodedEpoch(""), undefined);
    await recordThrough(log, FIRST, FIRST + 1);
    assert.equal(log.heldEncodedEpoch(idOf(FIRST)), undefined);
    for (const [asked, number] of [
      [idOf(FIRST), FIRST],
      ["", FIRST + 1],
    ] as const) {
      const bytes = await log.encodedEpoch(asked);
      assert.ok(bytes !== undefined);
      const answer = fromBinary(GetEpochResponseSchema, bytes);
      assert.deepEqual(answer.record, (await log.epoch(idOf(number)))?.record);
      assert.equal(answer.decoded, undefined);
      assert.equal(log.heldEncodedEpoch(asked), bytes);
    }
    await log.recordSnapshot(snapshotRecord(FIRST));
    await recordThrough(log, FIRST + 2, FIRST + 2);
    assert.equal(log.heldEncodedEpoch(""), undefined, "the newest is another one now");
    assert.equal(await log.encodedEpoch(idOf(FIRST + 3)), undefined);
  });

  it("drops what is older than the kept epochs, and nothing before", async () => {
    const log = logOver(clockAt(FIRST), { keptEpochs: 3 });
    await recordThrough(log, FIRST, FIRST + 3);
    assert.equal(await log.oldestRevision(), 0);
    await recordThrough(log, FIRST + 4, FIRST + 4);
    assert.equal(await log.oldestRevision(), openedRevision(FIRST + 1) - 1);
  });

  it("reaches back to the last gap only on a relay", async () => {
    const log = logOver(clockAt(FIRST), { isRelay: true });
    await recordThrough(log, FIRST, FIRST + 1);
    assert.equal(await log.oldestRevision(), openedRevision(FIRST) + 1);
    await log.recordSnapshot(snapshotRecord(FIRST + 1));
    await recordThrough(log, FIRST + 4, FIRST + 5);
    assert.equal(await log.oldestRevision(), openedRevision(FIRST + 4) + 1);
  });

  it("lists pages newest first, over any gaps", async () => {
    const everything = fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      async (offsets, pageSize) => {
        const log = logOver(clockAt(FIRST), { objects });
        objects.held.clear();
        const ascending = [...offsets].sort((a, b) => a - b);
        for (const offset of ascending) {
          await log.recordEpoch(records[offset] ?? epochRecord(FIRST + offset));
          await log.recordSnapshot(snapshots[offset] ?? snapshotRecord(FIRST + offset));
        }
        const seen: number[] = [];
        for (let before: string | undefined; ;) {
          const page = await log.list(pageSize, before);
          if (page.length === 0) break;
          assert.ok(page.length <= pageSize);
          seen.push(...page.map(({ epoch }) => epoch.number - FIRST));
          before = page.at(-1)?.epoch.id;
        }
        assert.deepEqual(seen, ascending.reverse());
      },
    );
    const objects = mapObjects();
    keys("server");
    const records = Array.from({ length: 61 }, (_, offset) => epochRecord(FIRST + offset));
    const snapshots = Array.from({ length: 61 }, (_, offset) => snapshotRecord(FIRST + offset));
    await fc.assert(everything, { numRuns: 30 });
  });
});
