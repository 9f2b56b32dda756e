import assert from "node:assert/strict";
import fc from "fast-check";
import { memoryState } from "../../adapters/state/memory-state.js";
import type { LocalState } from "../../core/ports.js";
import { type FileName, KeptFiles } from "./kept-files.js";

const OLD = "20261122T040000Z";
const LAST = "20261122T080000Z";
const JUDGED = "20261122T120000Z";

/** A file of so many bytes; the zip code tells files of a miner apart. */
function fileOf(zip: number, sizeBytes: number): FileName {
  return { zipCode: String(10_000 + zip), sizeBytes, sha256: "ab".repeat(32) };
}

async function save(kept: KeptFiles, epochId: string, hotkey: string, file: FileName): Promise<void> {
  await kept.save(epochId, hotkey, file, new Uint8Array(file.sizeBytes).fill(7));
}

/** The miners of which an epoch has a file, in one line of text. */
async function minersOf(state: LocalState, epochId: string): Promise<string> {
  const keys = await state.list(`files/${epochId}/`);
  return [...new Set(keys.map((key) => key.split("/")[2]))].join(" ");
}

describe("kept files", () => {
  it("are there again after a restart, with their size", async () => {
    const state = memoryState();
    const kept = await KeptFiles.open(state, 1_000);
    await save(kept, JUDGED, "a", fileOf(1, 100));
    const again = await KeptFiles.open(state, 1_000);
    assert.equal(again.bytes, 100);
    assert.equal(again.has(JUDGED, "a", fileOf(1, 100)), true);
    assert.deepEqual(await again.read(JUDGED, "a", fileOf(1, 100)), new Uint8Array(100).fill(7));
    for (const [epochId, hotkey, file] of [
      [LAST, "a", fileOf(1, 100)],
      [JUDGED, "b", fileOf(1, 100)],
      [JUDGED, "a", fileOf(2, 100)],
      [JUDGED, "a", { ...fileOf(1, 100), sha256: "cd".repeat(32) }],
    ] as const) {
      assert.equal(again.has(epochId, hotkey, file), false);
      assert.equal(await again.read(epochId, hotkey, file), undefined);
    }
  });

  it("make room in their order: old epochs, then what was checked last, and never what is held", async () => {
    const state = memoryState();
    const kept = await KeptFiles.open(state, 500);
    for (const epochId of [LAST, OLD]) await save(kept, epochId, "a", fileOf(1, 100));
    kept.hold(JUDGED, ["a", "b", "c"]);
    for (const hotkey of ["a", "b", "c"]) await save(kept, JUDGED, hotkey, fileOf(1, 100));
    for (const hotkey of ["a", "b"]) kept.noteChecked(hotkey);

    await save(kept, JUDGED, "c", fileOf(2, 100));
    assert.deepEqual([await minersOf(state, OLD), await minersOf(state, LAST)], ["", "a"]);
    await save(kept, JUDGED, "c", fileOf(3, 100));
    assert.deepEqual([await minersOf(state, LAST), await minersOf(state, JUDGED)], ["", "a b c"]);
    await save(kept, JUDGED, "c", fileOf(4, 100));
    assert.equal(await minersOf(state, JUDGED), "a c");
    await save(kept, JUDGED, "c", fileOf(5, 100));
    assert.equal(await minersOf(state, JUDGED), "c");
    assert.equal(kept.bytes, 500);
    await save(kept, JUDGED, "c", fileOf(6, 100));
    assert.equal(kept.bytes, 600);
    kept.hold(JUDGED, ["d"]);
    await save(kept, JUDGED, "d", fileOf(1, 100));
    assert.equal(kept.bytes, 500);
    assert.deepEqual([kept.hasEpoch(OLD), kept.hasEpoch(JUDGED)], [false, true]);
  });

  it("keep to a limit that was lowered, and do without what somebody removed", async () => {
    const state = memoryState();
    const kept = await KeptFiles.open(state, 1_000);
    for (const epochId of [OLD, LAST, JUDGED]) await save(kept, epochId, "a", fileOf(1, 100));
    const smaller = await KeptFiles.open(state, 250);
    assert.deepEqual([smaller.bytes, smaller.hasEpoch(OLD), smaller.hasEpoch(LAST)], [200, false, true]);
    await state.remove("files/");
    assert.equal(await smaller.read(LAST, "a", fileOf(1, 100)), undefined);
    assert.deepEqual([smaller.bytes, smaller.has(LAST, "a", fileOf(1, 100))], [100, false]);
    await smaller.drop(JUDGED, "a", fileOf(1, 100));
    assert.deepEqual([smaller.bytes, smaller.hasEpoch(JUDGED)], [0, false]);
  });

  it("take a disk that is full for a limit", async () => {
    const state = memoryState();
    const small = {
      ...state,
      async keep(key: string, content: Uint8Array) {
        const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
        if ((await state.list("files/")).length >= 3) throw full;
        await state.keep(key, content);
      },
    };
    const kept = await KeptFiles.open(small, 1_000_000);
    kept.hold(JUDGED, ["a"]);
    for (const epochId of [LAST, OLD]) await save(kept, epochId, "a", fileOf(1, 100));
    for (const zip of [1, 2]) await save(kept, JUDGED, "a", fileOf(zip, 100));
    assert.deepEqual([await minersOf(state, OLD), await minersOf(state, LAST), kept.bytes], ["", "a", 300]);
    await save(kept, JUDGED, "a", fileOf(3, 100));
    await assert.rejects(save(kept, JUDGED, "a", fileOf(4, 100)), { code: "ENOSPC" });
    assert.deepEqual([kept.bytes, kept.has(JUDGED, "a", fileOf(4, 100))], [300, false]);
  });

  it("do not count what could not be written", async () => {
    const state = { ...memoryState(), keep: () => Promise.reject(new Error("the disk is full")) };
    const kept = await KeptFiles.open(state, 1_000);
    await assert.rejects(save(kept, JUDGED, "a", fileOf(1, 100)), /full/);
    assert.deepEqual([kept.bytes, kept.has(JUDGED, "a", fileOf(1, 100))], [0, false]);
  });

  it("never take more than the limit and what is held, and count what is on the disk", async () => {
    const step = fc.record({
      epochId: fc.constantFrom(OLD, LAST, JUDGED),
      hotkey: fc.constantFrom("a", "b", "c"),
      zip: fc.integer({ min: 1, max: 4 }),
      sizeBytes: fc.integer({ min: 1, max: 200 }),
      after: fc.constantFrom("nothing", "hold", "checked", "drop"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const state = memoryState();
        const kept = await KeptFiles.open(state, 500);
        let held: string[] = [];
        for (const { epochId, hotkey, zip, sizeBytes, after } of steps) {
          const file = fileOf(zip, sizeBytes);
          await Promise.all([save(kept, epochId, hotkey, file), save(kept, JUDGED, "b", fileOf(zip, sizeBytes))]);
          const keys = await state.list("files/");
          const bytesOf = (key: string): number => Number(key.split("-")[1]);
          const total = keys.reduce((sum, key) => sum + bytesOf(key), 0);
          assert.equal(kept.bytes, total);
          const heldBytes = keys
            .filter((key) => held.some((miner) => key.startsWith(`files/${JUDGED}/${miner}/`)))
            .reduce((sum, key) => sum + bytesOf(key), 0);
          assert.ok(total <= Math.max(500, heldBytes), `${total} bytes, ${heldBytes} held`);
          if (after === "hold") kept.hold(JUDGED, (held = [hotkey]));
          if (after === "checked") kept.noteChecked(hotkey);
          if (after === "checked") held = held.filter((miner) => miner !== hotkey);
          if (after === "drop") await kept.drop(epochId, hotkey, file);
        }
      }),
      { numRuns: 500 },
    );
  });
});
