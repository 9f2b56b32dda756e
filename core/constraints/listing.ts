/** Constraints of zipnet/v1/listing.proto. */
import { HomeType, ListingSchema, ListingStatus } from "../../gen/zipnet/v1/listing_pb.js";
import { decimal, every, form, integer, moment, optional, required, specified, text } from "./combinators.js";
import { state, zipCode } from "./common.js";
import { constraintsOn } from "./message.js";

const webAddress = form(/^https?:\/\/[^\s/]\S*$/, "be an http or https address");

/** Listing. */
export const listing = constraintsOn(ListingSchema, {
  listingId: form(/^(0|[1-9]\d{0,19})$/, "be 1 to 20 digits without leading zeros"),
  url: every(webAddress, text(1, 500)),
  zipCode,
  streetAddress: text(1, 300),
  city: text(1, 100),
  state,
  status: specified(ListingStatus),
  homeType: specified(HomeType),
  priceUsd: integer(1),
  bedrooms: optional(integer(0, 1_000)),
  bathrooms: optional(decimal(0, 1_000)),
  livingAreaSqft: optional(integer(1, 10_000_000)),
  lotAreaSqft: optional(integer(0)),
  latitude: optional(decimal(-90, 90)),
  longitude: optional(decimal(-180, 180)),
  taxAssessedValueUsd: optional(integer(0)),
  brokerName: optional(text(1, 200)),
  daysOnMarket: optional(integer(0)),
  priceChangedTime: optional(moment("nanoseconds")),
  scrapedTime: required(moment("nanoseconds")),
});
