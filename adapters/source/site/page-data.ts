/**
 * The data inside the site's pages: the shape in which public listing sites built on Next.js send it.
 */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { HomeType, ListingStatus } from "../../../gen/zipnet/v1/listing_pb.js";
import type { Listing } from "../../../gen/zipnet/v1/listing_pb.js";
import { detailPath } from "./home.js";
import type { Home } from "./home.js";
import type { MapBounds } from "./filter.js";

/** Rows of a search page. */
export const PAGE_SIZE = 41;
/** Pages that a search shows at most, however many results it has. */
export const MAX_PAGES = 20;
const SQFT_PER_ACRE = 43_560;
const GROUPED = new Intl.NumberFormat("en-US");

/** A number as Americans write it: 634,500. */
export function grouped(value: number): string {
  return GROUPED.format(value);
}

/** Pages of a search with so many results. At least 1. */
export function pageCountOf(resultCount: number): number {
  return Math.min(MAX_PAGES, Math.max(1, Math.ceil(resultCount / PAGE_SIZE)));
}

/** A page of results, as it stands in __NEXT_DATA__. extraRows: rows that are not results of the search. */
export function searchPageData(input: {
  readonly zipCode: string;
  readonly pageNumber: number;
  readonly resultCount: number;
  readonly homes: readonly Home[];
  readonly extraRows: readonly object[];
  readonly mapBounds: MapBounds;
}): object {
  const listResults = [...input.homes.map((home) => resultRow(home.listing)), ...input.extraRows];
  const searchList = {
    totalResultCount: input.resultCount,
    totalPages: pageCountOf(input.resultCount),
    resultsPerPage: PAGE_SIZE,
  };
  const searchPageState = {
    queryState: {
      usersSearchTerm: input.zipCode,
      mapBounds: input.mapBounds,
      pagination: { currentPage: input.pageNumber },
      filterState: { sortSelection: { value: "days" } },
    },
    cat1: { searchResults: { listResults }, searchList },
    categoryTotals: { cat1: { totalResultCount: input.resultCount } },
  };
  return { props: { pageProps: { searchPageState } }, page: "/search/[...slug]", query: {} };
}

/** A home as a row of results. */
export function resultRow(listing: Listing): object {
  const row = {
    zpid: listing.listingId,
    id: listing.listingId,
    statusType: statusName(listing.status),
    statusText: "House for sale",
    detailUrl: detailPath(listing.listingId),
    price: `$${grouped(listing.priceUsd)}`,
    unformattedPrice: listing.priceUsd,
    address: `${listing.streetAddress}, ${listing.city}, ${listing.state} ${listing.zipCode}`,
    addressStreet: listing.streetAddress,
    addressCity: listing.city,
    addressState: listing.state,
    addressZipcode: listing.zipCode,
    beds: listing.bedrooms,
    baths: listing.bathrooms,
    area: listing.livingAreaSqft,
    latLong: { latitude: listing.latitude, longitude: listing.longitude },
    brokerName: listing.brokerName,
  };
  return { ...row, hdpData: { homeInfo: homeInfo(listing) } };
}

function homeInfo(listing: Listing): object {
  const { value, acres } = lotOf(listing);
  return {
    zpid: Number(listing.listingId),
    streetAddress: listing.streetAddress,
    zipcode: listing.zipCode,
    city: listing.city,
    state: listing.state,
    latitude: listing.latitude,
    longitude: listing.longitude,
    price: listing.priceUsd,
    datePriceChanged: listing.priceChangedTime && timestampMs(listing.priceChangedTime),
    bathrooms: listing.bathrooms,
    bedrooms: listing.bedrooms,
    livingArea: listing.livingAreaSqft,
    homeType: homeTypeName(listing.homeType),
    homeStatus: statusName(listing.status),
    daysOnZillow: listing.daysOnMarket,
    currency: "USD",
    country: "USA",
    taxAssessedValue: listing.taxAssessedValueUsd,
    lotAreaValue: value,
    lotAreaUnit: value === undefined ? undefined : acres ? "acres" : "sqft",
  };
}

/** A row of a building with several rented units, as the site mixes them in: no id, units, a price "from". */
export function buildingRow(near: Listing): object {
  return {
    lotId: 1_000_000 + (near.priceUsd % 1_000_000),
    statusType: "FOR_RENT",
    isBuilding: true,
    price: "$2,548+",
    detailUrl: `/apartments/${near.zipCode}/the-${near.city.toLowerCase().replaceAll(/\W/g, "-")}/`,
    addressStreet: near.streetAddress,
    addressCity: near.city,
    addressState: near.state,
    addressZipcode: near.zipCode,
    units: [{ price: "$2,548+", beds: "1", roomForRent: false }],
  };
}

/** A home's own page, as it stands in __NEXT_DATA__; its cache is JSON in JSON. */
export function detailPageData(home: Home): object {
  const { listing } = home;
  const { value, acres } = lotOf(listing);
  const property = {
    ...homeInfo(listing),
    lotAreaUnit: undefined,
    lotAreaValue: value,
    lotAreaUnits: value === undefined ? undefined : acres ? "Acres" : "Square Feet",
    livingAreaUnits: "Square Feet",
    hdpUrl: detailPath(listing.listingId),
    attributionInfo: { brokerName: listing.brokerName },
    priceHistory: home.priceHistory.toReversed().map((point, index, all) => ({
      date: new Date(point.timeMs).toISOString().slice(0, 10),
      time: point.timeMs,
      price: point.priceUsd,
      event: index === all.length - 1 ? "Listed for sale" : "Price change",
    })),
  };
  const key = `ForSaleFullRenderQuery{"zpid":${listing.listingId}}`;
  const componentProps = { zpid: listing.listingId, gdpClientCache: JSON.stringify({ [key]: { property } }) };
  return { props: { pageProps: { componentProps } }, page: "/homedetails/[...slug]", query: {} };
}

/** From an acre on, lots are given in acres: six digits after the point give the square feet back exactly. */
function lotOf(listing: Listing): { value: number | undefined; acres: boolean } {
  const sqft = listing.lotAreaSqft;
  if (sqft === undefined || sqft < SQFT_PER_ACRE) return { value: sqft, acres: false };
  return { value: Number((sqft / SQFT_PER_ACRE).toFixed(6)), acres: true };
}

function statusName(status: ListingStatus): string {
  return status === ListingStatus.OFF_MARKET ? "OTHER" : ListingStatus[status];
}

function homeTypeName(homeType: HomeType): string {
  return homeType === HomeType.OTHER ? "HOME_TYPE_UNKNOWN" : HomeType[homeType];
}
