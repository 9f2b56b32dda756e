/** What many simulated draws show about a pool and its rules, for whoever chooses the rules. */
import type { CatalogueEntry } from "../../gen/zipnet/v1/epoch_pb.js";
import { sumOf } from "./band.js";
import { ATTEMPTS, type DrawResult, type Drawn } from "./draw.js";
import { type FreshPart, READY_PERCENTS, averagePart, freshParts } from "./fresh.js";
import { type DrawPool, eligibleEntries } from "./pool.js";
import { type Simulation, simulateDraws } from "./simulate.js";

/** Smallest, middle and largest of some numbers; 0 where there are none. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Zip codes and their expected listings. */
interface Amount {
  readonly zipCodes: number;
  readonly listings: number;
}

/** The figures. */
export interface Figures {
  readonly epochs: number;
  /** Draws that landed in the band; the others had no set that could. */
  readonly landed: number;
  /** Draws that landed in the first attempt, and draws that the search for a set had to find. */
  readonly landedAtOnce: number;
  readonly searched: number;
  /** Why the first draw that missed did; empty where none did. */
  readonly problem: string;
  /** What the rules allow. */
  readonly pool: Amount;
  /** Expected listings of a draw. */
  readonly listings: Spread;
  /** Zip codes of a draw. */
  readonly zipCodes: Spread;
  /** How often a zip code was drawn: in short, by zip code, and how many zip codes were drawn so often, ascending. */
  readonly timesDrawn: Spread;
  readonly timesByZipCode: ReadonlyMap<string, number>;
  readonly histogram: readonly { readonly times: number; readonly zipCodes: number }[];
  /** Zip codes that were drawn at least once. */
  readonly visitedZipCodes: number;
  /** Epochs until so much of the pool had been drawn; undefined where it took longer than was simulated. */
  readonly visited: readonly { readonly percent: number; readonly epochs: number | undefined }[];
  /** What a pre-scraper must keep fresh, on average once the cooldown is full. */
  readonly fresh: readonly FreshPart[];
  /** What the rules allow in every state, and what was drawn there, repeats counted; ascending by state. */
  readonly states: readonly { readonly state: string; readonly pool: Amount; readonly drawn: Amount }[];
}

/** Epochs from one to the next of which is looked at what to keep fresh: it changes little in between. */
const FRESH_EVERY = 10;
const VISITED_PERCENTS = [50, 90, 99, 100] as const;

/** Simulates the epochs one by one: it yields after each, so that its caller can show progress. */
export function* simulationFigures(simulation: Simulation): Generator<void, Figures> {
  const { pool, first, epochs } = simulation;
  const lastDrawn = new Map(simulation.lastDrawn);
  const steadyFrom = first + Math.min(pool.rules.cooldownEpochs, epochs - 1);
  const results: DrawResult[] = [];
  const fresh: (readonly FreshPart[])[] = [];
  let problem = "";
  for (const { number, result } of simulateDraws(simulation)) {
    results.push(result);
    if (result.ok) {
      if (number >= steadyFrom && (number - steadyFrom) % FRESH_EVERY === 0) {
        fresh.push(freshParts(eligibleEntries(pool, number, lastDrawn), pool.weightOf, result.zipCodes));
      }
      for (const { zipCode } of result.zipCodes) lastDrawn.set(zipCode, number);
    } else if (problem === "") problem = result.explain();
    yield;
  }
  return { epochs, problem, ...landedFigures(results), ...poolFigures(pool, results), fresh: averages(fresh) };
}

function landedFigures(results: readonly DrawResult[]) {
  const landed = results.filter((result) => result.ok);
  return {
    landed: landed.length,
    landedAtOnce: landed.filter(({ attempts }) => attempts === 1).length,
    searched: landed.filter(({ attempts }) => attempts > ATTEMPTS).length,
    listings: spreadOf(landed.map(({ expectedListings }) => expectedListings)),
    zipCodes: spreadOf(landed.map(({ zipCodes }) => zipCodes.length)),
  };
}

function poolFigures(pool: DrawPool, results: readonly DrawResult[]) {
  const times = new Map(pool.allowed.map((entry) => [entry.zipCode, 0]));
  const visitedAfter: number[] = [];
  results.forEach((result, i) => {
    for (const { zipCode } of result.ok ? result.zipCodes : []) {
      const before = times.get(zipCode) ?? 0;
      times.set(zipCode, before + 1);
      if (before === 0) visitedAfter.push(i + 1);
    }
  });
  const counts = [...times.values()];
  const histogram = [...groupBy(counts, String)].map(([value, of]) => ({ times: Number(value), zipCodes: of.length }));
  return {
    pool: amountOf(pool.allowed),
    timesDrawn: spreadOf(counts),
    timesByZipCode: times,
    histogram: histogram.sort((a, b) => a.times - b.times),
    visitedZipCodes: visitedAfter.length,
    visited: VISITED_PERCENTS.map((percent) => ({
      percent,
      epochs: visitedAfter[Math.max(1, Math.ceil((pool.allowed.length * percent) / 100)) - 1],
    })),
    states: statesOf(
      pool,
      results.filter((result) => result.ok),
    ),
  };
}

function statesOf(pool: DrawPool, landed: readonly Drawn[]): Figures["states"] {
  const drawn = groupBy(
    landed.flatMap(({ zipCodes }) => zipCodes),
    ({ state }) => state,
  );
  return [...groupBy(pool.allowed, ({ state }) => state)]
    .map(([state, entries]) => ({ state, pool: amountOf(entries), drawn: amountOf(drawn.get(state) ?? []) }))
    .sort((a, b) => (a.state < b.state ? -1 : 1));
}

function averages(fresh: readonly (readonly FreshPart[])[]): FreshPart[] {
  return READY_PERCENTS.flatMap((_, i) => averagePart(fresh.flatMap((parts) => parts[i] ?? [])) ?? []);
}

function amountOf(entries: readonly CatalogueEntry[]): Amount {
  return { zipCodes: entries.length, listings: sumOf(entries) };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { min: sorted[0] ?? 0, median: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
}
