/**
 * What the site knows of a home at one moment, and what can be asked of a stock of homes.
 */
import type { Listing } from "../../../gen/zipnet/v1/listing_pb.js";

/** A home at one moment. */
export interface Home {
  /** As the site shows it; `url` is only the path on the site, and the time of scraping is not set. */
  readonly listing: Listing;
  /** What was asked over time, oldest first; the first is the price at which it came on the market. */
  readonly priceHistory: readonly PricePoint[];
}

/** A price from a moment on. */
export interface PricePoint {
  readonly timeMs: number;
  readonly priceUsd: number;
}

/** A stock of homes, as a pure function of time. Times are unix milliseconds. */
export interface Homes {
  /** Zip codes that the site recommends for a catalogue, ascending. */
  zipCodes(): readonly string[];
  /** Homes on the market in a zip code, in the order in which the search shows them; all, or those from start up to end. */
  onMarket(zipCode: string, timeMs: number, start?: number, end?: number): readonly Home[];
  /** How many homes are on the market in a zip code. */
  countOnMarket(zipCode: string, timeMs: number): number;
  /** A home by its id, on the market or gone from it; undefined when there is none yet. */
  home(listingId: string, timeMs: number): Home | undefined;
  /** A zip code whose homes the site promotes in another one's search. */
  neighbour(zipCode: string): string;
}

/** Path of a home's detail page on the site. */
export function detailPath(listingId: string): string {
  return `/homedetails/${listingId}_zpid/`;
}

/** Milliseconds in a day. */
export const DAY_MS = 86_400_000;
