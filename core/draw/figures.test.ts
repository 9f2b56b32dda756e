import assert from "node:assert/strict";
import { type Figures, simulationFigures } from "./figures.js";
import { freshParts } from "./fresh.js";
import { catalogueOf, rulesOf, weightsOf } from "./kit.test-support.js";
import { drawPool } from "./pool.js";
import { type Simulation, simulateDraws } from "./simulate.js";

function figuresOf(simulation: Simulation): Figures {
  const running = simulationFigures(simulation);
  for (let steps = 0; ; steps += 1) {
    const { done, value } = running.next();
    if (done !== true) continue;
    assert.equal(steps, simulation.epochs, "it gives way after every epoch");
    return value;
  }
}

const sizes = Array.from({ length: 300 }, (_, i) => 10 + ((i * 53) % 90));
const rules = rulesOf({ targetListings: 1_000, cooldownEpochs: 5 });
const pool = drawPool(catalogueOf(sizes, ["CA", "WA", "OR"]), rules);
const simulation: Simulation = { pool, first: 50, epochs: 200, lastDrawn: new Map(), seed: "figures" };

describe("the figures of a simulation", () => {
  const figures = figuresOf(simulation);

  it("count what the draws are", () => {
    const draws = [...simulateDraws(simulation)].map(({ result }) => (result.ok ? result.zipCodes : []));
    const drawn = draws.flat();
    assert.equal(figures.landed, 200);
    assert.equal(figures.landedAtOnce, 200);
    assert.deepEqual([figures.searched, figures.problem], [0, ""]);
    for (const { zipCode } of pool.allowed) {
      assert.equal(figures.timesByZipCode.get(zipCode), drawn.filter((entry) => entry.zipCode === zipCode).length);
    }
    const times = [...figures.timesByZipCode.values()].sort((a, b) => a - b);
    assert.deepEqual(figures.timesDrawn, { min: times[0], median: times[150], max: times[299] });
    assert.equal(
      figures.histogram.reduce((sum, row) => sum + row.times * row.zipCodes, 0),
      drawn.length,
    );
    const statesDrawn = figures.states.reduce((sum, state) => sum + state.drawn.zipCodes, 0);
    assert.deepEqual([figures.states.map(({ state }) => state), statesDrawn], [["CA", "OR", "WA"], drawn.length]);
    assert.deepEqual(figures.pool, { zipCodes: 300, listings: sizes.reduce((sum, size) => sum + size) });
  });

  it("say when so much of the pool was visited", () => {
    const seen = new Set<string>();
    const after = new Map<number, number>();
    for (const [i, { result }] of [...simulateDraws(simulation)].entries()) {
      for (const { zipCode } of result.ok ? result.zipCodes : []) seen.add(zipCode);
      for (const percent of [50, 90, 99, 100]) {
        if (!after.has(percent) && seen.size * 100 >= percent * 300) after.set(percent, i + 1);
      }
    }
    assert.deepEqual(
      figures.visited.map(({ percent, epochs }) => [percent, epochs]),
      [50, 90, 99, 100].map((percent) => [percent, after.get(percent)]),
    );
    const short = figuresOf({ ...simulation, epochs: 3 });
    assert.deepEqual(short.visited.at(-1), { percent: 100, epochs: undefined });
    assert.ok(short.visitedZipCodes < 300);
  });

  it("say what a pre-scraper must keep fresh, as the draws bear out", () => {
    assert.deepEqual(
      figures.fresh.map(({ readyPercent }) => readyPercent),
      [10, 25, 50, 75, 90],
    );
    for (const { readyPercent, poolPercent, measuredPercent } of figures.fresh) {
      assert.ok(poolPercent >= readyPercent && poolPercent < readyPercent + 2, "all zip codes have the same chance");
      assert.ok(Math.abs(measuredPercent - readyPercent) < 12, `${readyPercent}: ${measuredPercent}`);
    }
  });

  it("tell misses, with the first problem", () => {
    const tight = drawPool(pool.catalogue, { ...rules, cooldownEpochs: 30 });
    const { landed, problem } = figuresOf({ ...simulation, pool: tight });
    assert.ok(landed > 50 && landed < 200, `${landed}`);
    assert.match(problem, /lower cooldown_epochs to at most \d+/);
  });
});

describe("what to keep fresh", () => {
  it("begins with the zip codes of the best chance, the largest first", () => {
    const weighted = drawPool(
      catalogueOf([10, 50, 30, 40], ["CA", "WA"]),
      rulesOf({ stateWeights: weightsOf({ CA: 200 }) }),
    );
    const [tenth, , half] = freshParts(weighted.allowed, weighted.weightOf, weighted.allowed.slice(2, 3));
    // Worth, by weight: 20 and 60 in CA, 50 and 40 in WA; 170 in all. The 30 of CA come first.
    assert.deepEqual([tenth?.zipCodes, tenth?.listings, tenth?.measuredPercent], [1, 30, 100]);
    // 60 + 20 are less than half of it, so the 50 of WA is third.
    assert.deepEqual([half?.zipCodes, half?.listings], [3, 90]);
  });
});
