/**
 * A page of search results, from HTML to listings.
 */
import { z } from "zod";
import type { Listing } from "../../../gen/zipnet/v1/listing_pb.js";
import { detailUrl } from "./addresses.js";
import { homeInfoSchema, normalId, priceFromText, toListing } from "./home-info.js";
import type { Bounds } from "../common/parts.js";
import { shaped, sourceChanged } from "../common/source-changed.js";
import { nextDataOf } from "./next-data.js";

const ROWS_PATH = "props.pageProps.searchPageState.cat1.searchResults.listResults";

const boundsSchema = z.object({ west: z.number(), south: z.number(), east: z.number(), north: z.number() });

const pageSchema = z.object({
  props: z.object({
    pageProps: z.object({
      searchPageState: z.object({
        queryState: z.object({ mapBounds: boundsSchema.nullish() }).nullish(),
        cat1: z.object({
          searchResults: z.object({ listResults: z.array(z.unknown()) }),
          searchList: z.object({
            totalResultCount: z.number().int().nonnegative(),
            totalPages: z.number().int().nonnegative(),
            resultsPerPage: z.number().int().positive(),
          }),
        }),
      }),
    }),
  }),
});

/** Enough of a row to tell whether it is a result of the search at all. */
const anyRowSchema = z.object({ zpid: z.unknown().optional(), addressZipcode: z.unknown().optional() });

const rowSchema = z.object({
  zpid: z.union([z.number().int().positive(), z.string().regex(/^\d{1,20}$/)]),
  price: z.string().nullish(),
  unformattedPrice: z.number().nullish(),
  brokerName: z.string().nullish(),
  hdpData: z.object({ homeInfo: homeInfoSchema }),
});

/** What is known of a page before it is read. */
export interface SearchPageContext {
  readonly origin: string;
  readonly zipCode: string;
  /** Address of the page, for messages. */
  readonly url: string;
  /** Unix milliseconds. */
  readonly scrapedTimeMs: number;
}

/** What a page of results says. */
export interface SearchResults {
  /** Pages that the site shows of the search. At least 1. */
  readonly pageCount: number;
  /** Results that the site claims. */
  readonly resultCount: number;
  /** Results that its pages can show at most. */
  readonly shownCount: number;
  /** The piece of the map that the site shows with the search. */
  readonly around?: Bounds;
  readonly listings: readonly Listing[];
}

/**
 * Takes a page apart. Rows without an id (buildings with several units), rows outside the zip code (promoted ones),
 * rows without a price and repeated rows are left out. Throws SOURCE_CHANGED naming the path that is not as expected.
 */
export function readSearchPage(html: string, context: SearchPageContext): SearchResults {
  const data = shaped(pageSchema, nextDataOf(html, context.url), context.url, "");
  const { cat1, queryState } = data.props.pageProps.searchPageState;
  const { searchResults, searchList } = cat1;
  const pageCount = Math.max(1, searchList.totalPages);
  const listings = new Map<string, Listing>();
  for (const [index, row] of searchResults.listResults.entries()) {
    const listing = readRow(row, `${ROWS_PATH}.${index}`, context);
    if (listing !== undefined && !listings.has(listing.listingId)) listings.set(listing.listingId, listing);
  }
  return {
    pageCount,
    resultCount: searchList.totalResultCount,
    shownCount: pageCount * searchList.resultsPerPage,
    ...(queryState?.mapBounds && { around: microdegrees(queryState.mapBounds) }),
    listings: [...listings.values()],
  };
}

/** A piece of the map as pages write it, rounded outwards. */
function microdegrees({ west, south, east, north }: z.infer<typeof boundsSchema>): Bounds {
  const within = (value: number, limit: number): number => Math.min(Math.max(value, -limit), limit);
  return {
    west: within(Math.floor(west * 1e6), 180_000_000),
    south: within(Math.floor(south * 1e6), 90_000_000),
    east: within(Math.ceil(east * 1e6), 180_000_000),
    north: within(Math.ceil(north * 1e6), 90_000_000),
  };
}

function readRow(value: unknown, path: string, context: SearchPageContext): Listing | undefined {
  const { url, zipCode } = context;
  const any = shaped(anyRowSchema, value, url, path);
  if (any.zpid === undefined || any.zpid === null) return undefined;
  if (typeof any.addressZipcode === "string" && any.addressZipcode !== zipCode) return undefined;
  const row = shaped(rowSchema, value, url, path);
  const info = row.hdpData.homeInfo;
  if (info.zipcode !== zipCode) return undefined;
  if (info.price === undefined && row.unformattedPrice === undefined && row.price === undefined) {
    throw sourceChanged(url, `${path}.hdpData.homeInfo.price`, "is missing");
  }
  const priceUsd = Math.round(info.price || row.unformattedPrice || priceFromText(row.price ?? "") || 0);
  if (priceUsd <= 0) return undefined;
  const listingId = normalId(row.zpid);
  const listing = toListing(info, {
    listingId,
    url: detailUrl(context.origin, listingId),
    priceUsd,
    brokerName: row.brokerName,
    scrapedTimeMs: context.scrapedTimeMs,
  });
  if (listing === undefined) {
    throw sourceChanged(url, `${path}.hdpData.homeInfo.homeStatus`, `is "${info.homeStatus}", which is not known`);
  }
  return listing;
}
