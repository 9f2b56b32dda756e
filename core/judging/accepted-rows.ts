/**
 * What is kept of the accepted rows of a submission: enough to hold miners against each other, in columns, because a
 * validator holds millions of rows at once.
 */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { fnv1a } from "../hash.js";
import { byText } from "./apportion.js";

/** Stands where a row leaves a number out. */
const ABSENT = 0xffff_ffff;

/**
 * The accepted rows of one zip code, ascending by listing id; a row has the same index in every column. The hard facts
 * are those that do not change between two readings of a listing.
 */
export interface AcceptedRows {
  readonly ids: readonly string[];
  /** Hard fact: street, city, state and kind of home, hashed to 32 bits. */
  readonly places: Uint32Array;
  /** Hard fact. 4,294,967,295 where the row says nothing, here and below. */
  readonly bedrooms: Uint32Array;
  /** Hard fact, in thousandths. */
  readonly bathroomsMilli: Uint32Array;
  /** Hard fact. */
  readonly livingAreaSqft: Uint32Array;
  /** Hard fact. */
  readonly lotAreaSqft: Uint32Array;
  /** Kind of home, as in HomeType. Part of `places` too. */
  readonly homeTypes: Uint8Array;
  readonly priceUsd: Uint32Array;
  /** When the source last changed the price, unix seconds; 0 where the row says nothing. */
  readonly priceChangedS: Float64Array;
  /** When the row says it was read, unix milliseconds. */
  readonly scrapedMs: Float64Array;
}

const HARD_NUMBERS = ["bedrooms", "bathroomsMilli", "livingAreaSqft", "lotAreaSqft"] as const;

/** The columns of rows. Rows with one id stay in the order in which they are given. */
export function acceptedRows(listings: readonly Listing[]): AcceptedRows {
  const rows = listings.toSorted((a, b) => byText(a.listingId, b.listingId));
  const numbers = (valueOf: (row: Listing) => number | undefined): Uint32Array =>
    filled(new Uint32Array(rows.length), rows, (row) => valueOf(row) ?? ABSENT);
  const times = (valueOf: (row: Listing) => number): Float64Array =>
    filled(new Float64Array(rows.length), rows, valueOf);
  return {
    ids: rows.map((row) => row.listingId),
    places: numbers(placeOf),
    bedrooms: numbers((row) => row.bedrooms),
    bathroomsMilli: numbers((row) => (row.bathrooms === undefined ? undefined : Math.round(row.bathrooms * 1000))),
    livingAreaSqft: numbers((row) => row.livingAreaSqft),
    lotAreaSqft: numbers((row) => row.lotAreaSqft),
    homeTypes: filled(new Uint8Array(rows.length), rows, (row) => row.homeType),
    priceUsd: numbers((row) => row.priceUsd),
    priceChangedS: times((row) => (row.priceChangedTime === undefined ? 0 : Number(row.priceChangedTime.seconds))),
    scrapedMs: times((row) => (row.scrapedTime === undefined ? 0 : timestampMs(row.scrapedTime))),
  };
}

/** As TypedArray.from with a function, which takes several times as long. */
function filled<Column extends { [index: number]: number }>(
  column: Column,
  rows: readonly Listing[],
  valueOf: (row: Listing) => number,
): Column {
  for (const [i, row] of rows.entries()) column[i] = valueOf(row);
  return column;
}

/** The rows whose ids pass; `keeps` is asked once for each row, in order. */
export function rowsWhere(rows: AcceptedRows, keeps: (id: string) => boolean): AcceptedRows {
  const kept = rows.ids.map(keeps);
  if (!kept.includes(false)) return rows;
  const isKept = (_: unknown, index: number): boolean => kept[index] === true;
  return {
    ids: rows.ids.filter(isKept),
    places: rows.places.filter(isKept),
    homeTypes: rows.homeTypes.filter(isKept),
    bedrooms: rows.bedrooms.filter(isKept),
    bathroomsMilli: rows.bathroomsMilli.filter(isKept),
    livingAreaSqft: rows.livingAreaSqft.filter(isKept),
    lotAreaSqft: rows.lotAreaSqft.filter(isKept),
    priceUsd: rows.priceUsd.filter(isKept),
    priceChangedS: rows.priceChangedS.filter(isKept),
    scrapedMs: rows.scrapedMs.filter(isKept),
  };
}

/** Index of a listing, or -1. */
export function indexOfListing(rows: AcceptedRows, listingId: string): number {
  let [low, high] = [0, rows.ids.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows.ids[middle] ?? "") < listingId) low = middle + 1;
    else high = middle;
  }
  return rows.ids[low] === listingId ? low : -1;
}

/** Whether two rows of one listing agree on the hard facts, as far as both state them. */
export function hardFactsAgree(one: AcceptedRows, i: number, other: AcceptedRows, j: number): boolean {
  if (one.places[i] !== other.places[j]) return false;
  for (const column of HARD_NUMBERS) {
    const a = one[column][i];
    const b = other[column][j];
    if (a !== b && a !== ABSENT && b !== ABSENT) return false;
  }
  return true;
}

/** A row's living area, undefined where it says nothing. */
export function livingAreaOf(rows: AcceptedRows, i: number): number | undefined {
  const area = rows.livingAreaSqft[i];
  return area === ABSENT ? undefined : area;
}

/** A hash of what tells a home's place and kind, without letter case and runs of spaces. */
function placeOf(row: Listing): number {
  const text = `${row.streetAddress}\n${row.city}\n${row.state}\n${row.homeType}`;
  return fnv1a(text.replace(/ {2,}/g, " ").toUpperCase());
}
