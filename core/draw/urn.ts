/** Taking entries out of an urn, one by one and without putting them back, each with the chance of its weight. */
import type { CatalogueEntry } from "../../gen/zipnet/v1/epoch_pb.js";
import type { RandomSequence } from "../random.js";
import { greatestCommonDivisor } from "./divisor.js";

/** An urn. The same entries, weights and random sequence give the same takes. */
export interface Urn {
  /** Puts everything back. */
  refill(): void;
  /** Takes an entry out; undefined when none is left. */
  take(): CatalogueEntry | undefined;
}

/** Entries of the same weight. Those that were taken out stand in front. */
interface Group {
  readonly weight: number;
  readonly entries: CatalogueEntry[];
  taken: number;
}

/**
 * An urn with the entries.
 *
 * Entries of the same weight form a group, in the order in which they come; groups ascend by weight, and the weights are
 * divided by their greatest common divisor. To take one, a number below the weight of all that is left is drawn. Each
 * group owns as many of these numbers as its left entries weigh together; the number's place among those of its group,
 * divided by the weight, rounded down, is the place of the entry among the group's left ones. The entry changes places
 * with the first left one. With one group these are the steps of a Fisher-Yates shuffle. Refilling leaves all entries
 * where they are: a random order of any order is random.
 *
 * @param weightOf whole numbers from 1; together at most 4,294,967,296.
 */
export function urnOf(
  entries: readonly CatalogueEntry[],
  weightOf: (entry: CatalogueEntry) => number,
  random: RandomSequence,
): Urn {
  const groups = groupsOf(entries, weightOf);
  const full = groups.reduce((sum, group) => sum + group.weight * group.entries.length, 0);
  let left = full;
  return {
    refill() {
      for (const group of groups) group.taken = 0;
      left = full;
    },
    take() {
      if (left === 0) return undefined;
      let ticket = random.below(left);
      for (const group of groups) {
        const owned = group.weight * (group.entries.length - group.taken);
        if (ticket < owned) {
          left -= group.weight;
          return takeFrom(group, Math.floor(ticket / group.weight));
        }
        ticket -= owned;
      }
      throw new RangeError(`the urn has weight ${left} left, but no entry for the number that was drawn`);
    },
  };
}

function groupsOf(entries: readonly CatalogueEntry[], weightOf: (entry: CatalogueEntry) => number): Group[] {
  const byWeight = new Map<number, CatalogueEntry[]>();
  let [weight, members]: [number, CatalogueEntry[]] = [0, []];
  for (const entry of entries) {
    // Mostly the weight is that of the entry before, so that nothing has to be looked up.
    if (weightOf(entry) !== weight) {
      weight = weightOf(entry);
      members = byWeight.get(weight) ?? [];
      byWeight.set(weight, members);
    }
    members.push(entry);
  }
  const divisor = [...byWeight.keys()].reduce(greatestCommonDivisor, 0);
  return [...byWeight]
    .sort(([a], [b]) => a - b)
    .map(([full, entriesOfIt]) => ({ weight: full / divisor, entries: entriesOfIt, taken: 0 }));
}

function takeFrom(group: Group, place: number): CatalogueEntry {
  const { entries, taken } = group;
  const picked = entries[taken + place] as CatalogueEntry;
  entries[taken + place] = entries[taken] as CatalogueEntry;
  entries[taken] = picked;
  group.taken += 1;
  return picked;
}
