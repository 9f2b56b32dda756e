/** What a catalogue holds, and how much of it may be drawn by given rules. */
import type { Catalogue, CatalogueEntry, Rules } from "../gen/zipnet/v1/epoch_pb.js";
import { refusalOf } from "./draw/pool.js";

/** Zip codes, and the listings that they expect together. */
export interface Amount {
  readonly zipCodes: number;
  readonly listings: number;
}

/** What is in a part of the catalogue, and how much of that may be drawn. */
interface Part {
  readonly all: Amount;
  readonly eligible: Amount;
}

/** A catalogue in figures. */
export interface CatalogueStats extends Part {
  readonly refused: Readonly<Record<NonNullable<ReturnType<typeof refusalOf>>, Amount>>;
  /** The state with the most eligible listings first; equal ones by name. */
  readonly states: readonly (Part & { readonly state: string })[];
  /** By expectation: none, 1, 2 to 3, 4 to 7 and so on, up to the largest that there is. */
  readonly sizes: readonly (Part & { readonly least: number; readonly most: number })[];
}

type Counting = { -readonly [K in keyof Amount]: Amount[K] };

class PartCount implements Part {
  readonly all: Counting = { zipCodes: 0, listings: 0 };
  readonly eligible: Counting = { zipCodes: 0, listings: 0 };

  add({ expectedListings }: CatalogueEntry, isEligible: boolean): void {
    for (const amount of isEligible ? [this.all, this.eligible] : [this.all]) {
      amount.zipCodes += 1;
      amount.listings += expectedListings;
    }
  }
}

/** Counts. The cooldown plays no part: what is eligible here is what the draws of many epochs choose from. */
export function catalogueStats({ entries }: Catalogue, rules: Rules): CatalogueStats {
  const whole = new PartCount();
  const refused = { "too small": new PartCount(), "too large": new PartCount(), "other state": new PartCount() };
  const states = new Map<string, PartCount>();
  const sizes = new Map<number, PartCount>();
  for (const entry of entries) {
    const refusal = refusalOf(entry, rules);
    const size = 32 - Math.clz32(entry.expectedListings);
    for (const part of [whole, partOf(states, entry.state), partOf(sizes, size)])
      part.add(entry, refusal === undefined);
    if (refusal !== undefined) refused[refusal].add(entry, false);
  }
  const byListings = [...states].sort(
    ([a, { eligible: x }], [b, { eligible: y }]) => y.listings - x.listings || (a < b ? -1 : 1),
  );
  const largest = Math.max(0, ...sizes.keys());
  return {
    all: whole.all,
    eligible: whole.eligible,
    refused: {
      "too small": refused["too small"].all,
      "too large": refused["too large"].all,
      "other state": refused["other state"].all,
    },
    states: byListings.map(([state, { all, eligible }]) => ({ state, all, eligible })),
    sizes: Array.from({ length: largest + 1 }, (_, size) => {
      const { all, eligible } = sizes.get(size) ?? new PartCount();
      return { least: size === 0 ? 0 : 2 ** (size - 1), most: 2 ** size - 1, all, eligible };
    }),
  };
}

function partOf<K>(parts: Map<K, PartCount>, key: K): PartCount {
  const part = parts.get(key) ?? new PartCount();
  parts.set(key, part);
  return part;
}
