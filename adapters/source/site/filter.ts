/**
 * Searches of the site that are narrowed by price and by a piece of the map.
 */
import type { Home } from "./home.js";
import { placeOf } from "./place-of.js";

/** A piece of the map in degrees, its edges included. */
export interface MapBounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** What a home must be to be a result. What is absent narrows nothing. */
export interface HomeFilter {
  readonly minPriceUsd?: number | undefined;
  readonly maxPriceUsd?: number | undefined;
  readonly bounds?: MapBounds | undefined;
}

/** Half the width and height of the piece of the map that is shown with a zip code, in degrees. */
const MAP_RADIUS_DEGREES = 0.05;

/** Whether a home is a result of a search. */
export function passes({ minPriceUsd = 0, maxPriceUsd = Infinity, bounds }: HomeFilter, { listing }: Home): boolean {
  if (listing.priceUsd < minPriceUsd || listing.priceUsd > maxPriceUsd) return false;
  if (bounds === undefined) return true;
  const { latitude, longitude } = listing;
  if (latitude === undefined || longitude === undefined) return false;
  const { west, south, east, north } = bounds;
  return longitude >= west && longitude <= east && latitude >= south && latitude <= north;
}

/** The piece of the map that is shown with a zip code; some of its homes may stand outside. */
export function boundsAround(zipCode: string): MapBounds {
  const { latitude, longitude } = placeOf(zipCode);
  return {
    west: longitude - MAP_RADIUS_DEGREES,
    south: latitude - MAP_RADIUS_DEGREES,
    east: longitude + MAP_RADIUS_DEGREES,
    north: latitude + MAP_RADIUS_DEGREES,
  };
}

/** The filter in an address as sites of the Zillow shape write it; undefined for none. What cannot be read narrows nothing, as there. */
export function queryStateFilter(query: URLSearchParams): HomeFilter | undefined {
  const text = query.get("searchQueryState");
  if (text === null) return undefined;
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch {
    return undefined;
  }
  const price = valueAt(valueAt(state, "filterState"), "price");
  const bounds = valueAt(state, "mapBounds");
  return {
    minPriceUsd: numberAt(price, "min"),
    maxPriceUsd: numberAt(price, "max"),
    bounds: boundsOf((side) => numberAt(bounds, side)),
  };
}

/** The filter in an address as sites with an export write it: min_price, max_price and the edges of the map. */
export function plainFilter(query: URLSearchParams): HomeFilter {
  const number = (name: string): number | undefined => {
    const text = query.get(name);
    return text !== null && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
  };
  return { minPriceUsd: number("min_price"), maxPriceUsd: number("max_price"), bounds: boundsOf(number) };
}

function boundsOf(edge: (side: keyof MapBounds) => number | undefined): MapBounds | undefined {
  const [west, south, east, north] = [edge("west"), edge("south"), edge("east"), edge("north")];
  if (west === undefined || south === undefined || east === undefined || north === undefined) return undefined;
  return { west, south, east, north };
}

function valueAt(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function numberAt(value: unknown, name: string): number | undefined {
  const found = valueAt(value, name);
  return typeof found === "number" ? found : undefined;
}
