/**
 * A listing's own page: linked data (JSON-LD) in its HTML, from there to a Listing.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { z } from "zod";
import { type Listing, HomeType, ListingSchema } from "../../../gen/zipnet/v1/listing_pb.js";
import { jsonOf, shaped, sourceChanged } from "../common/source-changed.js";
import { homeUrl } from "./addresses.js";
import { HOME_TYPES, STATUSES } from "./words.js";

const SCRIPT = /<script\b[^>]*\btype=["']application\/ld\+json["'][^>]*>([\s\S]*?)<\/script\s*>/i;

/** Square feet, in the unit codes of trade. */
const areaSchema = z.object({ value: z.number().nonnegative(), unitCode: z.literal("FTK") });

const homeSchema = z.object({
  sku: z.string().regex(/^\d{1,20}$/),
  offers: z.object({ price: z.number().positive(), priceCurrency: z.literal("USD") }),
  additionalProperty: z.array(z.object({ name: z.string(), value: z.union([z.string(), z.number()]) })),
  mainEntity: z.object({
    accommodationCategory: z.string(),
    address: z.object({
      streetAddress: z.string().min(1),
      addressLocality: z.string().min(1),
      addressRegion: z.string().regex(/^[A-Z]{2}$/),
      postalCode: z.string().regex(/^\d{5}(-\d{4})?$/),
    }),
    numberOfBedrooms: z.number().nonnegative().optional(),
    numberOfBathroomsTotal: z.number().nonnegative().optional(),
    floorSize: areaSchema.optional(),
    lotSize: areaSchema.optional(),
    geo: z.object({ latitude: z.number(), longitude: z.number() }).optional(),
  }),
});

/** What is known of a page before it is read. */
export interface HomePageContext {
  readonly origin: string;
  /** In its normal form. */
  readonly listingId: string;
  /** Address of the page. */
  readonly url: string;
  /** Unix milliseconds. */
  readonly scrapedTimeMs: number;
}

/** Takes a page apart. Throws SOURCE_CHANGED naming the path that is not as expected, also when it is another home's page. */
export function readHomePage(html: string, context: HomePageContext): Listing {
  const { url, origin, listingId, scrapedTimeMs } = context;
  const text = SCRIPT.exec(html)?.[1];
  if (text === undefined) throw sourceChanged(url, "script[type=application/ld+json]", "is missing");
  const home = shaped(homeSchema, jsonOf(text, url, "script[type=application/ld+json]"), url, "");
  if (home.sku.replace(/^0+(?=\d)/, "") !== listingId) {
    throw sourceChanged(url, "sku", `is ${home.sku}, but ${listingId} was asked for`);
  }
  const { mainEntity, offers } = home;
  const { address, geo } = mainEntity;
  const property = (name: string): string | number | undefined =>
    home.additionalProperty.find((candidate) => candidate.name === name)?.value;
  const status = STATUSES.get(String(property("STATUS")));
  if (status === undefined) {
    throw sourceChanged(url, "additionalProperty.STATUS", `is "${property("STATUS")}", which is not known`);
  }
  const days = property("DAYS ON MARKET");
  return create(ListingSchema, {
    listingId,
    url: homeUrl(origin, listingId),
    zipCode: address.postalCode.slice(0, 5),
    streetAddress: address.streetAddress,
    city: address.addressLocality,
    state: address.addressRegion,
    status,
    homeType: HOME_TYPES.get(mainEntity.accommodationCategory) ?? HomeType.OTHER,
    priceUsd: Math.round(offers.price),
    ...(mainEntity.numberOfBedrooms !== undefined && { bedrooms: mainEntity.numberOfBedrooms }),
    ...(mainEntity.numberOfBathroomsTotal !== undefined && { bathrooms: mainEntity.numberOfBathroomsTotal }),
    ...(mainEntity.floorSize && { livingAreaSqft: mainEntity.floorSize.value }),
    ...(mainEntity.lotSize && { lotAreaSqft: mainEntity.lotSize.value }),
    ...(geo && { latitude: geo.latitude, longitude: geo.longitude }),
    ...(typeof days === "number" && { daysOnMarket: days }),
    scrapedTime: timestampFromMs(scrapedTimeMs),
  });
}
