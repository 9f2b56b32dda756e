/**
 * The site's second face: the pages of sites that offer a search's homes for download as CSV.
 */
import { HomeType, ListingStatus } from "../../../gen/zipnet/v1/listing_pb.js";
import type { Listing } from "../../../gen/zipnet/v1/listing_pb.js";
import { type HomeFilter, passes } from "./filter.js";
import type { Home, Homes } from "./home.js";
import { text } from "./html.js";
import { grouped } from "./page-data.js";

/** Homes of one export at most, whatever is asked for. */
const EXPORT_ROWS = 350;
/** The site's numbers of regions begin here. */
const FIRST_REGION = 100_000;

const COLUMNS =
  "SALE TYPE,SOLD DATE,PROPERTY TYPE,ADDRESS,CITY,STATE OR PROVINCE,ZIP OR POSTAL CODE,PRICE,BEDS,BATHS,LOCATION,SQUARE FEET,LOT SIZE,YEAR BUILT,DAYS ON MARKET,$/SQUARE FEET,HOA/MONTH,STATUS,NEXT OPEN HOUSE START TIME,NEXT OPEN HOUSE END TIME,URL (SEE THE SITE FOR INFO ON PRICING),SOURCE,MLS#,FAVORITE,INTERESTED,LATITUDE,LONGITUDE";
const DISCLAIMER = "In accordance with local MLS rules, some MLS listings are not included in the download";

const HOME_TYPES: Readonly<Partial<Record<HomeType, string>>> = {
  [HomeType.SINGLE_FAMILY]: "Single Family Residential",
  [HomeType.CONDO]: "Condo/Co-op",
  [HomeType.TOWNHOUSE]: "Townhouse",
  [HomeType.MULTI_FAMILY]: "Multi-Family (2-4 Unit)",
  [HomeType.MANUFACTURED]: "Mobile/Manufactured Home",
  [HomeType.LOT]: "Vacant Land",
};
const STATUSES: Readonly<Partial<Record<ListingStatus, string>>> = {
  [ListingStatus.FOR_SALE]: "Active",
  [ListingStatus.PENDING]: "Pending",
  [ListingStatus.SOLD]: "Sold",
};

/** The page of a zip code, with its region and how many homes there are. */
export function zipCodePage(homes: Homes, zipCode: string, timeMs: number): string {
  const count = homes.countOnMarket(zipCode, timeMs);
  const link = `/export/gis-csv?region_id=${FIRST_REGION + Number(zipCode)}&amp;region_type=2&amp;num_homes=${EXPORT_ROWS}`;
  return page(
    `${zipCode} homes`,
    `<h1>${zipCode}, homes for sale</h1><p><span class="homes-count">${grouped(count)}</span> homes</p>` +
      `<a id="download-and-save" href="${link}">Download all</a>`,
  );
}

/** An export; undefined when its region is not known. */
export function exportFile(
  homes: Homes,
  query: URLSearchParams,
  filter: HomeFilter,
  site: { readonly origin: string; readonly timeMs: number },
): string | undefined {
  const region = /^\d{6}$/.test(query.get("region_id") ?? "") ? Number(query.get("region_id")) - FIRST_REGION : -1;
  if (region < 0 || region > 99_999) return undefined;
  const zipCode = String(region).padStart(5, "0");
  const wanted = Number(query.get("num_homes") ?? EXPORT_ROWS);
  const rows = homes
    .onMarket(zipCode, site.timeMs)
    .filter((home) => passes(filter, home))
    .slice(0, Math.min(EXPORT_ROWS, wanted > 0 ? wanted : EXPORT_ROWS));
  const lines = rows.map((home) => csvLine(home.listing, site.origin));
  return [COLUMNS, csvCell(DISCLAIMER) + ",".repeat(26), ...lines, ""].join("\n");
}

function csvLine(listing: Listing, origin: string): string {
  const { priceUsd, livingAreaSqft, listingId } = listing;
  const words = `${listing.streetAddress} ${listing.zipCode}`.replaceAll(/[^A-Za-z0-9]+/g, "-");
  const cells: readonly (string | number | undefined)[] = [
    "MLS Listing",
    undefined,
    HOME_TYPES[listing.homeType] ?? "Other",
    listing.streetAddress,
    listing.city,
    listing.state,
    listing.zipCode,
    priceUsd,
    listing.bedrooms,
    listing.bathrooms,
    listing.city,
    livingAreaSqft,
    listing.lotAreaSqft,
    undefined,
    listing.daysOnMarket,
    livingAreaSqft && Math.round(priceUsd / livingAreaSqft),
    undefined,
    STATUSES[listing.status] ?? "Off Market",
    undefined,
    undefined,
    `${origin}/${listing.state}/${listing.city.replaceAll(/\W+/g, "-")}/${words}/home/${listingId}`,
    "Local MLS",
    listingId.slice(-8),
    "N",
    "Y",
    listing.latitude,
    listing.longitude,
  ];
  return cells.map((cell) => csvCell(String(cell ?? ""))).join(",");
}

function csvCell(value: string): string {
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** A home's own page, with linked data. */
export function homePage({ listing }: Home): string {
  const area = (value: number | undefined): object | undefined =>
    value === undefined ? undefined : { "@type": "QuantitativeValue", value, unitCode: "FTK" };
  const data = {
    "@context": "https://schema.org",
    "@type": ["Product", "RealEstateListing"],
    sku: listing.listingId,
    name: listing.streetAddress,
    offers: { "@type": "Offer", price: listing.priceUsd, priceCurrency: "USD" },
    additionalProperty: [
      { "@type": "PropertyValue", name: "STATUS", value: STATUSES[listing.status] ?? "Off Market" },
      { "@type": "PropertyValue", name: "DAYS ON MARKET", value: listing.daysOnMarket ?? 0 },
    ],
    mainEntity: {
      "@type": "Residence",
      accommodationCategory: HOME_TYPES[listing.homeType] ?? "Other",
      address: {
        "@type": "PostalAddress",
        streetAddress: listing.streetAddress,
        addressLocality: listing.city,
        addressRegion: listing.state,
        postalCode: listing.zipCode,
      },
      numberOfBedrooms: listing.bedrooms,
      numberOfBathroomsTotal: listing.bathrooms,
      floorSize: area(listing.livingAreaSqft),
      lotSize: area(listing.lotAreaSqft),
      geo: { "@type": "GeoCoordinates", latitude: listing.latitude, longitude: listing.longitude },
    },
  };
  // "<" inside the data would end the script element early.
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  return page(
    listing.streetAddress,
    `<h1>${text(listing.streetAddress)}</h1><p class="price">$${grouped(listing.priceUsd)}</p>`,
    `<script type="application/ld+json">${json}</script>`,
  );
}

function page(title: string, body: string, head = ""): string {
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${text(title)}</title>` +
    `<link rel="stylesheet" href="/site.css"><link rel="icon" href="data:,">${head}</head><body>${body}</body></html>\n`
  );
}
