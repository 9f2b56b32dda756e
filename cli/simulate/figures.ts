/** What many seeds show together. Pure. */
import type { SeedFigures, StrategyFigures } from "./ledger.js";
import { STRATEGIES } from "./strategies.js";

/** A figure over the seeds. */
interface Spread {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

/** How a strategy fared. */
export interface StrategyOutcome {
  readonly name: string;
  readonly says: string;
  readonly isHonest: boolean;
  /** Part of the miners' emission that one operator earns. */
  readonly earned: Spread;
  /** ... as a multiple of what the honest one of equal effort earns, by the means; undefined where that earns nothing. */
  readonly timesEqual: number | undefined;
  /** Standard error of that, by what it is in each seed; 0 for one seed. */
  readonly timesError: number;
  /** Of its judgements so many of one that were a liar, a copy, verified. */
  readonly liar: number;
  readonly copy: number;
  readonly verified: number;
  readonly spotChecks: number;
  /** Part of its spot checks that called it a liar; undefined where there was none. */
  readonly caught: number | undefined;
}

/** Everything that is reported. */
export interface Outcome {
  readonly seeds: number;
  readonly epochs: number;
  readonly strategies: readonly StrategyOutcome[];
  readonly trust: SeedFigures["trust"];
  readonly trustAlone: SeedFigures["trust"];
  readonly honestEpochs: number;
  readonly accusedEpochs: number;
  readonly invariants: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

/** Adds up what the seeds gave. At least one. */
export function outcomeOf(seeds: readonly SeedFigures[]): Outcome {
  const of = (name: string): StrategyFigures[] =>
    seeds.flatMap(({ strategies }) => strategies.filter(({ strategy }) => strategy === name));
  const played = STRATEGIES.filter(({ name }) => of(name).length > 0);
  return {
    seeds: seeds.length,
    epochs: sum(seeds.map(({ epochs }) => epochs)),
    strategies: played.map(({ name, says, isHonest, equal }) => ({
      ...totalsOf(of(name)),
      name,
      says,
      isHonest,
      timesEqual: ratio(meanEarned(of(name)), meanEarned(of(equal))),
      timesError: errorOf(seeds.map((seed) => timesIn(seed, name, equal))),
    })),
    trust: meanTrust(seeds.map(({ trust }) => trust)),
    trustAlone: meanTrust(seeds.map(({ trustAlone }) => trustAlone)),
    honestEpochs: sum(seeds.map(({ honestEpochs }) => honestEpochs)),
    accusedEpochs: sum(seeds.map(({ accusedEpochs }) => accusedEpochs)),
    invariants: sum(seeds.map(({ invariants }) => invariants)),
  };
}

function meanTrust(trusts: readonly Outcome["trust"][]): Outcome["trust"] {
  const of = (kind: keyof Outcome["trust"]): number => mean(trusts.map((trust) => trust[kind]));
  return { honest: of("honest"), lazy: of("lazy"), colluding: of("colluding"), offline: of("offline") };
}

function meanEarned(figures: readonly StrategyFigures[]): number {
  return figures.length === 0 ? 0 : mean(figures.map(({ earned }) => earned));
}

/** How many times as much a strategy earned in one seed; 0 where the other earned nothing. */
function timesIn({ strategies }: SeedFigures, name: string, equal: string): number {
  const earned = (each: string): number => strategies.find(({ strategy }) => strategy === each)?.earned ?? 0;
  return ratio(earned(name), earned(equal)) ?? 0;
}

/** Standard error of a mean. */
function errorOf(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  return Math.sqrt(sum(values.map((value) => (value - middle) ** 2)) / (values.length - 1) / values.length);
}

function ratio(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}

function totalsOf(figures: readonly StrategyFigures[]) {
  const earned = figures.map((each) => each.earned);
  const total = (count: "judgements" | "liar" | "copy" | "verified" | "spotChecks" | "caught"): number =>
    sum(figures.map((each) => each[count]));
  const judgements = total("judgements");
  return {
    earned: { mean: mean(earned), min: Math.min(...earned), max: Math.max(...earned) },
    liar: ratio(total("liar"), judgements) ?? 0,
    copy: ratio(total("copy"), judgements) ?? 0,
    verified: ratio(total("verified"), judgements) ?? 0,
    spotChecks: total("spotChecks"),
    caught: ratio(total("caught"), total("spotChecks")),
  };
}
