import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { epochIdOf } from "../../../core/epoch-time.js";
import { dataKey, epochKey, manifestKey, reportKey } from "../../../core/object-keys.js";
import { retentionRule } from "../../../core/retention.js";
import { HOTKEY_A, HOTKEY_B, SHA } from "../../../core/samples.test-support.js";
import { manualClock } from "../../clock/manual-clock.js";
import { all, text } from "../objects.test-support.js";
import { type FolderObjects, openFolderObjects } from "./folder-objects.js";
import { folderRetention } from "./folder-retention.js";

const LENGTH_SECONDS = 14_400;
const FIRST = 123_000;
const idOf = (number: number): string => epochIdOf(number * LENGTH_SECONDS * 1000);
const keyOf = (number: number, hotkey: string, zipCode: string): string => dataKey(hotkey, idOf(number), zipCode, SHA);

describe("folderRetention", () => {
  const dirs: string[] = [];
  after(() => Promise.all(dirs.map((dir) => rm(dir, { recursive: true }))));

  async function open(): Promise<{ dir: string; objects: FolderObjects }> {
    const dir = await mkdtemp(join(tmpdir(), "zipnet-retention-"));
    dirs.push(dir);
    return { dir, objects: await openFolderObjects({ dir, publicUrl: "", clock: manualClock(0) }) };
  }
  const put = (objects: FolderObjects, key: string): Promise<boolean> =>
    objects.putIfAbsent(key, text(`content of ${key}`), "text/plain");
  const keysOf = async (objects: FolderObjects): Promise<string[]> =>
    (await all(objects.list(""))).map(({ key }) => key);

  it("deletes the listings of the epochs that may be, every one, and nothing else", async () => {
    const uploads = fc.uniqueArray(
      fc.record({
        age: fc.nat({ max: 20 }),
        hotkey: fc.constantFrom(HOTKEY_A, HOTKEY_B),
        zipCode: fc.constantFrom("02139", "98101"),
      }),
      { selector: ({ age, hotkey, zipCode }) => `${age} ${hotkey} ${zipCode}`, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(uploads, fc.integer({ min: 2, max: 3 }), async (uploaded, keepDays) => {
        const { dir, objects } = await open();
        const kept = keepDays * 6;
        const records = [epochKey(idOf(FIRST - 50)), reportKey(idOf(FIRST - 50), HOTKEY_A)];
        records.push(manifestKey(idOf(FIRST - 50), HOTKEY_A, SHA));
        for (const key of records) await put(objects, key);
        for (const { age, hotkey, zipCode } of uploaded) await put(objects, keyOf(FIRST - age, hotkey, zipCode));
        const before = await keysOf(objects);
        const rule = retentionRule(keepDays, LENGTH_SECONDS, FIRST);
        const foretold = await folderRetention(dir).apply(rule, true);
        assert.deepEqual(await keysOf(objects), before);
        const done = await folderRetention(dir).apply(rule, false);
        assert.deepEqual(done, foretold);
        const young = uploaded.filter(({ age }) => age <= kept);
        const left = [...records, ...young.map(({ age, hotkey, zipCode }) => keyOf(FIRST - age, hotkey, zipCode))];
        assert.deepEqual(await keysOf(objects), left.sort());
        const old = uploaded.filter(({ age }) => age > kept);
        assert.ok(done.kind === "sweep");
        assert.deepEqual(
          done.epochs.map(({ epochId }) => epochId),
          [...new Set(old.map(({ age }) => idOf(FIRST - age)))].sort(),
        );
        assert.equal(
          done.epochs.reduce((sum, { objects: count }) => sum + count, 0),
          old.length,
        );
      }),
      { numRuns: 25 },
    );
  });

  it("leaves a running store usable: old keys are gone, new ones can be written", async () => {
    const { dir, objects } = await open();
    const [old, young] = [keyOf(FIRST - 100, HOTKEY_A, "98101"), keyOf(FIRST, HOTKEY_A, "98101")];
    for (const key of [old, young]) await put(objects, key);
    const done = await folderRetention(dir).apply(retentionRule(2, LENGTH_SECONDS, FIRST), false);
    const bytes = text(`content of ${old}`).length;
    assert.deepEqual(done, { kind: "sweep", epochs: [{ epochId: idOf(FIRST - 100), objects: 1, bytes }] });
    assert.equal(await objects.get(old), undefined);
    assert.equal(await put(objects, keyOf(FIRST, HOTKEY_A, "02139")), true);
    assert.equal(await put(objects, keyOf(FIRST + 1, HOTKEY_A, "98101")), true);
  });

  it("follows no link and takes no folder for an epoch that is none", async () => {
    const { dir, objects } = await open();
    await put(objects, keyOf(FIRST, HOTKEY_A, "98101"));
    const elsewhere = join(dir, "elsewhere");
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, "precious"), "x");
    const miner = join(dir, "objects", "data", `hotkey=${HOTKEY_A}`);
    await symlink(elsewhere, join(miner, `epoch=${idOf(FIRST - 100)}`));
    await mkdir(join(miner, "epoch=20261122"));
    const done = await folderRetention(dir).apply(retentionRule(2, LENGTH_SECONDS, FIRST), false);
    assert.deepEqual(done, { kind: "sweep", epochs: [] });
    assert.deepEqual(
      await folderRetention(join(dir, "nowhere")).apply(retentionRule(2, LENGTH_SECONDS, FIRST), false),
      done,
    );
  });
});
