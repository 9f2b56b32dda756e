/**
 * A listing's own page, from HTML to a Listing.
 */
import { z } from "zod";
import type { Listing } from "../../../gen/zipnet/v1/listing_pb.js";
import { homeInfoSchema, normalId, toListing } from "./home-info.js";
import { jsonOf, shaped, sourceChanged } from "../common/source-changed.js";
import { nextDataOf } from "./next-data.js";

const CACHE_PATH = "props.pageProps.componentProps.gdpClientCache";

const pageSchema = z.object({
  props: z.object({ pageProps: z.object({ componentProps: z.object({ gdpClientCache: z.string() }) }) }),
});

/** The cache holds an entry per query; one of them has the property. */
const cacheSchema = z.record(z.string(), z.unknown());
const entrySchema = z.object({ property: z.record(z.string(), z.unknown()) });

const propertySchema = homeInfoSchema.extend({
  price: z.number().positive(),
  attributionInfo: z.object({ brokerName: z.string().nullish() }).nullish(),
  priceHistory: z
    .array(z.object({ time: z.number().nullish(), price: z.number().nullish(), event: z.string().nullish() }))
    .nullish(),
});

/** What is known of a page before it is read. */
export interface DetailPageContext {
  /** In its normal form. */
  readonly listingId: string;
  /** Address of the page. */
  readonly url: string;
  /** Unix milliseconds. */
  readonly scrapedTimeMs: number;
}

/** Takes a page apart. Throws SOURCE_CHANGED naming the path that is not as expected, also when it is another listing's page. */
export function readDetailPage(html: string, context: DetailPageContext): Listing {
  const { url, listingId } = context;
  const data = shaped(pageSchema, nextDataOf(html, url), url, "");
  const cache = shaped(
    cacheSchema,
    jsonOf(data.props.pageProps.componentProps.gdpClientCache, url, CACHE_PATH),
    url,
    CACHE_PATH,
  );
  const entry = Object.values(cache).find((value) => entrySchema.safeParse(value).success);
  if (entry === undefined) throw sourceChanged(url, `${CACHE_PATH}.*.property`, "is missing");
  const propertyPath = `${CACHE_PATH}.*.property`;
  const property = shaped(propertySchema, entrySchema.parse(entry).property, url, propertyPath);
  if (normalId(property.zpid) !== listingId) {
    throw sourceChanged(url, `${propertyPath}.zpid`, `is ${property.zpid}, but ${listingId} was asked for`);
  }
  const listing = toListing(
    { ...property, datePriceChanged: property.datePriceChanged ?? newestPriceChange(property.priceHistory) },
    {
      ...context,
      priceUsd: Math.round(property.price),
      brokerName: property.attributionInfo?.brokerName,
    },
  );
  if (listing === undefined) {
    throw sourceChanged(url, `${propertyPath}.homeStatus`, `is "${property.homeStatus}", which is not known`);
  }
  return listing;
}

/** Pages that leave datePriceChanged out still tell it in the price history. */
function newestPriceChange(history: z.infer<typeof propertySchema>["priceHistory"]): number | undefined {
  const times = (history ?? []).flatMap(({ event, time }) => (event === "Price change" && time ? [time] : []));
  return times.length === 0 ? undefined : Math.max(...times);
}
