import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import { fetchPages, openTestSite } from "../adapters/source/site.test-support.js";
import { zillowShapedSource } from "../adapters/source/zillow-shape/source.js";
import { listingFiles } from "../adapters/parquet/listing-files.js";
import { memoryState } from "../adapters/state/memory-state.js";
import { ZipnetError } from "../core/errors.js";
import { ProgressPhase, ReceiptSchema } from "../gen/zipnet/v1/submission_pb.js";
import { type CountingSource, countingSource, startMiner, until, untilLater } from "./run.test-support.js";
import { POSITION_KEY, savedWork } from "./work/saved-work.js";
import { EPOCH_LENGTH_MS, type World, startWorld } from "./world.test-support.js";

const ZIP_CODES = ["98101", "98103", "98105"];

describe("a miner in one epoch", () => {
  let world: World;
  let source: CountingSource;
  beforeEach(async () => {
    world = await startWorld();
    source = countingSource(world);
  });
  afterEach(() => world.close());

  it("submits what a real site shows, file by file, and keeps the receipt", async () => {
    const site = await openTestSite({ clock: world.clock });
    try {
      const { epoch, record } = world.epoch(0, ZIP_CODES);
      const real = zillowShapedSource({ origin: site.url, pages: fetchPages, clock: world.clock, retries: 0 });
      const state = memoryState();
      const miner = startMiner(world, { state, source: real }, { concurrency: 2 });
      await miner.deliver({ kind: "epoch", epoch, record });
      await untilLater(world, () => miner.of("finalized").length === 1);
      await miner.stop();

      const frozen = world.submissions.get(epoch.id);
      assert.deepEqual(
        frozen?.manifest.objects.map(({ zipCode }) => zipCode),
        ZIP_CODES,
      );
      for (const object of frozen?.manifest.objects ?? []) {
        const content = await world.objects.get(object.key);
        assert.ok(content !== undefined);
        const { head, listings } = await listingFiles().decode(content);
        const expected = { epochId: epoch.id, nonce: epoch.nonce, hotkey: world.miner.hotkey, zipCode: object.zipCode };
        assert.deepEqual(head, expected);
        const onSite = site.homes.onMarket(object.zipCode, world.clock.now()).map(({ listing }) => listing.listingId);
        assert.deepEqual(listings.map(({ listingId }) => listingId).sort(), [...onSite].sort());
        assert.equal(object.rows, onSite.length);
      }
      const receipt = await savedWork(state, epoch.id).receipt();
      assert.equal(fromBinary(ReceiptSchema, receipt?.payload ?? new Uint8Array()).epochId, epoch.id);
      assert.equal(world.progress.at(-1)?.phase, ProgressPhase.FINALIZED);
    } finally {
      await site.close();
    }
  });

  it("tells each step in the stable form of the log", async () => {
    const { epoch, record } = world.epoch(0, ZIP_CODES.slice(0, 1));
    const miner = startMiner(world, { state: memoryState(), source });
    await miner.deliver({ kind: "epoch", epoch, record });
    await until(() => miner.of("finalized").length === 1);
    await miner.stop();
    const [bytes] = miner.of("zip_code_uploaded").map((event) => event.bytes);
    const [received_time] = miner.of("finalized").map((event) => event.received_time);
    const common = { epoch_id: epoch.id, zip_code: "98101" };
    assert.ok(bytes !== undefined && bytes > 0);
    assert.deepEqual(miner.events, [
      {
        event: "epoch_started",
        epoch_id: epoch.id,
        zip_codes: 1,
        close_time: "2026-11-22T12:10:00.000Z",
        scraped: 0,
        uploaded: 0,
        uploaded_bytes: 0,
        listings: 0,
      },
      {
        event: "zip_code_scraped",
        ...common,
        listings: 2,
        pages: 2,
        recalled: 0,
        foreign: 1,
        repeated: 1,
        hidden: 0,
        done: 1,
        total: 1,
      },
      { event: "zip_code_uploaded", ...common, bytes, done: 1, total: 1 },
      { event: "sealed", epoch_id: epoch.id, zip_codes: 1, missing: 0, listings: 2 },
      { event: "finalized", epoch_id: epoch.id, received_time, position: 1, zip_codes: 1, listings: 2 },
    ]);
  });

  it("covers the part of the assignment that it means to cover, from its beginning", async () => {
    const { epoch, record } = world.epoch(0, ZIP_CODES);
    const miner = startMiner(world, { state: memoryState(), source }, { coverPercent: 50 });
    await miner.deliver({ kind: "epoch", epoch, record });
    await until(() => miner.of("finalized").length === 1);
    await miner.stop();
    assert.deepEqual([...source.begun.keys()], ["98101", "98103"]);
  });

  it("stops at a block, and submits what it has", async () => {
    source.onPage = (zipCode) => {
      if (zipCode === "98103") throw new ZipnetError("SOURCE_BLOCKED", "HTTP 403");
    };
    const { epoch, record } = world.epoch(0, ZIP_CODES);
    const miner = startMiner(world, { state: memoryState(), source });
    await miner.deliver({ kind: "epoch", epoch, record });
    await until(() => miner.of("finalized").length === 1);
    await miner.stop();
    assert.deepEqual([...source.begun], [["98101", 1], ["98103", 1]]); // prettier-ignore
    const [blocked] = miner.of("blocked");
    assert.equal(blocked?.zip_code, "98103");
    assert.match(blocked?.reason ?? "", /SOURCE_BLOCKED: HTTP 403/);
    assert.deepEqual(
      world.submissions.get(epoch.id)?.manifest.objects.map(({ zipCode }) => zipCode),
      ["98101"],
    );
  });

  it("submits nothing when robots.txt forbids it from the start, and says so to the server", async () => {
    source.onPage = () => Promise.reject(new ZipnetError("SOURCE_DISALLOWED", "robots.txt forbids /homes/"));
    const { epoch, record } = world.epoch(0, ZIP_CODES);
    const miner = startMiner(world, { state: memoryState(), source });
    await miner.deliver({ kind: "epoch", epoch, record });
    await until(() => miner.of("epoch_failed").length === 1 && world.progress.length > 0);
    await until(() => world.progress.at(-1)?.phase === ProgressPhase.FAILED);
    assert.equal(miner.ended, false);
    await miner.stop();
    assert.deepEqual([...source.begun], [["98101", 1]]);
    assert.match(miner.of("epoch_failed")[0]?.reason ?? "", /robots.txt forbids/);
    assert.match(world.progress.at(-1)?.note ?? "", /robots.txt forbids/);
  });

  it("leaves out a zip code that the source shows in another shape again and again, with the reason", async () => {
    source.onPage = (zipCode) => {
      if (zipCode === "98103") throw new ZipnetError("SOURCE_CHANGED", "no listResults");
    };
    const { epoch, record } = world.epoch(0, ZIP_CODES);
    const miner = startMiner(world, { state: memoryState(), source });
    await miner.deliver({ kind: "epoch", epoch, record });
    await untilLater(world, () => miner.of("finalized").length === 1);
    await miner.stop();
    assert.equal(source.begun.get("98103"), 3);
    const [left] = miner.of("zip_code_left_out");
    assert.deepEqual([left?.zip_code, left?.reason], ["98103", "SOURCE_CHANGED: no listResults"]);
    assert.equal(miner.of("sealed")[0]?.missing, 1);
  });

  it("leaves a site alone whose shape has changed, after a few tries", async () => {
    source.onPage = () => Promise.reject(new ZipnetError("SOURCE_CHANGED", "no listResults"));
    const zipCodes = Array.from({ length: 20 }, (_, index) => String(98_101 + index));
    const { epoch, record } = world.epoch(0, zipCodes);
    const miner = startMiner(world, { state: memoryState(), source });
    await miner.deliver({ kind: "epoch", epoch, record });
    await untilLater(world, () => miner.of("epoch_failed").length === 1);
    await miner.stop();
    assert.equal([...source.begun.values()].reduce((sum, times) => sum + times, 0), 6); // prettier-ignore
    assert.match(miner.of("blocked")[0]?.reason ?? "", /SOURCE_CHANGED: no listResults/);
    assert.match(miner.of("epoch_failed")[0]?.reason ?? "", /no listResults/);
  });

  it("finalizes what it has when the close comes near, though a page never comes", async () => {
    source.onPage = (zipCode) => (zipCode === "98105" ? new Promise<void>(() => undefined) : undefined);
    const { epoch, record } = world.epoch(0, ZIP_CODES);
    const closeMs = world.clock.now() - 2000 + EPOCH_LENGTH_MS;
    const miner = startMiner(world, { state: memoryState(), source });
    await miner.deliver({ kind: "epoch", epoch, record });
    await until(() => miner.of("zip_code_uploaded").length === 2);
    await world.clock.advanceTo(closeMs - 12_001);
    assert.equal(miner.of("sealed").length, 0);
    await world.clock.advanceTo(closeMs - 12_000);
    await until(() => miner.of("finalized").length === 1);
    await miner.stop();
    assert.deepEqual(
      world.submissions.get(epoch.id)?.manifest.objects.map(({ zipCode }) => zipCode),
      ["98101", "98103"],
    );
  });

  it("tries again what was out of reach: pages, grants and the finalize call, with the same manifest", async () => {
    let pages = 0;
    source.onPage = () => {
      pages += 1;
      if (pages === 1) throw new ZipnetError("UNAVAILABLE", "HTTP 503");
    };
    const failing = new Set(["grant", "finalize"]);
    world.hooks.beforeCall = (name) => {
      if (name === "grant" && failing.delete(name)) throw new ZipnetError("UNAVAILABLE", "the store is down");
    };
    // The submission is frozen, but its answer is lost.
    world.hooks.afterCall = (name) => {
      if (name === "finalize" && failing.delete(name)) throw new ZipnetError("UNAVAILABLE", "the answer is lost");
    };
    const { epoch, record } = world.epoch(0, ZIP_CODES);
    const miner = startMiner(world, { state: memoryState(), source });
    await miner.deliver({ kind: "epoch", epoch, record });
    await untilLater(world, () => miner.of("finalized").length === 1);
    await miner.stop();
    assert.equal(miner.of("finalized")[0]?.zip_codes, 3);
    assert.equal(source.begun.get("98101"), 2);
    assert.deepEqual([...source.finished.values()], [1, 1, 1]);
    assert.equal(world.calls.filter((name) => name === "finalize").length, 2);
    assert.deepEqual(
      miner.of("zip_code_postponed").map(({ doing }) => doing),
      ["scrape", "upload"],
    );
  });

  it("uploads again what the server has lost", async () => {
    const { epoch, record } = world.epoch(0, ZIP_CODES);
    let refused = false;
    world.hooks.beforeCall = (name) => {
      if (name !== "finalize" || refused) return;
      refused = true;
      const key = [...world.puts.keys()].find((each) => each.includes("98103"));
      throw new ZipnetError("OBJECT_MISSING", "gone", { key: decodeURIComponent(key ?? "") });
    };
    const miner = startMiner(world, { state: memoryState(), source });
    await miner.deliver({ kind: "epoch", epoch, record });
    await untilLater(world, () => miner.of("finalized").length === 1);
    await miner.stop();
    assert.deepEqual(
      miner
        .of("zip_code_uploaded")
        .map(({ zip_code }) => zip_code)
        .sort(),
      ["98101", "98103", "98103", "98105"],
    );
    assert.equal(miner.of("finalized")[0]?.zip_codes, 3);
    assert.deepEqual([...source.finished.values()], [1, 1, 1]);
  });

  it("gets the receipt back from the server when local state was lost after finalizing", async () => {
    const { epoch, record } = world.epoch(0, ZIP_CODES);
    const first = startMiner(world, { state: memoryState(), source });
    await first.deliver({ kind: "epoch", epoch, record });
    await until(() => first.of("finalized").length === 1);
    await first.stop();
    const state = memoryState();
    const second = startMiner(world, { state, source });
    await second.deliver({ kind: "epoch", epoch, record });
    await until(() => second.of("finalized").length === 1);
    await second.stop();
    assert.deepEqual(second.of("finalized"), first.of("finalized"));
    assert.deepEqual(await savedWork(state, epoch.id).receipt(), world.submissions.get(epoch.id)?.receipt);
  });

  it("does not take a receipt that is not the server's", async () => {
    const { epoch, record } = world.epoch(0, ZIP_CODES);
    const state = memoryState();
    const other = "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y";
    const miner = startMiner(world, { state, source }, { serverHotkey: other });
    await miner.deliver({ kind: "epoch", epoch, record });
    await until(() => miner.of("epoch_failed").length === 1);
    await miner.stop();
    assert.match(miner.of("epoch_failed")[0]?.reason ?? "", /only 5FLSigC9.* may sign it/);
    assert.equal(await savedWork(state, epoch.id).receipt(), undefined);
  });
});

describe("a miner over epochs", () => {
  let world: World;
  let source: CountingSource;
  beforeEach(async () => {
    world = await startWorld();
    source = countingSource(world);
  });
  afterEach(() => world.close());

  it("saves an epoch before the token may move on, and drops older work for it", async () => {
    const [older, newer] = [world.epoch(0, ZIP_CODES), world.epoch(1, ["10001"])];
    source.onPage = (zipCode) => (zipCode === "10001" ? undefined : new Promise<void>(() => undefined));
    const state = memoryState();
    const miner = startMiner(world, { state, source });
    await miner.deliver({ kind: "epoch", ...older });
    assert.deepEqual(await state.list("epochs/"), [`epochs/${older.epoch.id}.bin`]);
    await until(() => source.begun.size === 1);
    await world.clock.advanceTo(world.clock.now() + EPOCH_LENGTH_MS);
    await miner.deliver({ kind: "epoch", ...newer });
    assert.equal((await state.list("epochs/")).length, 2);
    await until(() => miner.of("finalized").length === 1);
    await miner.stop();
    assert.equal(miner.of("finalized")[0]?.epoch_id, newer.epoch.id);
  });

  it("scrapes longer or shorter before a close by what handing in took before", async () => {
    const [first, second] = [world.epoch(0, ZIP_CODES), world.epoch(1, ["10001", "10002"])];
    // The finalize call takes 7 seconds of this world's time, and uploading none.
    world.hooks.beforeCall = (name) =>
      name === "finalize" ? world.clock.advanceTo(world.clock.now() + 7_000) : undefined;
    const state = memoryState();
    const miner = startMiner(world, { state, source });
    await miner.deliver({ kind: "epoch", ...first });
    await until(() => miner.of("finalized").length === 1);
    const closeMs = world.clock.now() - (world.clock.now() % EPOCH_LENGTH_MS) + 2 * EPOCH_LENGTH_MS;
    await world.clock.advanceTo(closeMs - EPOCH_LENGTH_MS + 2_000);
    source.onPage = (zipCode) => (zipCode === "10002" ? new Promise<void>(() => undefined) : undefined);
    await miner.deliver({ kind: "epoch", ...second });
    await until(() => miner.of("zip_code_uploaded").length === 4);
    await world.clock.advanceTo(closeMs - 28_001);
    assert.equal(miner.of("sealed").length, 1);
    await world.clock.advanceTo(closeMs - 28_000);
    await until(() => miner.of("finalized").length === 2);
    await miner.stop();
  });

  it("ignores what is closed: epochs that come late, and the news that one closed", async () => {
    const { epoch, record } = world.epoch(-1, ZIP_CODES);
    const state = memoryState();
    const miner = startMiner(world, { state, source });
    await miner.deliver({ kind: "epoch", epoch, record });
    const closed = { $typeName: "zipnet.v1.EpochClosed" as const, epochNumber: epoch.number, epochId: epoch.id };
    await miner.deliver({ kind: "closed", closed: { ...closed, snapshotSha256: "", receiptCount: 0 } });
    await miner.stop();
    assert.deepEqual(miner.events, []);
    assert.deepEqual(await state.list("work/"), []);
  });

  it("goes on with the next epoch after one that failed", async () => {
    const [bad, good] = [world.epoch(0, ZIP_CODES), world.epoch(1, ["10001"])];
    source.onPage = (zipCode) => {
      if (zipCode !== "10001") throw new Error("a bug");
    };
    const miner = startMiner(world, { state: memoryState(), source });
    await miner.deliver({ kind: "epoch", ...bad });
    await until(() => miner.of("epoch_failed").length === 1);
    await world.clock.advanceTo(world.clock.now() + EPOCH_LENGTH_MS);
    await miner.deliver({ kind: "epoch", ...good });
    await until(() => miner.of("finalized").length === 1);
    await miner.stop();
  });

  it("removes files after two epochs, and keeps manifests and receipts", async () => {
    const state = memoryState();
    await state.write(POSITION_KEY, new Uint8Array([1]));
    const miner = startMiner(world, { state, source });
    const epochIds: string[] = [];
    for (const index of [0, 1, 2]) {
      const { epoch, record } = world.epoch(index, ["98101"]);
      epochIds.push(epoch.id);
      await miner.deliver({ kind: "epoch", epoch, record });
      await until(() => miner.of("finalized").length === index + 1);
      await world.clock.advanceTo(world.clock.now() + EPOCH_LENGTH_MS);
    }
    await miner.stop();
    const kept = new Set((await state.list("work/")).map((key) => key.split("/")[1]));
    assert.deepEqual([...kept], epochIds.slice(1));
    assert.equal((await state.list("receipts/")).length, 3);
    assert.equal((await state.list("manifests/")).length, 3);
    assert.ok(await state.read(POSITION_KEY));
  });

  it("asks for the receipt after the close when it was stopped while finalizing", async () => {
    const { epoch, record } = world.epoch(0, ZIP_CODES);
    const state = memoryState();
    world.hooks.afterCall = (name) => {
      if (name === "finalize") throw new ZipnetError("UNAVAILABLE", "the answer is lost");
    };
    const first = startMiner(world, { state, source });
    await first.deliver({ kind: "epoch", epoch, record });
    await until(() => first.of("submission_postponed").length === 1);
    await first.stop();
    await world.clock.advanceTo(world.clock.now() + EPOCH_LENGTH_MS);
    const second = startMiner(world, { state, source });
    await until(() => second.of("finalized").length === 1);
    await second.stop();
    assert.ok(await savedWork(state, epoch.id).receipt());
  });
});
