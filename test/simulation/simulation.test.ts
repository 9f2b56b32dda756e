/** The simulated competition, small: what it is for is shown by long runs of `zipnet simulate`, see docs/incentive.md. */
import assert from "node:assert/strict";
import { outcomeOf } from "../../cli/simulate/figures.js";
import type { SeedFigures } from "../../cli/simulate/ledger.js";
import { outcomeText } from "../../cli/simulate/outcome-text.js";
import { outcomeSvg } from "../../cli/simulate/plot.js";
import { type Scenario, simulate } from "../../cli/simulate/run.js";
import { STRATEGIES } from "../../cli/simulate/strategies.js";
import { VALIDATORS } from "../../cli/simulate/validators.js";

const SCENARIO: Scenario = {
  seed: "test",
  epochs: 3,
  zipCodes: 5,
  listingsPerZip: 12,
  operators: new Map(),
  failBps: 2_000,
  refusedBps: 0,
};

/** Honest miners and one that is caught. */
const FEW = new Map(
  STRATEGIES.filter(({ isHonest, name }) => !isHonest && name !== "fabricator-100").map(({ name }) => [name, 0]),
);

const run = (over: Partial<Scenario> = {}): Promise<SeedFigures> =>
  simulate({ ...SCENARIO, ...over }, () => Promise.resolve());

describe("a simulated competition", function () {
  this.timeout(60_000);
  let figures: SeedFigures;
  before(async () => {
    figures = await run();
  });

  const of = (name: string) =>
    figures.strategies.find(({ strategy }) => strategy === name) ?? assert.fail(`nobody plays ${name}`);

  it("is the same again by the same seed, and another by another", async () => {
    const short = await run({ operators: FEW });
    assert.deepEqual(await run({ operators: FEW }), short);
    assert.notDeepEqual((await run({ seed: "other", operators: FEW })).strategies, short.strategies);
  });

  it("pays out the whole emission of every tempo", () => {
    // Shares of operators, each with all its hotkeys.
    const paid = STRATEGIES.reduce((sum, { name, operators }) => sum + operators * of(name).earned, 0);
    assert.ok(Math.abs(paid - 1) < 1e-9, `${paid} of the emission is paid`);
  });

  it("accuses nobody honest, although a fifth of the requests fail", () => {
    assert.equal(figures.honestEpochs, 7 * SCENARIO.epochs);
    assert.equal(figures.accusedEpochs, 0);
  });

  it("catches whoever invents everything, in every spot check", () => {
    const { spotChecks, caught } = of("fabricator-100");
    assert.ok(spotChecks > 0);
    assert.equal(caught, spotChecks);
  });

  it("trusts validators that judge by themselves more than one that pays its own miner", () => {
    const { honest, colluding } = figures.trust;
    assert.ok(honest > 0.9 && colluding < 0.6, JSON.stringify(figures.trust));
  });

  it("keeps trust in validators that a source refuses, by what the others found", async () => {
    const { trust, trustAlone } = await run({ seed: "a", epochs: 4, refusedBps: 2_000, operators: FEW });
    assert.ok(trust.honest > trustAlone.honest + 0.05, `${trust.honest} with, ${trustAlone.honest} without`);
  });

  it("counts a judgement by every honest validator of every submission", () => {
    const honest = VALIDATORS.filter(({ kind }) => kind === "honest").length;
    assert.equal(of("honest-steady").judgements, 4 * honest * SCENARIO.epochs);
  });

  it("plays other numbers of miners when told to", async () => {
    const { strategies } = await run({ epochs: 1, operators: new Map([["copier", 0]]) });
    assert.deepEqual(
      strategies.map(({ strategy }) => strategy),
      STRATEGIES.map(({ name }) => name).filter((name) => name !== "copier"),
    );
  });

  it("is told as a table of every strategy, and drawn", () => {
    const outcome = outcomeOf([figures, figures]);
    const [text, svg] = [outcomeText(outcome), outcomeSvg(outcome)];
    for (const { name } of STRATEGIES) {
      assert.ok(text.includes(`\n${name} `), name);
      assert.ok(svg.includes(`>${name}</text>`), name);
    }
    assert.match(text, /^6 epochs of 2 seeds$/m);
    assert.match(text, /called a liar or a copy: 0 of 42 miner-epochs/);
  });
});
