import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localStateContract } from "./contract.js";
import { folderState } from "./folder-state.js";
import { memoryState } from "./memory-state.js";

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
