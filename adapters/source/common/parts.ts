/**
 * How a search that has more results than its source shows is cut into narrower ones: by price, then by place. Pure.
 */

/** The dearest home that a Listing can hold, in US dollars. */
const MAX_PRICE_USD = 4_294_967_295;

/** A piece of the map with its edges, in millionths of a degree, north and east positive. */
export interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

const WORLD: Bounds = { west: -180_000_000, south: -90_000_000, east: 180_000_000, north: 90_000_000 };

/** A part of a zip code's homes, small enough to be asked for by filters. */
export interface Part {
  /** Least price in US dollars; 0 also takes in homes without one. */
  readonly minPriceUsd: number;
  /** Greatest price in US dollars; absent for none. */
  readonly maxPriceUsd?: number;
  /** Absent: wherever they stand, and those that stand nowhere on the map. */
  readonly bounds?: Bounds;
}

/** All homes of a zip code. */
export const WHOLE: Part = { minPriceUsd: 0 };

/**
 * Narrower parts that together hold what the part holds, but for homes that are not on the map where it is cut by
 * place. Empty when a part cannot be cut: one price at one point. Price bands share nothing; pieces of the map share
 * their edges, so that no position falls between two.
 *
 * @param around where the homes probably stand. It makes the search shorter; when it is wrong nothing is missed.
 */
export function partsOf(part: Part, around?: Bounds): Part[] {
  const { minPriceUsd, maxPriceUsd, bounds } = part;
  const top = maxPriceUsd ?? MAX_PRICE_USD;
  if (minPriceUsd < top) {
    const middle = middlePrice(minPriceUsd, top);
    return [
      { ...part, maxPriceUsd: middle },
      { ...part, minPriceUsd: middle + 1 },
    ];
  }
  const pieces = bounds === undefined ? beginningWith(around) : halves(bounds);
  return pieces.map((piece) => ({ ...part, bounds: piece }));
}

/** Prices spread by ratios, so the geometric middle; at least the lower and less than the upper price. */
function middlePrice(low: number, high: number): number {
  const middle = Math.floor(Math.sqrt(low + 1) * Math.sqrt(high + 1)) - 1;
  return Math.min(Math.max(middle, low), high - 1);
}

/** The pieces of the world, the one where the homes probably stand before the strips around it. */
function beginningWith(around: Bounds | undefined): Bounds[] {
  if (around === undefined) return halves(WORLD);
  const { west, south, east, north } = around;
  const strips = [
    { ...WORLD, south: north },
    { ...WORLD, north: south },
    { ...around, west: WORLD.west, east: west },
    { ...around, west: east, east: WORLD.east },
  ];
  return [around, ...strips].filter((piece) => piece.west < piece.east && piece.south < piece.north);
}

/** The two halves of a piece along its longer side; none of a piece that is one millionth of a degree wide and high. */
function halves(bounds: Bounds): Bounds[] {
  const { west, south, east, north } = bounds;
  const [wide, high] = [east - west, north - south];
  if (Math.max(wide, high) <= 1) return [];
  if (wide >= high) {
    const middle = west + Math.floor(wide / 2);
    return [
      { ...bounds, east: middle },
      { ...bounds, west: middle },
    ];
  }
  const middle = south + Math.floor(high / 2);
  return [
    { ...bounds, north: middle },
    { ...bounds, south: middle },
  ];
}

/** Whether a position lies in a piece of the map, to a millionth of a degree. */
export function isWithin(bounds: Bounds, latitude: number, longitude: number): boolean {
  const [y, x] = [latitude * 1e6, longitude * 1e6];
  return x >= bounds.west - 1 && x <= bounds.east + 1 && y >= bounds.south - 1 && y <= bounds.north + 1;
}

/** A part in words, for messages: "from $0 to $65,535". */
export function partText({ minPriceUsd, maxPriceUsd, bounds }: Part): string {
  const prices = maxPriceUsd === undefined ? `from $${minPriceUsd}` : `from $${minPriceUsd} to $${maxPriceUsd}`;
  if (bounds === undefined) return prices;
  const { west, south, east, north } = bounds;
  return `${prices} between ${south / 1e6}, ${west / 1e6} and ${north / 1e6}, ${east / 1e6}`;
}
