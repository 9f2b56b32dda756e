/**
 * Attacks on the expectation of a zip code, by verified miners: whoever is caught inventing is not among them. Each
 * bound that docs/calibration.md states is held against the real rules, and against rules with one part left out, which
 * must break it.
 */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type Catalogue, CatalogueEntrySchema, CatalogueSchema, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { type ZipCodeCount, ZipCodeCountSchema } from "../../gen/zipnet/v1/report_pb.js";
import { nothingFound } from "../judging/submission-check.js";
import { zipCodeCounts } from "../judging/zip-code-counts.js";
import { sample } from "../samples.test-support.js";
import { calibrate } from "./calibrate.js";
import { targetOf } from "./expectation.js";

const ZIP_CODE = "98101";
const EPOCH = create(EpochSchema, { zipCodes: [{ zipCode: ZIP_CODE, expectedListings: 1, state: "WA" }] });
const CATALOGUE_EVERY = 42;
/** Catalogues in a month of four-hour epochs, at most. */
const CATALOGUES_PER_MONTH = 5;

/** What each verified miner submitted in one epoch. */
interface Round {
  readonly honest: readonly number[];
  readonly colluding: readonly number[];
}

/** The rules, or a mutant of them: how counts are made, and how the catalogue after the next epoch. */
interface RuleSet {
  count(values: readonly number[]): ZipCodeCount[];
  next(catalogue: Catalogue, count: ZipCodeCount[], epochNumber: number): Catalogue;
}

const REAL: RuleSet = {
  count: (values) =>
    zipCodeCounts(
      values.map((value, index) => ({
        ...nothingFound(),
        hotkey: String(index),
        coldkey: String(index),
        manifestSha256: "",
        receivedMs: 0,
        accepted: new Map(value === 0 ? [] : [[ZIP_CODE, Array.from({ length: value }, String)]]),
        empty: new Set(value === 0 ? [ZIP_CODE] : []),
      })),
      EPOCH,
    ),
  next(catalogue, zipCodes, epochNumber) {
    const settlements = [{ epochNumber, zipCodes }];
    const entries = calibrate({ catalogue, settlements, epochNumber: epochNumber + 4, resultCapListings: 820 });
    return create(CatalogueSchema, { entries });
  },
};

const countOf = (lower: number, upper: number, miners: number): ZipCodeCount[] => [
  create(ZipCodeCountSchema, { zipCode: ZIP_CODE, lowerMedianListings: lower, upperMedianListings: upper, miners }),
];

/** The rules with the mean in place of the median. */
const MEAN: RuleSet = {
  ...REAL,
  count(values) {
    const mean = Math.floor(values.reduce((sum, value) => sum + value, 0) / values.length);
    return countOf(mean, mean, values.length);
  },
};

/** The rules without the vote of the expectation where the number of miners is even. */
const NO_VOTE: RuleSet = {
  ...REAL,
  count(values) {
    const [{ lowerMedianListings: lower, miners } = { lowerMedianListings: 0, miners: 0 }] = REAL.count(values);
    return countOf(lower, lower, miners);
  },
};

/** The rules where one verified miner is enough. */
const ALONE_COUNTS: RuleSet = {
  ...REAL,
  count: (values) => REAL.count(values).map((count) => ({ ...count, miners: Math.max(3, count.miners) })),
};

/** The rules without a bound on one step. */
const NO_STEP: RuleSet = {
  ...REAL,
  next(catalogue, zipCodes, epochNumber) {
    const { entries } = REAL.next(catalogue, zipCodes, epochNumber);
    return create(CatalogueSchema, {
      entries: entries.map((entry) => ({
        ...entry,
        expectedListings:
          entry.calibration === undefined ? entry.expectedListings : targetOf(entry.calibration, epochNumber),
      })),
    });
  },
};

/** The expectations of the catalogues that follow from the import, one per round, the import first. */
function expectations(rules: RuleSet, imported: number, rounds: readonly Round[]): number[] {
  const entry = { ...sample(CatalogueEntrySchema), zipCode: ZIP_CODE, expectedListings: imported };
  delete entry.calibration;
  let catalogue = create(CatalogueSchema, { entries: [entry] });
  return [
    imported,
    ...rounds.map(({ honest, colluding }, index) => {
      catalogue = rules.next(catalogue, rules.count([...honest, ...colluding]), (index + 1) * CATALOGUE_EVERY);
      return catalogue.entries[0]?.expectedListings ?? -1;
    }),
  ];
}

const count = fc.integer({ min: 0, max: 700 });
/** Rounds in which at most half of the verified miners collude, at least one is honest. */
const minority = fc.array(
  fc
    .tuple(fc.array(count, { minLength: 1, maxLength: 4 }), fc.array(count, { maxLength: 4 }))
    .map(([honest, colluding]) => ({ honest, colluding: colluding.slice(0, honest.length) })),
  { minLength: 1, maxLength: 12 },
);
const imported = fc.integer({ min: 5, max: 700 });

/** No expectation ever lies beyond both the import and what some honest miner counted. */
function minorityIsPowerless(rules: RuleSet): void {
  const property = fc.property(imported, minority, (start, rounds) => {
    const honest = rounds.flatMap((round) => round.honest);
    for (const expected of expectations(rules, start, rounds)) {
      assert.ok(expected >= Math.min(start, ...honest) && expected <= Math.max(start, ...honest));
    }
  });
  fc.assert(property, { numRuns: 300, seed: 4 });
}

/** One verified miner, every time, moves nothing at all. */
function aloneIsPowerless(rules: RuleSet): void {
  const property = fc.property(imported, fc.array(count, { minLength: 1, maxLength: 12 }), (start, counts) => {
    const rounds = counts.map((value) => ({ honest: [], colluding: [value] }));
    assert.ok(expectations(rules, start, rounds).every((expected) => expected === start));
  });
  fc.assert(property, { numRuns: 100, seed: 4 });
}

/** Even if all verified miners collude: a fifth per catalogue (or 1), and never beyond four times the import. */
function majorityIsBounded(rules: RuleSet): void {
  const all = fc.array(fc.array(fc.nat(5_000), { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 12 });
  const property = fc.property(imported, all, (start, counts) => {
    const rounds = counts.map((colluding) => ({ honest: [], colluding }));
    const path = expectations(rules, start, rounds);
    path.slice(1).forEach((expected, index) => {
      const before = path[index] ?? 0;
      assert.ok(Math.abs(expected - before) <= Math.max(1, before / 5), `${before} became ${expected}`);
      assert.ok(expected >= Math.floor(start / 4) && expected <= start * 4);
    });
  });
  fc.assert(property, { numRuns: 200, seed: 4 });
}

describe("attacks on an expectation", () => {
  it("by at most half of the verified miners do not bring it beyond the import and the honest counts", () => {
    minorityIsPowerless(REAL);
    assert.throws(() => minorityIsPowerless(MEAN), /Property failed/);
    assert.throws(() => minorityIsPowerless(NO_VOTE), /Property failed/);
  });

  it("by a miner that is the only verified one every time do not move it", () => {
    aloneIsPowerless(REAL);
    assert.throws(() => aloneIsPowerless(ALONE_COUNTS), /Property failed/);
  });

  it("by all verified miners together stay within a fifth per catalogue and four times the import", () => {
    majorityIsBounded(REAL);
    assert.throws(() => majorityIsBounded(NO_STEP), /Property failed/);
  });

  it("by inflation or deflation in a month move it by the stated factors at most, and are undone after it", () => {
    const attack = (value: number) => ({ honest: [], colluding: [value, value, value] });
    const calm = { honest: [200, 205, 210], colluding: [] };
    const month = <T>(round: T): T[] => Array.from({ length: CATALOGUES_PER_MONTH }, () => round);
    for (const value of [0, 810]) {
      const path = expectations(REAL, 200, [...month(attack(value)), ...month(calm), ...month(calm)]);
      const attacked = (path[CATALOGUES_PER_MONTH] ?? 0) / 200;
      assert.ok(attacked >= 0.32 && attacked <= 2.49, `times ${attacked} in a month`);
      const [back = 0] = path.slice(-1);
      assert.ok(Math.abs(back - 205) <= 15, `${back} two months later`);
    }
  });

  it("by one of three verified miners leave the honest median in force, every time", () => {
    const rounds = (value: number): Round[] =>
      Array.from({ length: 10 }, () => ({ honest: [300, 310], colluding: [value] }));
    for (const value of [0, 5_000]) {
      const [last = 0] = expectations(REAL, 250, rounds(value)).slice(-1);
      assert.ok(last >= 295 && last <= 310, `${last}`);
    }
  });
});
