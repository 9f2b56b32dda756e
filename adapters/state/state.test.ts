import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimState } from "./claim-state.js";
import { localStateContract } from "./contract.js";
import { folderState } from "./folder-state.js";
import { memoryState } from "./memory-state.js";

describe("claimed state", () => {
  it("is its owner's for ever, and nobody else's", async () => {
    const state = memoryState();
    await claimState(state, "local/46/one");
    await claimState(state, "local/46/one");
    await assert.rejects(
      claimState(state, "local/46/other"),
      /belongs to local\/46\/one, but this is local\/46\/other/,
    );
  });
});

localStateContract("memory", () => Promise.resolve(memoryState()));

describe("folder state", () => {
  const made: string[] = [];
  after(async () => {
    for (const dir of made) await rm(dir, { recursive: true });
  });
  localStateContract("folder", async () => {
    const dir = await mkdtemp(join(tmpdir(), "zipnet-state-"));
    made.push(dir);
    return folderState(join(dir, "not", "there", "yet"));
  });

  it("leaves nothing of a write that failed", async () => {
    const dir = await mkdtemp(join(tmpdir(), "zipnet-state-"));
    made.push(dir);
    const state = folderState(dir);
    await state.write("work/a", new Uint8Array([1]));
    await assert.rejects(state.write("work", new Uint8Array([1])), { code: "EISDIR" });
    assert.deepEqual(await readdir(dir), ["work"]);
  });

  it("removes a folder with all that is in it, also what was left half written", async () => {
    const dir = await mkdtemp(join(tmpdir(), "zipnet-state-"));
    made.push(dir);
    const state = folderState(dir);
    for (const key of ["work/a/1", "work/b/1/2"]) await state.write(key, new Uint8Array([1]));
    await writeFile(join(dir, "work", "b", "1", "3~half"), "");
    await state.remove("work/b/");
    assert.deepEqual(await readdir(join(dir, "work")), ["a"]);
  });
});
