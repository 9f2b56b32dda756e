/**
 * What someone must keep scraped beforehand to have part of an epoch's listings ready when it opens: the zip codes that
 * could be drawn, those with the best chance first, and of equal chance the largest first.
 */
import type { CatalogueEntry } from "../../gen/zipnet/v1/epoch_pb.js";
import { sumOf } from "./band.js";

/** The part that must be kept fresh. */
export interface FreshPart {
  /** Part of an epoch's listings that is to be ready, in percent. */
  readonly readyPercent: number;
  /** Zip codes to keep fresh, and their listings. */
  readonly zipCodes: number;
  readonly listings: number;
  /** Part of all listings that could be drawn, in percent. */
  readonly poolPercent: number;
  /** Part of the epoch's listings that was ready indeed, in percent. */
  readonly measuredPercent: number;
}

/** Parts of an epoch that are looked at, in percent. */
export const READY_PERCENTS = [10, 25, 50, 75, 90] as const;

/** What to keep fresh of the eligible entries for each of READY_PERCENTS, and how ready the drawn ones would have been. */
export function freshParts(
  eligible: readonly CatalogueEntry[],
  weightOf: (entry: CatalogueEntry) => number,
  drawn: readonly CatalogueEntry[],
): FreshPart[] {
  const ranked = eligible.toSorted((a, b) => weightOf(b) - weightOf(a) || b.expectedListings - a.expectedListings);
  const worthOf = (entry: CatalogueEntry): number => weightOf(entry) * entry.expectedListings;
  const worth = ranked.reduce((sum, entry) => sum + worthOf(entry), 0);
  const [all, ofEpoch] = [sumOf(eligible), sumOf(drawn)];
  const isDrawn = new Set(drawn);
  let [zipCodes, listings, kept, ready] = [0, 0, 0, 0];
  return READY_PERCENTS.map((readyPercent) => {
    for (; kept * 100 < worth * readyPercent; zipCodes += 1) {
      const entry = ranked[zipCodes] as CatalogueEntry;
      kept += worthOf(entry);
      listings += entry.expectedListings;
      if (isDrawn.has(entry)) ready += entry.expectedListings;
    }
    const [poolPercent, measuredPercent] = [(100 * listings) / all, (100 * ready) / ofEpoch];
    return { readyPercent, zipCodes, listings, poolPercent, measuredPercent };
  });
}

/** The average of the same part over several epochs; undefined where there are none. */
export function averagePart(parts: readonly FreshPart[]): FreshPart | undefined {
  const [first] = parts;
  if (first === undefined) return undefined;
  const mean = (of: (part: FreshPart) => number): number =>
    parts.reduce((sum, part) => sum + of(part), 0) / parts.length;
  return {
    readyPercent: first.readyPercent,
    zipCodes: Math.round(mean((part) => part.zipCodes)),
    listings: Math.round(mean((part) => part.listings)),
    poolPercent: mean((part) => part.poolPercent),
    measuredPercent: mean((part) => part.measuredPercent),
  };
}
