/** What changed from one catalogue to another. */
import { equals } from "@bufbuild/protobuf";
import { type Catalogue, type CatalogueEntry, CatalogueEntrySchema } from "../gen/zipnet/v1/epoch_pb.js";

/** A zip code whose expectation is another one. A zip code that one of them does not have expects nothing there. */
export interface ChangedEntry {
  readonly zipCode: string;
  /** Undefined: added. */
  readonly before: CatalogueEntry | undefined;
  /** Undefined: removed. */
  readonly after: CatalogueEntry | undefined;
  /** Listings after less listings before. */
  readonly change: number;
}

/** The difference of two catalogues. */
export interface CatalogueDiff {
  /** Added, removed, or with another expectation; the largest change first, equal ones by zip code. */
  readonly changed: readonly ChangedEntry[];
  /** Zip codes with the same expectation, but another source, day, place or calibration. */
  readonly sameListings: number;
  /** Zip codes that are the same in all. */
  readonly same: number;
}

/** Compares two catalogues. */
export function diffCatalogues(before: Catalogue, after: Catalogue): CatalogueDiff {
  const old = new Map(before.entries.map((entry) => [entry.zipCode, entry]));
  const changed: ChangedEntry[] = [];
  let [sameListings, same] = [0, 0];
  for (const entry of after.entries) {
    const { zipCode, expectedListings } = entry;
    const known = old.get(zipCode);
    old.delete(zipCode);
    const change = expectedListings - (known?.expectedListings ?? 0);
    if (known === undefined || change !== 0) changed.push({ zipCode, before: known, after: entry, change });
    else if (equals(CatalogueEntrySchema, known, entry)) same += 1;
    else sameListings += 1;
  }
  for (const [zipCode, entry] of old) {
    changed.push({ zipCode, before: entry, after: undefined, change: 0 - entry.expectedListings });
  }
  changed.sort((a, b) => Math.abs(b.change) - Math.abs(a.change) || (a.zipCode < b.zipCode ? -1 : 1));
  return { changed, sameListings, same };
}
