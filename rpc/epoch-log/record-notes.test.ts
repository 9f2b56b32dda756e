/**
 * What a log of epochs believes of what comes from the cache: notes on the doorbell, and copies of records.
 */
import assert from "node:assert/strict";
import { manualClock } from "../../adapters/clock/manual-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { epochStartMs } from "../../core/epoch-time.js";
import { epochKey, snapshotKey } from "../../core/object-keys.js";
import { encodeRecord } from "../../core/signed-record.js";
import { closedRevision, openedRevision } from "./epoch-log.js";
import {
  EPOCH_SECONDS,
  FIRST,
  epochRecord,
  idOf,
  keys,
  logOver,
  recordThrough,
  snapshotRecord,
  until,
} from "../kit.test-support.js";
import { countedObjects, mapCache, mapObjects } from "../memory.test-support.js";

const clockAt = (number: number) => manualClock(epochStartMs(number, EPOCH_SECONDS));
const DOORBELL = "epochs";

/** Two replicas on one store and one cache; the second has read what there is, and its reads are counted. */
async function twoReplicas() {
  const clock = clockAt(FIRST + 1);
  const cache = mapCache(clock);
  const objects = mapObjects();
  const counted = countedObjects(objects);
  const writer = logOver(clock, { objects, cache });
  await recordThrough(writer, FIRST, FIRST + 1);
  const reader = logOver(clock, { objects: counted, cache });
  assert.equal(await reader.newestRevision(), closedRevision(FIRST));
  counted.reads = 0;
  return { clock, cache, objects, counted, writer, reader };
}

describe("notes on the doorbell", () => {
  before(readyCrypto);

  it("spare the other replicas the store", async () => {
    const { clock, counted, writer, reader } = await twoReplicas();
    await clock.advanceTo(epochStartMs(FIRST + 2, EPOCH_SECONDS));
    let rings = 0;
    reader.ticket().onRing(() => (rings += 1));
    const opened = await writer.recordEpoch(epochRecord(FIRST + 2));
    assert.equal(rings, 1);
    assert.equal(await reader.newestRevision(), openedRevision(FIRST + 2));
    assert.deepEqual((await reader.newestEpoch())?.record, opened);
    const snapshot = await writer.recordSnapshot(snapshotRecord(FIRST + 1));
    assert.equal(await reader.newestRevision(), closedRevision(FIRST + 1));
    assert.deepEqual(await reader.snapshot(idOf(FIRST + 1)), snapshot);
    const events = [await reader.next(closedRevision(FIRST)), await reader.next(openedRevision(FIRST + 2))];
    assert.deepEqual(
      events.map((placed) => placed?.revision),
      [openedRevision(FIRST + 2), closedRevision(FIRST + 1)],
    );
    assert.equal(counted.reads, 0);
  });

  it("that leave an epoch out cost a look at the store", async () => {
    const { cache, objects, counted, reader } = await twoReplicas();
    const next = [epochRecord(FIRST + 2), snapshotRecord(FIRST + 1), epochRecord(FIRST + 3)] as const;
    for (const [index, key] of [
      epochKey(idOf(FIRST + 2)),
      snapshotKey(idOf(FIRST + 1)),
      epochKey(idOf(FIRST + 3)),
    ].entries()) {
      objects.held.set(key, encodeRecord(next[index] ?? assert.fail()));
    }
    let rings = 0;
    reader.ticket().onRing(() => (rings += 1));
    await cache.ring(DOORBELL, encodeRecord(next[2]));
    await until(() => rings === 1);
    assert.equal(await reader.newestRevision(), openedRevision(FIRST + 3));
    assert.ok(counted.reads > 0);
  });

  it("are not believed unless the server signed them", async () => {
    const { cache, counted, writer, reader } = await twoReplicas();
    const honest = encodeRecord(epochRecord(FIRST + 2));
    const flipped = Uint8Array.from(honest, (byte, index) => (index === 200 ? byte ^ 1 : byte));
    const bad = {
      nothing: new Uint8Array(),
      noise: new Uint8Array(5_000).fill(0xff),
      "cut off": honest.subarray(0, honest.length - 10),
      "one bit flipped": flipped,
      "something beside the record": Uint8Array.from([...honest, 0x2a, 0x01, 0x00]),
      "signed by a stranger": encodeRecord(epochRecord(FIRST + 2, { signer: keys("stranger") })),
      "another kind of record": encodeRecord({ ...epochRecord(FIRST + 2), type: "zipnet.v1.Receipt" }),
    };
    for (const [what, note] of Object.entries(bad)) {
      counted.reads = 0;
      await cache.ring(DOORBELL, note);
      await until(() => counted.reads > 0);
      assert.equal(await reader.newestRevision(), closedRevision(FIRST), what);
      assert.equal(await reader.epoch(idOf(FIRST + 2)), undefined, what);
    }
    await writer.recordEpoch(epochRecord(FIRST + 2));
    assert.equal(await reader.newestRevision(), openedRevision(FIRST + 2));
  });

  it("never take the place of what is known already", async () => {
    const { cache, reader } = await twoReplicas();
    const held = await reader.epoch(idOf(FIRST + 1));
    await cache.ring(DOORBELL, encodeRecord(epochRecord(FIRST + 1)));
    assert.deepEqual(await reader.epoch(idOf(FIRST + 1)), held);
    assert.equal(await reader.newestRevision(), closedRevision(FIRST));
  });
});

describe("copies of records in the cache", () => {
  before(readyCrypto);

  it("are not believed unless they are the record that is asked for", async () => {
    const { clock, cache, objects } = await twoReplicas();
    const key = `record/${epochKey(idOf(FIRST + 1))}`;
    const stored = objects.held.get(epochKey(idOf(FIRST + 1)));
    const bad = [
      Uint8Array.of(0xff, 0xff),
      encodeRecord(epochRecord(FIRST)),
      encodeRecord(epochRecord(FIRST + 1, { signer: keys("stranger") })),
    ];
    for (const copy of bad) {
      await cache.set(key, copy, 60_000);
      const read = await logOver(clock, { objects, cache }).epoch(idOf(FIRST + 1));
      assert.deepEqual(encodeRecord(read?.record ?? assert.fail()), stored);
      assert.deepEqual(await cache.get(key), stored, "the copy is put right");
    }
  });
});

describe("the newest epoch", () => {
  before(readyCrypto);

  it("is never older than another replica may have told by now", async () => {
    const clock = clockAt(FIRST + 1);
    const objects = mapObjects();
    // Caches of their own: no ring is ever heard.
    const [writer, reader] = [logOver(clock, { objects }), logOver(clock, { objects })];
    await recordThrough(writer, FIRST, FIRST + 1);
    assert.equal((await reader.newestEpoch())?.epoch.number, FIRST + 1);
    await reader.encodedEpoch("");
    assert.notEqual(reader.heldEncodedEpoch(""), undefined);

    await clock.advanceTo(epochStartMs(FIRST + 2, EPOCH_SECONDS));
    assert.equal(reader.heldEncodedEpoch(""), undefined, "a later one may be recorded");
    assert.equal((await reader.newestEpoch())?.epoch.number, FIRST + 1);
    await recordThrough(writer, FIRST + 2, FIRST + 2);
    assert.equal(reader.newestKnownId(), idOf(FIRST + 1));
    assert.equal((await reader.list(1))[0]?.epoch.number, FIRST + 2);
    assert.deepEqual(await reader.encodedEpoch(""), await writer.encodedEpoch(idOf(FIRST + 2)));
    assert.equal(reader.newestKnownId(), idOf(FIRST + 2));
  });

  it("is not told at all when a later one may be recorded and the store is out of reach", async () => {
    const clock = clockAt(FIRST);
    const objects = mapObjects();
    const log = logOver(clock, { objects });
    await recordThrough(log, FIRST, FIRST);
    objects.isDown = true;
    assert.equal((await log.newestEpoch())?.epoch.number, FIRST);
    await clock.advanceTo(epochStartMs(FIRST + 1, EPOCH_SECONDS));
    await assert.rejects(log.newestEpoch(), /the store is down/);
    assert.equal(log.newestKnownId(), idOf(FIRST));
    assert.equal((await log.epoch(idOf(FIRST)))?.epoch.number, FIRST);
  });
});
