/**
 * The home in a page's data, and the Listing that it makes. Search rows and detail pages lead through here, so that the
 * same home gives the same fields on both.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { z } from "zod";
import { HomeType, ListingSchema, ListingStatus } from "../../../gen/zipnet/v1/listing_pb.js";
import type { Listing } from "../../../gen/zipnet/v1/listing_pb.js";

const SQFT_PER_ACRE = 43_560;

/** Of a home, what a Listing needs. What a page leaves out or sets to null is absent. */
export const homeInfoSchema = z.object({
  zpid: z.union([z.number().int().positive(), z.string().regex(/^\d{1,20}$/)]),
  streetAddress: z.string().min(1),
  city: z.string().min(1),
  state: z.string().regex(/^[A-Z]{2}$/),
  zipcode: z.string().regex(/^\d{5}$/),
  price: z.number().nullish(),
  homeStatus: z.string(),
  homeType: z.string(),
  bedrooms: z.number().nullish(),
  bathrooms: z.number().nullish(),
  livingArea: z.number().nullish(),
  lotAreaValue: z.number().nullish(),
  /** On rows. */
  lotAreaUnit: z.string().nullish(),
  /** On detail pages. */
  lotAreaUnits: z.string().nullish(),
  latitude: z.number().nullish(),
  longitude: z.number().nullish(),
  taxAssessedValue: z.number().nullish(),
  daysOnZillow: z.number().nullish(),
  datePriceChanged: z.number().nullish(),
});

/** A home as it stands on a page. */
export type HomeInfo = z.infer<typeof homeInfoSchema>;

/** What a Listing needs beside the home itself. */
export interface ListingContext {
  readonly listingId: string;
  /** Address of the detail page. */
  readonly url: string;
  readonly priceUsd: number;
  readonly brokerName: string | null | undefined;
  /** Unix milliseconds. */
  readonly scrapedTimeMs: number;
}

/** An id in its one normal form: no leading zeros. */
export function normalId(zpid: string | number): string {
  return String(zpid).replace(/^0+(?=\d)/, "");
}

/** The Listing of a home; undefined when the home's status is one that this source does not know. */
export function toListing(info: HomeInfo, context: ListingContext): Listing | undefined {
  const status = statusOf(info.homeStatus);
  if (status === undefined) return undefined;
  const lotAreaSqft = lotSqft(info);
  return create(ListingSchema, {
    listingId: context.listingId,
    url: context.url,
    zipCode: info.zipcode,
    streetAddress: info.streetAddress,
    city: info.city,
    state: info.state,
    status,
    homeType: HOME_TYPES[info.homeType] ?? HomeType.OTHER,
    priceUsd: context.priceUsd,
    ...(isCount(info.bedrooms) && { bedrooms: Math.round(info.bedrooms) }),
    ...(isCount(info.bathrooms) && { bathrooms: info.bathrooms }),
    ...(isAmount(info.livingArea) && { livingAreaSqft: Math.round(info.livingArea) }),
    ...(lotAreaSqft !== undefined && { lotAreaSqft }),
    ...(typeof info.latitude === "number" && { latitude: info.latitude }),
    ...(typeof info.longitude === "number" && { longitude: info.longitude }),
    ...(isAmount(info.taxAssessedValue) && { taxAssessedValueUsd: Math.round(info.taxAssessedValue) }),
    ...(context.brokerName && { brokerName: context.brokerName }),
    // Sources write -1 for homes of which they do not know it.
    ...(isCount(info.daysOnZillow) && { daysOnMarket: Math.round(info.daysOnZillow) }),
    ...(isAmount(info.datePriceChanged) && { priceChangedTime: timestampFromMs(Math.round(info.datePriceChanged)) }),
    scrapedTime: timestampFromMs(context.scrapedTimeMs),
  });
}

/** A price in whole dollars from text such as "$634,500" or "$2,548+/mo"; undefined when there is none in it. */
export function priceFromText(text: string): number | undefined {
  const digits = /^\s*\$\s*(\d{1,3}(?:,\d{3})*|\d+)(?![\d.]*[KM])/i.exec(text)?.[1]?.replaceAll(",", "");
  return digits === undefined ? undefined : Number(digits);
}

const HOME_TYPES: Readonly<Record<string, HomeType>> = {
  SINGLE_FAMILY: HomeType.SINGLE_FAMILY,
  CONDO: HomeType.CONDO,
  TOWNHOUSE: HomeType.TOWNHOUSE,
  MULTI_FAMILY: HomeType.MULTI_FAMILY,
  MANUFACTURED: HomeType.MANUFACTURED,
  LOT: HomeType.LOT,
  APARTMENT: HomeType.APARTMENT,
};

function statusOf(homeStatus: string): ListingStatus | undefined {
  switch (homeStatus) {
    case "FOR_SALE":
      return ListingStatus.FOR_SALE;
    case "PENDING":
      return ListingStatus.PENDING;
    case "SOLD":
    case "RECENTLY_SOLD":
      return ListingStatus.SOLD;
    case "FOR_RENT":
      return ListingStatus.FOR_RENT;
    case "OTHER":
    case "OFF_MARKET":
    case "PRE_FORECLOSURE":
    case "FORECLOSED":
      return ListingStatus.OFF_MARKET;
    default:
      return undefined;
  }
}

/** The unit is given per home: square feet or acres. An unknown unit leaves the area out rather than guess. */
function lotSqft(info: HomeInfo): number | undefined {
  if (!isAmount(info.lotAreaValue)) return undefined;
  const unit = (info.lotAreaUnit ?? info.lotAreaUnits ?? "").toLowerCase();
  if (unit === "acres" || unit === "acre") return Math.round(info.lotAreaValue * SQFT_PER_ACRE) || undefined;
  return unit === "sqft" || unit === "square feet" ? Math.round(info.lotAreaValue) || undefined : undefined;
}

function isCount(value: number | null | undefined): value is number {
  return typeof value === "number" && value >= 0;
}

function isAmount(value: number | null | undefined): value is number {
  return typeof value === "number" && value > 0;
}
