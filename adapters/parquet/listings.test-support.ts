/**
 * Listings for the tests of files.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { HomeType, ListingSchema, ListingStatus } from "../../gen/zipnet/v1/listing_pb.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";

/** What the tests' files say of themselves. */
export const HEAD = { epochId: "20261122T120000Z", nonce: "a".repeat(32), hotkey: "5Grw", zipCode: "02169" };

/** A plain listing; the number tells it apart. */
export function plainListing(number: number): Listing {
  return create(ListingSchema, {
    listingId: String(1_000_000 + number),
    url: `http://127.0.0.1/homedetails/${1_000_000 + number}_zpid/`,
    zipCode: "02169",
    streetAddress: `${number} Main St`,
    city: "Quincy",
    state: "MA",
    status: ListingStatus.FOR_SALE,
    homeType: HomeType.CONDO,
    priceUsd: 300_000 + number * 100,
    ...(number % 3 > 0 && { bedrooms: number % 7, bathrooms: (number % 9) / 4 }),
    scrapedTime: timestampFromMs(1_795_000_000_000 + number),
  });
}

/** So many plain listings, numbered from 0. */
export function plainListings(count: number): Listing[] {
  return Array.from({ length: count }, (_, number) => plainListing(number));
}
