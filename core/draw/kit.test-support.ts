/** Pools, rules and draws for tests. */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type Catalogue, CatalogueSchema, type Rules, StateWeightSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { sha256Of } from "../hash.js";
import { defaultRules } from "../rules.js";
import { type DrawResult, type Drawn, drawZipCodes } from "./draw.js";
import { type LastDrawn, drawPool } from "./pool.js";

/** Number of the epoch that these draws are for. */
export const NUMBER = 100;

/** A catalogue of zip codes 10000, 10001, ... that expect so many listings each, in the states in turn. */
export function catalogueOf(sizes: readonly number[], states: readonly string[] = ["WA"]): Catalogue {
  const entries = sizes.map((expectedListings, i) => ({
    zipCode: String(10_000 + i),
    state: states[i % states.length] ?? "WA",
    expectedListings,
  }));
  return create(CatalogueSchema, { entries });
}

/** The default rules with a smallest expectation of 1, changed. */
export function rulesOf(rules: Partial<Rules>): Rules {
  return { ...defaultRules(14_400), minExpectedListings: 1, ...rules };
}

/** Weights of states for rules. */
export function weightsOf(weights: Readonly<Record<string, number>>): Rules["stateWeights"] {
  return Object.entries(weights).map(([state, weightPercent]) => create(StateWeightSchema, { state, weightPercent }));
}

/** A draw for epoch NUMBER; `recent` was drawn in the epoch before. */
export function draw(catalogue: Catalogue, rules: Rules, seed = "seed", recent: Iterable<string> = []): DrawResult {
  const lastDrawn: LastDrawn = new Map([...recent].map((zipCode) => [zipCode, NUMBER - 1]));
  return drawZipCodes({ pool: drawPool(catalogue, rules), number: NUMBER, lastDrawn, seed: sha256Of(seed) });
}

/** A draw that must have landed. */
export function landedOf(result: DrawResult): Drawn & { readonly zips: readonly string[] } {
  assert.ok(result.ok, result.ok ? "" : result.explain());
  const sum = result.zipCodes.reduce((total, entry) => total + entry.expectedListings, 0);
  assert.equal(result.expectedListings, sum);
  const zips = result.zipCodes.map((entry) => entry.zipCode);
  assert.deepEqual(zips, [...new Set(zips)].sort());
  return { ...result, zips };
}

/** What a draw that must have missed says. */
export function problemOf(result: DrawResult): string {
  assert.ok(!result.ok, "the draw landed");
  return result.explain();
}

/** Every sum that a set of the sizes has, by trying all sets. */
export function allSums(sizes: readonly number[]): Set<number> {
  let sums = [0];
  for (const size of sizes) sums = [...new Set(sums.flatMap((sum) => [sum, sum + size]))];
  return new Set(sums);
}

/** Pools small enough for trying all sets, with rules that land for some and not for others. */
export const smallPool = fc.record({
  sizes: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }),
  targetListings: fc.integer({ min: 1, max: 300 }),
  toleranceBps: fc.constantFrom(1, 50, 300, 1_000, 5_000),
  seed: fc.string(),
});

/** Fields of the rules as problems name them. */
const FIELDS = {
  target_listings: "targetListings",
  tolerance_bps: "toleranceBps",
  cooldown_epochs: "cooldownEpochs",
  min_expected_listings: "minExpectedListings",
  max_expected_listings: "maxExpectedListings",
} as const satisfies Record<string, keyof Rules>;

/** The changes of a rule that a text names. */
export function changesOf(text: string): Partial<Rules>[] {
  return [...text.matchAll(/(?:lower|raise|set) (\w+) to (?:at most |at least )?([\d,]+)/g)].map(
    ([, field, value = ""]) => ({ [FIELDS[field as keyof typeof FIELDS]]: Number(value.replaceAll(",", "")) }),
  );
}
