/**
 * What can be said of one submitted listing without asking anybody.
 */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { HomeType, type Listing, ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import { violationsOf } from "../constraints.js";

/** How far a miner's clock may be from the server's before a time in a row counts as impossible, in milliseconds. */
export const CLOCK_TOLERANCE_MS = 300_000;

const HOUR_MS = 3_600_000;

/**
 * How long after the moment that a source gives for a change of price it can have been, in milliseconds: a day where the
 * moment is a full hour, because some sources know only the day and give its start, in some time zone.
 */
export function vaguenessMs(changedMs: number): number {
  return changedMs % HOUR_MS === 0 ? 24 * HOUR_MS : CLOCK_TOLERANCE_MS;
}

const DWELLING = ["bedrooms", "bathrooms", "livingAreaSqft"] as const;
const POSITION = ["latitude", "longitude"] as const;

type OptionalField = (typeof DWELLING)[number] | (typeof POSITION)[number] | "lotAreaSqft";

/** Optional fields that a source shows of practically every home of a kind, and their names in Listing. */
const EXPECTED_FIELDS: Readonly<Record<HomeType, readonly OptionalField[]>> = {
  [HomeType.UNSPECIFIED]: POSITION,
  [HomeType.SINGLE_FAMILY]: [...DWELLING, "lotAreaSqft", ...POSITION],
  [HomeType.CONDO]: [...DWELLING, ...POSITION],
  [HomeType.TOWNHOUSE]: [...DWELLING, ...POSITION],
  [HomeType.MULTI_FAMILY]: [...DWELLING, ...POSITION],
  [HomeType.MANUFACTURED]: [...DWELLING, ...POSITION],
  [HomeType.LOT]: ["lotAreaSqft", ...POSITION],
  [HomeType.APARTMENT]: [...DWELLING, ...POSITION],
  [HomeType.OTHER]: POSITION,
};

const FIELD_NAMES: Readonly<Record<OptionalField, string>> = {
  bedrooms: "bedrooms",
  bathrooms: "bathrooms",
  livingAreaSqft: "living_area_sqft",
  lotAreaSqft: "lot_area_sqft",
  latitude: "latitude",
  longitude: "longitude",
};

/** How complete a listing is, by the fields that its kind of home has. */
export interface Completeness {
  /** Names of the missing fields, as in Listing. */
  readonly missing: readonly string[];
  /** Present part of the expected fields, 0 to 10,000 basis points. */
  readonly presentBps: number;
}

const COMPLETE: Completeness = { missing: [], presentBps: 10_000 };

/** Which of the fields that its kind of home has a listing lacks. */
export function completenessOf(listing: Listing): Completeness {
  const expected = EXPECTED_FIELDS[listing.homeType] ?? POSITION;
  if (expected.every((field) => listing[field] !== undefined)) return COMPLETE;
  const missing = expected.filter((field) => listing[field] === undefined);
  const presentBps = Math.floor((10_000 * (expected.length - missing.length)) / expected.length);
  return { missing: missing.map((field) => FIELD_NAMES[field]), presentBps };
}

/** The moments between which a row of a submission can have been read, in unix milliseconds. */
export interface ReadingWindow {
  /** The epoch's start. */
  readonly startMs: number;
  /** The receipt's time. */
  readonly receivedMs: number;
}

/**
 * Why no listing can be like this, or undefined when one can. The bounds are wide on purpose: they catch values that
 * are broken, not homes that are unusual.
 */
export function implausibleBecause(listing: Listing, window: ReadingWindow): string | undefined {
  const broken = brokenRule(listing);
  if (broken !== undefined) return broken;
  const outside = NUMBER_BOUNDS.find(([field, min, max]) => {
    const value = listing[field];
    return value !== undefined && !(value >= min && value <= max);
  });
  if (outside !== undefined) return `${outside[3]} is ${listing[outside[0]]}, outside ${outside[1]} to ${outside[2]}`;
  if ((listing.latitude === undefined) !== (listing.longitude === undefined)) return "half a position";
  return impossibleReadingTime(listing, window);
}

/** United States with Alaska, Hawaii and the territories, generously. */
const NUMBER_BOUNDS = [
  ["priceUsd", 1, 2_000_000_000, "price_usd"],
  ["bedrooms", 0, 200, "bedrooms"],
  ["bathrooms", 0, 200, "bathrooms"],
  ["livingAreaSqft", 50, 1_000_000, "living_area_sqft"],
  ["lotAreaSqft", 1, 4_294_967_295, "lot_area_sqft"],
  ["latitude", -15, 72, "latitude"],
  ["longitude", -180, 180, "longitude"],
] as const;

function brokenRule(listing: Listing): string | undefined {
  const [violation] = violationsOf(ListingSchema, listing);
  return violation === undefined ? undefined : `${violation.field} ${violation.description}`.slice(0, 300);
}

function impossibleReadingTime(listing: Listing, window: ReadingWindow): string | undefined {
  if (listing.scrapedTime === undefined) return "scraped_time is not given";
  const scrapedMs = timestampMs(listing.scrapedTime);
  if (scrapedMs < window.startMs - CLOCK_TOLERANCE_MS) return "scraped_time is before the epoch's start";
  if (scrapedMs > window.receivedMs + CLOCK_TOLERANCE_MS) return "scraped_time is after the receipt";
  const changedMs = listing.priceChangedTime === undefined ? undefined : timestampMs(listing.priceChangedTime);
  if (changedMs !== undefined && changedMs > scrapedMs + vaguenessMs(changedMs)) {
    return "price_changed_time is after scraped_time";
  }
  return undefined;
}
