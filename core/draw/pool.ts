/** Which zip codes may be drawn, and with which chances. */
import type { Catalogue, CatalogueEntry, Rules } from "../../gen/zipnet/v1/epoch_pb.js";

/** A catalogue as the rules see it. Made once, it serves the draws of many epochs. */
export interface DrawPool {
  readonly catalogue: Catalogue;
  readonly rules: Rules;
  /** The entries that the rules allow, those in cooldown included, ascending by zip code. */
  readonly allowed: readonly CatalogueEntry[];
  /** Weight of an entry against the others, a whole number from 1 to 10,000. */
  readonly weightOf: (entry: CatalogueEntry) => number;
}

/** Weight of the zip codes of a state that the rules do not list. */
const USUAL_PERCENT = 100;

/** Number of the epoch in which each zip code was drawn last. A zip code that is missing was never drawn. */
export type LastDrawn = ReadonlyMap<string, number>;

/** The pool of a catalogue under valid rules. The order of the catalogue's entries does not matter. */
export function drawPool(catalogue: Catalogue, rules: Rules): DrawPool {
  const allowed = catalogue.entries.filter((entry) => refusalOf(entry, rules) === undefined);
  allowed.sort((a, b) => (a.zipCode < b.zipCode ? -1 : 1));
  const percents = new Map(rules.stateWeights.map(({ state, weightPercent }) => [state, weightPercent]));
  const weightOf = (entry: CatalogueEntry): number => percents.get(entry.state) ?? USUAL_PERCENT;
  return { catalogue, rules, allowed, weightOf: percents.size === 0 ? () => USUAL_PERCENT : weightOf };
}

/** The rule that keeps a zip code from ever being drawn; undefined where none does. */
export function refusalOf(entry: CatalogueEntry, rules: Rules): "too small" | "too large" | "other state" | undefined {
  if (entry.expectedListings < rules.minExpectedListings) return "too small";
  if (entry.expectedListings > rules.maxExpectedListings) return "too large";
  const { includeStates, excludeStates } = rules;
  const isIncluded = includeStates.length === 0 || includeStates.includes(entry.state);
  return isIncluded && !excludeStates.includes(entry.state) ? undefined : "other state";
}

/** The pool's entries that are in no cooldown for the epoch `number`, ascending by zip code. */
export function eligibleEntries({ allowed, rules }: DrawPool, number: number, lastDrawn: LastDrawn): CatalogueEntry[] {
  return allowed.filter(({ zipCode }) => {
    const last = lastDrawn.get(zipCode);
    return last === undefined || number - last > rules.cooldownEpochs;
  });
}
