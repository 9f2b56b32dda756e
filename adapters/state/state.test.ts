import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
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
});
