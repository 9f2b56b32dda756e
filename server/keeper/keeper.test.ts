import assert from "node:assert/strict";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { signerFromUri, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { epochIdOf } from "../../core/epoch-time.js";
import { ZipnetError } from "../../core/errors.js";
import { epochKey, extensionKey, receiptKey, snapshotKey } from "../../core/object-keys.js";
import type { Log, ObjectStore } from "../../core/ports.js";
import { decodeRecord, encodeRecord, openRecord, payloadSha256, sealRecord } from "../../core/signed-record.js";
import { type Epoch, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import {
  EpochExtensionSchema,
  ReceiptSchema,
  type Snapshot,
  SnapshotSchema,
} from "../../gen/zipnet/v1/submission_pb.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { retryWaitMs } from "./keeper.js";
import { FIRST_EPOCH, type KeeperWorld, LENGTH_SECONDS, keeperWorld, tenZipCodes } from "./world.test-support.js";

const idOf = (number: number): string => epochIdOf(number * LENGTH_SECONDS * 1000);
const hasEpoch = (world: KeeperWorld, number: number): boolean => world.store.content.has(epochKey(idOf(number)));
const hasSnapshot = (world: KeeperWorld, number: number): boolean => world.store.content.has(snapshotKey(idOf(number)));

function stored(world: KeeperWorld, key: string): Uint8Array {
  const bytes = world.store.content.get(key);
  assert.ok(bytes !== undefined, `${key} is stored`);
  return bytes;
}

function readEpoch(world: KeeperWorld, number: number): Epoch {
  const record = decodeRecord(stored(world, epochKey(idOf(number))));
  return openRecord(EpochSchema, record, verifySr25519, signerFromUri("//Server").hotkey);
}

function readSnapshot(world: KeeperWorld, number: number): Snapshot {
  const record = decodeRecord(stored(world, snapshotKey(idOf(number))));
  return openRecord(SnapshotSchema, record, verifySr25519, signerFromUri("//Server").hotkey);
}

/** Puts a receipt into the store as a finalize call would. */
async function putReceipt(
  world: KeeperWorld,
  number: number,
  miner: string,
  afterStartMs: number,
  server = "//Server",
) {
  const { hotkey } = signerFromUri(miner);
  const receipt = {
    epochId: idOf(number),
    hotkey,
    manifestSha256: "ab".repeat(32),
    receivedTime: timestampFromMs(number * LENGTH_SECONDS * 1000 + afterStartMs),
    position: 1,
    objectCount: 1,
    totalBytes: 10n,
  };
  const record = sealRecord(ReceiptSchema, receipt, signerFromUri(server));
  await world.store.putIfAbsent(receiptKey(idOf(number), hotkey), encodeRecord(record), "");
}

/** A log that keeps the events of errors and warnings. */
function keptLog(): { log: Log; events: string[] } {
  const events: string[] = [];
  const keep = (facts: object): void => void events.push(String((facts as { event?: string }).event));
  return { events, log: { ...quietLog, warn: keep, error: keep } };
}

describe("the keeper", () => {
  it("draws the running epoch at once and every later one from the first block at or after its start", async () => {
    const world = await keeperWorld();
    const keeper = world.start();
    await world.runUntil(() => hasSnapshot(world, FIRST_EPOCH + 2));
    await keeper.kill();
    for (const number of [FIRST_EPOCH, FIRST_EPOCH + 1, FIRST_EPOCH + 2]) {
      const epoch = readEpoch(world, number);
      const startMs = number * LENGTH_SECONDS * 1000;
      const seedNumber = Math.ceil((startMs - 700) / 12_000);
      assert.equal(epoch.seedBlock?.number, seedNumber);
      assert.equal(readSnapshot(world, number).seedBlock?.number, Math.ceil((startMs + 100_000 - 700) / 12_000));
      assert.ok(epoch.expectedListings >= 900 && epoch.expectedListings <= 1_100);
    }
    const [first, second] = [readEpoch(world, FIRST_EPOCH), readEpoch(world, FIRST_EPOCH + 1)];
    const again = second.zipCodes.filter(({ zipCode }) => first.zipCodes.some((zip) => zip.zipCode === zipCode));
    assert.deepEqual(again, [], "the cooldown holds");
  });

  it("closes with every receipt in the order of time and hotkey, and none that it did not sign", async () => {
    const world = await keeperWorld();
    const { log, events } = keptLog();
    const keeper = world.start({ log });
    await world.runUntil(() => hasEpoch(world, FIRST_EPOCH));
    await putReceipt(world, FIRST_EPOCH, "//C", 60_000);
    await putReceipt(world, FIRST_EPOCH, "//A", 50_000);
    await putReceipt(world, FIRST_EPOCH, "//B", 50_000);
    await putReceipt(world, FIRST_EPOCH, "//Forger", 10_000, "//Forger");
    await world.runUntil(() => hasSnapshot(world, FIRST_EPOCH));
    await keeper.kill();
    const snapshot = readSnapshot(world, FIRST_EPOCH);
    const hotkeys = snapshot.receipts.map(
      (record) => openRecord(ReceiptSchema, record, verifySr25519, record.signer).hotkey,
    );
    const [a, b, c] = ["//A", "//B", "//C"].map((uri) => signerFromUri(uri).hotkey);
    assert.deepEqual(hotkeys, [...[a, b].toSorted(), c]);
    assert.equal(snapshot.epochSha256, payloadSha256(decodeRecord(stored(world, epochKey(idOf(FIRST_EPOCH))))));
    assert.deepEqual(events, ["receipt_invalid"]);
  });

  it("does not close before late receipts have settled", async () => {
    const world = await keeperWorld();
    const keeper = world.start();
    await world.runUntil(() => hasSnapshot(world, FIRST_EPOCH));
    assert.ok(world.clock.now() >= (FIRST_EPOCH + 1) * LENGTH_SECONDS * 1000 + 5_000);
    await keeper.kill();
  });

  it("survives a chain that is down, and loses no epoch by it", async () => {
    const world = await keeperWorld();
    const { log, events } = keptLog();
    const keeper = world.start({ log });
    await world.runUntil(() => hasEpoch(world, FIRST_EPOCH));
    world.chain.isDown = true;
    await world.runUntil(() => world.clock.now() > (FIRST_EPOCH + 3) * LENGTH_SECONDS * 1000);
    assert.ok(events.length > 3 && events.every((event) => event === "keeper_failed"));
    world.chain.isDown = false;
    await world.runUntil(() => hasSnapshot(world, FIRST_EPOCH + 3));
    await keeper.kill();
    for (let number = FIRST_EPOCH; number <= FIRST_EPOCH + 3; number += 1) assert.ok(hasEpoch(world, number));
  });

  it("says why an epoch cannot be drawn, leaves it out and goes on with the next", async () => {
    // 25 zip codes are enough for two epochs of ten or so, but not for a third while both rest.
    const world = await keeperWorld(tenZipCodes(), 25);
    const { log, events } = keptLog();
    const keeper = world.start({ log });
    await world.runUntil(() => hasEpoch(world, FIRST_EPOCH + 3));
    await keeper.kill();
    assert.equal(hasEpoch(world, FIRST_EPOCH + 2), false);
    assert.ok(hasSnapshot(world, FIRST_EPOCH + 1), "what was open before it is closed all the same");
    assert.deepEqual(events, ["epoch_undrawable"]);
  });

  it("extends an epoch that it records late, alike on all replicas, and seeds its sampling only after that", async () => {
    const world = await keeperWorld();
    const first = world.start();
    await world.runUntil(() => hasEpoch(world, FIRST_EPOCH));
    await first.kill();
    const late = FIRST_EPOCH + 1;
    const startMs = late * LENGTH_SECONDS * 1000;
    await world.clock.advanceTo(startMs + 110_000);
    const { log, events } = keptLog();
    const keepers = [world.start({ log }), world.start({ log })];
    await world.runUntil(() => hasSnapshot(world, late + 1));
    for (const keeper of keepers) await keeper.kill();
    const bytes = stored(world, extensionKey(idOf(late)));
    const { hotkey } = signerFromUri("//Server");
    const extension = openRecord(EpochExtensionSchema, decodeRecord(bytes), verifySr25519, hotkey);
    const recordedMs = extension.recordedTime ? timestampMs(extension.recordedTime) : 0;
    const untilMs = extension.acceptedUntil ? timestampMs(extension.acceptedUntil) : 0;
    assert.ok(recordedMs >= startMs + 110_000);
    assert.equal(untilMs, recordedMs + 50_000);
    const snapshot = readSnapshot(world, late);
    assert.deepEqual(snapshot.acceptedUntil, extension.acceptedUntil);
    assert.equal(snapshot.seedBlock?.number, Math.ceil((untilMs - 700) / 12_000));
    for (const number of [FIRST_EPOCH, late + 1]) {
      assert.equal(readSnapshot(world, number).acceptedUntil, undefined);
      assert.equal(world.store.content.has(extensionKey(idOf(number))), false);
    }
    assert.deepEqual(new Set(events), new Set(["epoch_extended"]), "one of the two tells it");
  });

  it("leaves out what is too long ago, and says so", async () => {
    const world = await keeperWorld();
    await world.start().kill();
    const first = world.start();
    await world.runUntil(() => hasEpoch(world, FIRST_EPOCH));
    await first.kill();
    await world.clock.advanceTo((FIRST_EPOCH + 20) * LENGTH_SECONDS * 1000 + 30_000);
    const { log, events } = keptLog();
    const second = world.start({ log });
    await world.runUntil(() => hasEpoch(world, FIRST_EPOCH + 21));
    await second.kill();
    assert.ok(hasSnapshot(world, FIRST_EPOCH));
    assert.equal(hasEpoch(world, FIRST_EPOCH + 19), false);
    assert.ok(hasEpoch(world, FIRST_EPOCH + 20));
    assert.deepEqual(events, ["epochs_skipped"]);
  });

  it("tells when another replica draws by other rules, and keeps the first record", async () => {
    const world = await keeperWorld();
    const first = world.start();
    await world.runUntil(() => hasEpoch(world, FIRST_EPOCH));
    await first.kill();
    const before = world.records();
    const { log, events } = keptLog();
    // Sees nothing of the record until its own write, as a replica does that draws at the same moment.
    let blind = true;
    const slow = (store: ObjectStore): ObjectStore => ({
      ...store,
      async *list(prefix, afterKey) {
        if (!blind) yield* store.list(prefix, afterKey);
      },
      get: async (key) => (blind ? undefined : store.get(key)),
      putIfAbsent(key, bytes, type) {
        blind = false;
        return store.putIfAbsent(key, bytes, type);
      },
    });
    const second = world.start({ log, wrap: slow, rules: tenZipCodes({ targetListings: 2_000 }) });
    await world.runUntil(() => events.includes("epoch_differs"));
    await second.kill();
    assert.deepEqual(world.records(), before);
  });
});

/** What the records are after some epochs when nothing goes wrong. */
async function undisturbed(last: number): Promise<Record<string, string>> {
  const world = await keeperWorld();
  const keeper = world.start();
  await world.runUntil(() => hasSnapshot(world, last));
  await keeper.kill();
  return world.records();
}

describe("keepers that are killed or many", () => {
  const last = FIRST_EPOCH + 3;

  it("make the same records when two run on one store", async () => {
    const world = await keeperWorld();
    const { log, events } = keptLog();
    const keepers = [world.start({ log }), world.start({ log })];
    await world.runUntil(() => hasSnapshot(world, last));
    for (const keeper of keepers) await keeper.kill();
    assert.deepEqual(world.records(), await undisturbed(last));
    assert.deepEqual(
      events.filter((event) => event !== "keeper_failed"),
      [],
    );
  });

  it("make the same records when killed before or after any operation on the store", async () => {
    const expected = await undisturbed(last);
    for (let killAt = 1, killed = true; killed; killAt += 1) {
      killed = false;
      const world = await keeperWorld();
      let operations = 0;
      const dies = (when: "before" | "after", store: ObjectStore): ObjectStore => {
        const at = <T>(operation: () => Promise<T>): Promise<T> => {
          operations += 1;
          if (operations !== killAt) return operation();
          killed = true;
          return when === "before" ? new Promise(() => {}) : operation().then(() => new Promise(() => {}));
        };
        return {
          ...store,
          putIfAbsent: (...put) => at(() => store.putIfAbsent(...put)),
          get: (key) => at(() => store.get(key)),
        };
      };
      for (const when of ["before", "after"] as const) {
        operations = 0;
        const first = world.start({ wrap: (store) => dies(when, store) });
        await world.runUntil(() => operations >= killAt || hasSnapshot(world, last));
        first.kill().catch(() => {}); // It hangs where it was killed.
      }
      const survivor = world.start();
      await world.runUntil(() => hasSnapshot(world, last));
      await survivor.kill();
      assert.deepEqual(pick(world.records(), expected), expected, `killed at operation ${killAt}`);
    }
  });

  it("make the same records whatever fails in between", async () => {
    const expected = await undisturbed(last);
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat({ max: 15 })), async (chances) => {
        const world = await keeperWorld();
        const fails = <T>(operation: () => Promise<T>): Promise<T> =>
          chances.next().value === 0 ? Promise.reject(new ZipnetError("UNAVAILABLE", "out of reach")) : operation();
        const keeper = world.start({
          wrap: (store) => ({
            ...store,
            putIfAbsent: (...put) => fails(() => store.putIfAbsent(...put)),
            get: (key) => fails(() => store.get(key)),
          }),
        });
        await world.runUntil(() => hasSnapshot(world, last));
        await keeper.kill();
        // An epoch that the failures made late is closed later, by the extension that says so; the draws stay the same.
        const late = [...world.store.content.keys()].filter((key) => key.startsWith("records/extension/"));
        const ids = late.map((key) => key.slice("records/extension/".length, -".bin".length));
        const rest = Object.entries(expected).filter(([key]) => !ids.some((id) => key === snapshotKey(id)));
        assert.deepEqual(pick(world.records(), Object.fromEntries(rest)), Object.fromEntries(rest));
      }),
      { numRuns: 5 },
    );
  });

  it("wait longer after each failure, up to half a minute", () => {
    assert.deepEqual([1, 2, 3, 7, 8, 500].map(retryWaitMs), [500, 1_000, 2_000, 30_000, 30_000, 30_000]);
  });
});

/** The part of the records that is expected; later epochs may have begun in the meantime. */
function pick(records: Record<string, string>, expected: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(records).filter(([key]) => key in expected));
}
