/**
 * The cases of the test vectors of the draw. docs/selection.md explains the form; every case is there for a step of the
 * draw that another implementation could get wrong.
 */

/** A catalogue by a formula: entry i of `count` has zip code `first` + i, and expects this many listings. */
interface Generated {
  readonly count: number;
  readonly first: number;
  /** Expected listings are (i × multiplier) mod modulus, plus offset. */
  readonly multiplier: number;
  readonly modulus: number;
  readonly offset: number;
  /** Entry i lies in states[i mod length]. */
  readonly states: readonly string[];
}

/** Zip code, state and expected listings. */
type Row = readonly [string, string, number];

/** The rules that concern the draw, as in the signed epoch. */
export interface SelectionRules {
  readonly target_listings: number;
  readonly tolerance_bps: number;
  readonly min_expected_listings: number;
  readonly max_expected_listings: number;
  readonly cooldown_epochs: number;
  readonly include_states: readonly string[];
  readonly exclude_states: readonly string[];
  readonly state_weights: Readonly<Record<string, number>>;
}

/** A case: what a draw is made of. */
export interface SelectionCase {
  readonly name: string;
  readonly rules: SelectionRules;
  readonly catalogue: Generated | readonly Row[];
  /** Numbers of the epochs in which zip codes were drawn last. */
  readonly last_drawn?: Readonly<Record<string, number>>;
}

const RULES: SelectionRules = {
  target_listings: 1_000,
  tolerance_bps: 1_000,
  min_expected_listings: 5,
  max_expected_listings: 800,
  cooldown_epochs: 42,
  include_states: [],
  exclude_states: [],
  state_weights: {},
};

/** Number of the epoch that every case draws. */
export const EPOCH_NUMBER = 124_674;

const SPREAD: Generated = {
  count: 120,
  first: 10_000,
  multiplier: 37,
  modulus: 91,
  offset: 5,
  states: ["CA", "OR", "WA"],
};

const rowsOf = (sizes: readonly number[]): Row[] => sizes.map((size, i) => [String(10_000 + i), "WA", size]);
const SIZES = [40, 10, 30, 20, 50, 60, 70, 80, 90, 15];

/** Zip codes 10000 + i for i = from, from + step, ..., drawn `ago` epochs before. */
function drawnAgo(ago: number, from: number, to: number, step = 1): Record<string, number> {
  const zipCodes = Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => String(10_000 + from + i * step));
  return Object.fromEntries(zipCodes.map((zipCode) => [zipCode, EPOCH_NUMBER - ago]));
}

/** All cases. */
export const SELECTION_CASES: readonly SelectionCase[] = [
  { name: "one zip code, which is the target", rules: { ...RULES, target_listings: 50 }, catalogue: rowsOf([50]) },
  {
    name: "one zip code, at the low end of the band",
    rules: { ...RULES, target_listings: 50 },
    catalogue: rowsOf([45]),
  },
  {
    name: "one zip code, a listing short of the band",
    rules: { ...RULES, target_listings: 50 },
    catalogue: rowsOf([44]),
  },
  { name: "one zip code, a listing above the band", rules: { ...RULES, target_listings: 50 }, catalogue: rowsOf([56]) },
  { name: "stops at the target", rules: RULES, catalogue: SPREAD },
  {
    name: "stops before the target, as the largest could lift the sum above the band",
    rules: { ...RULES, tolerance_bps: 600 },
    catalogue: SPREAD,
  },
  {
    name: "the largest fits the band to the last listing, so the goal is the low end",
    rules: { ...RULES, tolerance_bps: 470 },
    catalogue: SPREAD,
  },
  {
    name: "zip codes jump over the band, so attempts are repeated",
    rules: { ...RULES, tolerance_bps: 30 },
    catalogue: SPREAD,
  },
  {
    name: "the band is exactly one sum",
    rules: { ...RULES, target_listings: 997, tolerance_bps: 10 },
    catalogue: SPREAD,
  },
  {
    name: "the spread of the band is rounded down",
    rules: { ...RULES, target_listings: 999, tolerance_bps: 999 },
    catalogue: SPREAD,
  },
  {
    name: "everything is taken, and the sum stays below the target",
    rules: { ...RULES, target_listings: 500 },
    catalogue: rowsOf(SIZES),
  },
  { name: "a few zip codes", rules: { ...RULES, target_listings: 150 }, catalogue: rowsOf(SIZES) },
  {
    name: "a small pool with one sum in the band",
    rules: { ...RULES, target_listings: 440, tolerance_bps: 1 },
    catalogue: rowsOf(SIZES),
  },
  {
    name: "the search for a set: ten of thirty, one of them of the smaller size",
    rules: { ...RULES, target_listings: 10_090, tolerance_bps: 1, max_expected_listings: 2_000 },
    catalogue: rowsOf(Array.from({ length: 30 }, (_, i) => (i < 15 ? 1_000 : 1_010))),
  },
  {
    name: "the search for a set: forty of eighty, at most six of them of the smaller size",
    rules: { ...RULES, target_listings: 40_038, tolerance_bps: 1, max_expected_listings: 2_000 },
    catalogue: rowsOf(Array.from({ length: 80 }, (_, i) => 1_000 + (i % 2))),
  },
  {
    name: "the search for a set, with weights",
    rules: {
      ...RULES,
      target_listings: 40_038,
      tolerance_bps: 1,
      max_expected_listings: 2_000,
      state_weights: { CA: 300 },
    },
    catalogue: { count: 80, first: 20_000, multiplier: 1, modulus: 2, offset: 1_000, states: ["CA", "WA", "WA"] },
  },
  {
    name: "no set has a sum in the band: all sizes are even, the only sum is odd",
    rules: { ...RULES, target_listings: 101, tolerance_bps: 1 },
    catalogue: rowsOf([10, 20, 30, 40, 50, 60]),
  },
  { name: "the pool is a listing too small", rules: { ...RULES, target_listings: 517 }, catalogue: rowsOf(SIZES) },
  { name: "nothing is eligible", rules: { ...RULES, min_expected_listings: 100 }, catalogue: SPREAD },
  {
    name: "the least and the most expected listings count as allowed",
    rules: { ...RULES, target_listings: 300, min_expected_listings: 40, max_expected_listings: 60 },
    catalogue: SPREAD,
  },
  {
    name: "the last epoch of the cooldown still waits, the one before it no more",
    rules: { ...RULES, target_listings: 400, cooldown_epochs: 7 },
    catalogue: SPREAD,
    last_drawn: { ...drawnAgo(7, 0, 60), ...drawnAgo(8, 60, 80), ...drawnAgo(1, 80, 110) },
  },
  {
    name: "no cooldown",
    rules: { ...RULES, cooldown_epochs: 0 },
    catalogue: SPREAD,
    last_drawn: drawnAgo(1, 0, 120),
  },
  {
    name: "states to include",
    rules: { ...RULES, target_listings: 500, include_states: ["CA", "WA"] },
    catalogue: SPREAD,
  },
  {
    name: "states to leave out",
    rules: { ...RULES, target_listings: 500, exclude_states: ["CA", "WA"] },
    catalogue: SPREAD,
  },
  {
    name: "included and left out at once: left out",
    rules: { ...RULES, target_listings: 500, include_states: ["CA", "OR"], exclude_states: ["OR"] },
    catalogue: SPREAD,
  },
  { name: "weights of two states", rules: { ...RULES, state_weights: { CA: 300, OR: 10 } }, catalogue: SPREAD },
  {
    name: "equal weights: as without",
    rules: { ...RULES, state_weights: { CA: 250, OR: 250, WA: 250 } },
    catalogue: SPREAD,
  },
  {
    name: "the smallest and the largest weight, with repeated attempts",
    rules: { ...RULES, tolerance_bps: 100, state_weights: { CA: 1, WA: 10_000 } },
    catalogue: SPREAD,
  },
  {
    name: "a nationwide pool with the default rules, in no order",
    rules: { ...RULES, target_listings: 10_000 },
    catalogue: { count: 30_000, first: 1_000, multiplier: 7_919, modulus: 400, offset: 0, states: ["PA", "NJ", "NY"] },
  },
  {
    name: "the largest catalogue, the largest zip codes, the largest target, the largest tolerance",
    rules: { ...RULES, target_listings: 10_000_000, tolerance_bps: 5_000, max_expected_listings: 1_000_000 },
    catalogue: {
      count: 100_000,
      first: 0,
      multiplier: 99_991,
      modulus: 1_000_000,
      offset: 1,
      states: ["AA", "BB", "CC", "DD"],
    },
  },
  {
    name: "the largest catalogue with the smallest tolerance and the largest weight",
    rules: {
      ...RULES,
      target_listings: 10_000_000,
      tolerance_bps: 1,
      max_expected_listings: 1_000_000,
      state_weights: { AA: 10_000 },
    },
    catalogue: {
      count: 100_000,
      first: 0,
      multiplier: 99_991,
      modulus: 1_000_000,
      offset: 1,
      states: ["AA", "BB", "CC", "DD"],
    },
  },
  {
    name: "the smallest target",
    rules: { ...RULES, target_listings: 1, tolerance_bps: 1, min_expected_listings: 1 },
    catalogue: rowsOf([2, 1, 3, 1, 1]),
  },
];
