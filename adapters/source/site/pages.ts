/**
 * The site's pages as HTML.
 */
import type { Listing } from "../../../gen/zipnet/v1/listing_pb.js";
import type { Home, Homes } from "./home.js";
import { type HomeFilter, boundsAround, passes } from "./filter.js";
import { detailPath } from "./home.js";
import { text } from "./html.js";
import {
  PAGE_SIZE,
  buildingRow,
  detailPageData,
  grouped,
  pageCountOf,
  resultRow,
  searchPageData,
} from "./page-data.js";

/** What robots.txt says: the searches and the homes may be read, the rest is not for robots. */
export const ROBOTS_TEXT = `User-agent: *
Allow: /homes/
Allow: /homedetails/
Allow: /zipcode/
Allow: /export/
Allow: /home/
Disallow: /agents/
Disallow: /truth/
Disallow: /mortgage/
`;

/** The site's style sheet. */
export const STYLE_TEXT = `body{font:16px/1.4 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#2a2a33}
h1{font-size:1.5rem}ul{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:1rem}
article{border:1px solid #d1d1d5;border-radius:.5rem;padding:1rem;height:100%;box-sizing:border-box}
article b,.price{display:block;font-size:1.25rem;margin:.3rem 0}address{font-style:normal}a{color:#006aff;text-decoration:none}
td{padding:.2rem 1rem .2rem 0}
`;

/** A search of a zip code's homes. */
export interface Search {
  readonly zipCode: string;
  /** Absent: all of them. */
  readonly filter: HomeFilter | undefined;
  /** The query of its address, with "?"; empty for none. */
  readonly query: string;
}

/** A page of a search; undefined when the search has no such page. pageNumber: 1 and up. */
export function searchPage(homes: Homes, search: Search, pageNumber: number, timeMs: number): string | undefined {
  const { zipCode, filter, query } = search;
  const found = filter && homes.onMarket(zipCode, timeMs).filter((home) => passes(filter, home));
  const resultCount = found?.length ?? homes.countOnMarket(zipCode, timeMs);
  const pageCount = pageCountOf(resultCount);
  if (pageNumber > pageCount) return undefined;
  const [start, end] = [(pageNumber - 1) * PAGE_SIZE, pageNumber * PAGE_SIZE];
  const onPage = found?.slice(start, end) ?? homes.onMarket(zipCode, timeMs, start, end);
  const extraRows = pageNumber === 1 && onPage[0] ? notResults(homes, zipCode, onPage[0].listing, timeMs) : [];
  const data = searchPageData({
    zipCode,
    pageNumber,
    resultCount,
    homes: onPage,
    extraRows,
    mapBounds: boundsAround(zipCode),
  });
  const cards = onPage.map((home) => card(home.listing)).join("\n");
  const title = `${zipCode} Real Estate - ${zipCode} Homes For Sale`;
  const next =
    pageNumber < pageCount
      ? `<a rel="next" href="${text(`/homes/${zipCode}_rb/${pageNumber + 1}_p/${query}`)}">Next</a>`
      : "";
  return document(
    title,
    `<h1>${title}</h1><p>${resultCount} results, page ${pageNumber} of ${pageCount}</p><ul>${cards}</ul><nav>${next}</nav>`,
    data,
  );
}

/** A home's own page. */
export function detailPage(home: Home): string {
  const { listing } = home;
  const history = home.priceHistory
    .map(
      (point) =>
        `<tr><td>${new Date(point.timeMs).toISOString().slice(0, 10)}</td><td>${usd(point.priceUsd)}</td></tr>`,
    )
    .join("");
  return document(
    `${listing.streetAddress}, ${listing.city}, ${listing.state} ${listing.zipCode}`,
    `<h1>${text(addressLine(listing))}</h1><p class="price">${usd(listing.priceUsd)}</p><p>${text(facts(listing))}</p>` +
      `<h2>Price history</h2><table>${history}</table>`,
    detailPageData(home),
  );
}

/** The page that a site shows to readers that it takes for robots. */
export function challengePage(): string {
  return (
    '<!doctype html><html><head><title>Access to this page has been denied</title></head><body><div id="px-captcha">' +
    "Press &amp; Hold to confirm you are a human (and not a bot).</div></body></html>"
  );
}

/** A page of an error. */
export function errorPage(status: number, message: string): string {
  return `<!doctype html><html><head><title>${status}</title></head><body><h1>${text(message)}</h1></body></html>`;
}

/** What such sites mix into results: a promoted home of elsewhere, and a building without an id. */
function notResults(homes: Homes, zipCode: string, first: Listing, timeMs: number): object[] {
  const elsewhere = homes.onMarket(homes.neighbour(zipCode), timeMs, 0, 1)[0]?.listing;
  const promoted =
    elsewhere && elsewhere.zipCode !== zipCode ? [{ ...resultRow(elsewhere), isFeaturedListing: true }] : [];
  return [...promoted, buildingRow(first)];
}

function card(listing: Listing): string {
  return (
    `<li><article><a href="${detailPath(listing.listingId)}"><address>${text(addressLine(listing))}</address></a>` +
    `<b>${usd(listing.priceUsd)}</b> <span>${text(facts(listing))}</span></article></li>`
  );
}

function addressLine(listing: Listing): string {
  return `${listing.streetAddress}, ${listing.city}, ${listing.state} ${listing.zipCode}`;
}

function facts(listing: Listing): string {
  const { bedrooms, bathrooms, livingAreaSqft, brokerName } = listing;
  return [
    bedrooms !== undefined && `${bedrooms} bds`,
    bathrooms !== undefined && `${bathrooms} ba`,
    livingAreaSqft !== undefined && `${grouped(livingAreaSqft)} sqft`,
    brokerName,
  ]
    .filter(Boolean)
    .join(" · ");
}

function usd(amount: number): string {
  return `$${grouped(amount)}`;
}

function document(title: string, body: string, data: object): string {
  // "<" inside the data would end the script element early.
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${text(title)}</title><link rel="stylesheet" href="/site.css">` +
    `<link rel="icon" href="data:,"></head><body><div id="__next">${body}</div>` +
    `<script id="__NEXT_DATA__" type="application/json">${json}</script></body></html>`
  );
}
