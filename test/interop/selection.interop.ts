/**
 * The draw in Python, written from docs/selection.md alone: it reproduces every test vector.
 */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { VECTORS } from "../vectors/selection.js";

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL("selection.py", import.meta.url));

const hasPython = spawnSync("python3", ["--version"]).status === 0;

(hasPython ? describe : describe.skip)(`the draw in Python${hasPython ? "" : " (skipped: no python3)"}`, () => {
  it("reproduces every vector", async () => {
    const { stdout } = await run("python3", [PROGRAM, fileURLToPath(VECTORS)]);
    const { draws } = JSON.parse(await readFile(VECTORS, "utf8")) as { draws: unknown[] };
    assert.equal(stdout.trim(), `${draws.length} draws, 0 differences`);
  });

  it("tells an altered vector", async () => {
    const dir = await mkdtemp(join(tmpdir(), "zipnet-vectors-"));
    const text = await readFile(VECTORS, "utf8");
    const altered = text.replace('"expected_listings":50,', '"expected_listings":51,');
    assert.notEqual(altered, text);
    await writeFile(join(dir, "altered.json"), altered);
    await assert.rejects(run("python3", [PROGRAM, join(dir, "altered.json")]), {
      code: 1,
      stdout: /^one zip code, which is the target: drawn differs\n\d+ draws, 1 differences\n$/,
    });
    await rm(dir, { recursive: true });
  });
});
