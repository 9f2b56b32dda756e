/**
 * The words of such sites for what a Listing says.
 */
import { HomeType, ListingStatus } from "../../../gen/zipnet/v1/listing_pb.js";

/** Kind of building; what is not known here is OTHER. */
export const HOME_TYPES: ReadonlyMap<string, HomeType> = new Map([
  ["Single Family Residential", HomeType.SINGLE_FAMILY],
  ["Condo/Co-op", HomeType.CONDO],
  ["Townhouse", HomeType.TOWNHOUSE],
  ["Multi-Family (2-4 Unit)", HomeType.MULTI_FAMILY],
  ["Multi-Family (5+ Unit)", HomeType.MULTI_FAMILY],
  ["Mobile/Manufactured Home", HomeType.MANUFACTURED],
  ["Vacant Land", HomeType.LOT],
]);

/** Where a listing stands in its life; what is not known here is a change of the source. */
export const STATUSES: ReadonlyMap<string, ListingStatus> = new Map([
  ["Active", ListingStatus.FOR_SALE],
  ["Coming Soon", ListingStatus.FOR_SALE],
  ["Contingent", ListingStatus.PENDING],
  ["Pending", ListingStatus.PENDING],
  ["Sold", ListingStatus.SOLD],
  ["Off Market", ListingStatus.OFF_MARKET],
]);
