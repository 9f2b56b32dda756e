import assert from "node:assert/strict";
import { memoryState } from "../adapters/state/memory-state.js";
import { ZipnetError } from "../core/errors.js";
import { dataPrefix } from "../core/object-keys.js";
import type { LocalState } from "../core/ports.js";
import { encodeRecord } from "../core/signed-record.js";
import { countingSource, mortalState, startMiner, until } from "./run.test-support.js";
import { savedWork } from "./work/saved-work.js";
import { EPOCH_LENGTH_MS, type World, startWorld } from "./world.test-support.js";

const ZIP_CODES = ["98101", "98103"];

/** Where a miner dies. */
type Death =
  | { readonly at: "write"; readonly number: number; readonly when: "before" | "after" }
  /** A call of the server, before or after it took effect there. */
  | { readonly at: "call"; readonly number: number; readonly when: "before" | "after" }
  | { readonly at: "page"; readonly number: number };

describe("a miner that dies and is started again", () => {
  let world: World;
  let epochIndex = 0;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.close());
  afterEach(() => {
    world.hooks.beforeCall = () => undefined;
    world.hooks.afterCall = () => undefined;
  });

  /** Runs a miner until it dies, or to its receipt when it does not; what it had saved and done by then. */
  async function runUntilDeath(inner: LocalState, epoch: ReturnType<World["epoch"]>, death: Death | undefined) {
    const state = mortalState(inner, death?.at === "write" ? { write: death.number, when: death.when } : undefined);
    const source = countingSource(world);
    let calls = 0;
    const die = (when: "before" | "after") => () => {
      if (when === "before") calls += 1;
      if (death?.at !== "call" || death.when !== when || death.number !== calls) return;
      state.kill();
      throw new ZipnetError("UNAVAILABLE", "nobody hears this");
    };
    world.hooks.beforeCall = die("before");
    world.hooks.afterCall = die("after");
    let pages = 0;
    source.onPage = () => {
      pages += 1;
      if (death?.at !== "page" || death.number !== pages) return;
      state.kill();
      throw new Error("the process dies");
    };
    const miner = startMiner(world, { state, source }, { reportProgress: false });
    const delivered = await miner.deliver({ kind: "epoch", ...epoch }).then(
      () => true,
      () => false,
    );
    await until(() => state.dead || miner.of("finalized").length === 1);
    await miner.stop().catch(() => undefined);
    world.hooks.beforeCall = () => undefined;
    world.hooks.afterCall = () => undefined;
    return { delivered, source, writes: state.writes, calls, pages };
  }

  /** A new epoch, with a clock that stands two seconds after its start. */
  async function nextEpoch(): Promise<ReturnType<World["epoch"]>> {
    const epoch = world.epoch(epochIndex, ZIP_CODES);
    if (epochIndex > 0) await world.clock.advanceTo(world.clock.now() + EPOCH_LENGTH_MS);
    epochIndex += 1;
    return epoch;
  }

  async function dieAndRestart(death: Death): Promise<void> {
    const told = JSON.stringify(death);
    const epoch = await nextEpoch();
    const { id } = epoch.epoch;
    const inner = memoryState();
    const first = await runUntilDeath(inner, epoch, death);
    const saved = savedWork(inner, id);
    const scraped = (await saved.scraped()).map(({ zipCode }) => zipCode);
    const uploadedKeys = (await saved.uploaded()).map(({ key }) => key);
    const putsBefore = new Map(world.puts);
    const manifest = await saved.manifest();
    const receipt = await saved.receipt();

    const source = countingSource(world);
    const second = startMiner(world, { state: inner, source }, { reportProgress: false });
    // An epoch whose event was dealt with does not come again: the token has moved on.
    if (!first.delivered) await second.deliver({ kind: "epoch", ...epoch });
    if (receipt === undefined) await until(() => second.of("finalized").length === 1);
    await second.stop();

    const frozen = world.submissions.get(id);
    assert.deepEqual(
      frozen?.manifest.objects.map(({ zipCode }) => zipCode),
      ZIP_CODES,
      told,
    );
    const held = await saved.receipt();
    assert.ok(held !== undefined && frozen !== undefined, told);
    assert.deepEqual(encodeRecord(held), encodeRecord(frozen.receipt), told);
    if (manifest !== undefined) assert.deepEqual(encodeRecord(frozen.record), encodeRecord(manifest), told);

    for (const zipCode of scraped) assert.equal(source.begun.get(zipCode), undefined, `${told}: ${zipCode} again`);
    for (const key of uploadedKeys) assert.equal(world.puts.get(key), putsBefore.get(key), `${told}: ${key} again`);
    const stored: string[] = [];
    for await (const { key } of world.objects.list(dataPrefix(world.miner.hotkey, id))) stored.push(key);
    assert.deepEqual(
      stored,
      frozen.manifest.objects.map(({ key }) => key),
      told,
    );
  }

  it("has one receipt and every zip code once, wherever a write of its state was cut off", async () => {
    const { writes } = await runUntilDeath(memoryState(), await nextEpoch(), undefined);
    // The epoch, the follower's position, three things for each zip code, manifest and receipt.
    assert.equal(writes, 2 + 3 * ZIP_CODES.length + 2);
    for (let number = 1; number <= writes; number += 1) {
      for (const when of ["before", "after"] as const) await dieAndRestart({ at: "write", number, when });
    }
  });

  it("... wherever a call of the server was cut off, before or after it took effect", async () => {
    const { calls } = await runUntilDeath(memoryState(), await nextEpoch(), undefined);
    assert.equal(calls, ZIP_CODES.length + 1);
    for (let number = 1; number <= calls; number += 1) {
      for (const when of ["before", "after"] as const) await dieAndRestart({ at: "call", number, when });
    }
  });

  it("... and wherever a page was cut off", async () => {
    const { pages } = await runUntilDeath(memoryState(), await nextEpoch(), undefined);
    assert.equal(pages, 2 * ZIP_CODES.length);
    for (let number = 1; number <= pages; number += 1) await dieAndRestart({ at: "page", number });
  });
});
