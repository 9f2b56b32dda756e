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
import fc from "fast-check";
import { EPOCH_NUMBER, type SelectionCase } from "../vectors/selection-cases.js";
import { VECTORS, vectorOf } from "../vectors/selection.js";

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL("selection.py", import.meta.url));

const STATES = ["CA", "OR", "WA"] as const;

/** Small pools with narrow bands, so that draws end in every way. */
const randomCase: fc.Arbitrary<SelectionCase> = fc
  .record({
    name: fc.string({ unit: "grapheme-ascii" }),
    rules: fc.record({
      target_listings: fc.integer({ min: 1, max: 900 }),
      tolerance_bps: fc.constantFrom(1, 10, 100, 1_000, 5_000),
      min_expected_listings: fc.integer({ min: 1, max: 30 }),
      max_expected_listings: fc.integer({ min: 60, max: 200 }),
      cooldown_epochs: fc.integer({ min: 0, max: 9 }),
      include_states: fc.constantFrom<(readonly string[])[]>([], ["CA", "WA"]),
      exclude_states: fc.constantFrom<(readonly string[])[]>([], ["WA"]),
      state_weights: fc.constantFrom<Record<string, number>[]>({}, { CA: 7 }, { CA: 300, OR: 20 }),
    }),
    sizes: fc.array(fc.integer({ min: 0, max: 210 }), { minLength: 1, maxLength: 40 }),
    step: fc.constantFrom(1, 2, 7),
    ages: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 20 }),
  })
  .map(({ name, rules, sizes, step, ages }) => ({
    name,
    rules,
    catalogue: sizes.map((size, i) => [String(10_000 + i), STATES[i % 3] ?? "CA", size - (size % step)]),
    last_drawn: Object.fromEntries(ages.map((age, i) => [String(10_000 + 2 * i), EPOCH_NUMBER - age])),
  }));

/** Twenty of forty that are nearly the same, for one exact sum: some take a search. */
const hardCase: fc.Arbitrary<SelectionCase> = fc
  .record({
    name: fc.string({ unit: "grapheme-ascii" }),
    targetListings: fc.integer({ min: 8_000, max: 8_020 }),
    sizes: fc.array(fc.constantFrom<number[]>(400, 401), { minLength: 40, maxLength: 40 }),
  })
  .map(({ name, targetListings, sizes }) => ({
    name,
    rules: {
      target_listings: targetListings,
      tolerance_bps: 1,
      min_expected_listings: 1,
      max_expected_listings: 800,
      cooldown_epochs: 0,
      include_states: [],
      exclude_states: [],
      state_weights: {},
    },
    catalogue: sizes.map((size, i) => [String(10_000 + i), "WA", size]),
  }));

const hasPython = spawnSync("python3", ["--version"]).status === 0;

(hasPython ? describe : describe.skip)(`the draw in Python${hasPython ? "" : " (skipped: no python3)"}`, () => {
  it("reproduces every vector", async () => {
    const { stdout } = await run("python3", [PROGRAM, fileURLToPath(VECTORS)]);
    const { draws } = JSON.parse(await readFile(VECTORS, "utf8")) as { draws: unknown[] };
    assert.equal(stdout.trim(), `${draws.length} draws, 0 differences`);
  });

  it("draws the same as core from random pools by random rules", async () => {
    const draws = fc.sample(fc.oneof(randomCase, hardCase), { numRuns: 200, seed: 46 }).map(vectorOf);
    const ends = new Set(
      draws.map(({ drawn }) => (drawn === null ? "missed" : drawn.attempts > 1_000 ? "searched" : "drawn")),
    );
    assert.deepEqual([...ends].sort(), ["drawn", "missed", "searched"]);
    const dir = await mkdtemp(join(tmpdir(), "zipnet-vectors-"));
    await writeFile(join(dir, "random.json"), JSON.stringify({ random_sequence: [], draws }));
    const { stdout } = await run("python3", [PROGRAM, join(dir, "random.json")]);
    assert.equal(stdout.trim(), "200 draws, 0 differences");
    await rm(dir, { recursive: true });
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
