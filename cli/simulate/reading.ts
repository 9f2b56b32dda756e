/** Reading the source costs time: so many listings an hour. */
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { chanceOf } from "./chance.js";
import { type Home, type MarketZip, type World, factsOf, pageOf } from "./world.js";

/** Listings on one page of results; its rows are read at one moment. */
const PAGE_LISTINGS = 10;
/** What the network adds to a page, at most. */
const PAGE_JITTER_MS = 400;
/** Of 10,000 pages so many give a row without a field that the source shows: it was cut off, or not understood. */
const CUT_PAGE_BPS = 500;

/** Rows by zip code. */
export type Rows = ReadonlyMap<string, readonly Listing[]>;

/** What somebody reads, and how. */
export interface Reading {
  readonly world: World;
  readonly zips: readonly MarketZip[];
  readonly fromMs: number;
  /** Nothing is read from here on. */
  readonly untilMs: number;
  readonly listingsPerHour: number;
  /** How far the reader's clock is ahead. */
  readonly skewMs: number;
  /** Seeds what goes wrong while reading. */
  readonly luck: string;
  /** A row in place of a home that is not read; undefined reads it. */
  readonly instead?: (home: Home, timeMs: number) => Listing | undefined;
}

/** Reads zip codes one after the other. */
export function readZips(reading: Reading): { readonly rows: Rows; readonly doneMs: number } {
  const { world, zips, untilMs, skewMs, instead } = reading;
  const msPerListing = 3_600_000 / reading.listingsPerHour;
  const luck = chanceOf(reading.luck, "reading");
  const rows = new Map<string, Listing[]>();
  let nowMs = reading.fromMs;
  for (const zip of zips) {
    const found: Listing[] = [];
    const homes = world.listed(zip, Math.round(nowMs));
    for (let first = 0; first < homes.length && nowMs < untilMs; first += PAGE_LISTINGS) {
      nowMs += luck.below(PAGE_JITTER_MS);
      const timeMs = Math.round(nowMs);
      const cut = luck.happens(CUT_PAGE_BPS) ? homes[first + luck.below(PAGE_LISTINGS)] : undefined;
      for (const home of homes.slice(first, first + PAGE_LISTINGS)) {
        const other = instead?.(home, timeMs);
        if (other === undefined) nowMs += msPerListing;
        const row = other ?? pageOf(home, timeMs, skewMs);
        if (row !== undefined) found.push(home === cut ? withoutArea(row) : row);
      }
    }
    if (nowMs < untilMs || found.length > 0) rows.set(zip.zipCode, found);
  }
  return { rows, doneMs: Math.round(nowMs) };
}

function withoutArea(row: Listing): Listing {
  const cut = { ...row };
  delete cut.livingAreaSqft;
  return cut;
}

/** A row that looks like any other, of a home that nobody offers. */
export function inventedRow(zipCode: string, name: string, like: Pick<Listing, "scrapedTime">): Listing {
  const chance = chanceOf("invented", zipCode, name);
  // Ids of real homes end in small generations; these never meet one.
  const id = String(Number(zipCode) * 1_000_000 + chance.below(1_000) * 1_000 + chance.between(500, 999));
  return {
    ...factsOf(chance, id, zipCode),
    ...(like.scrapedTime === undefined ? {} : { scrapedTime: like.scrapedTime }),
  };
}
