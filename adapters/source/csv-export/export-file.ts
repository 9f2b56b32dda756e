/**
 * An export of homes: CSV with one row a home, from text to listings.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { parse } from "csv-parse/sync";
import { messageOf } from "../../../core/errors.js";
import { type Listing, HomeType, ListingSchema } from "../../../gen/zipnet/v1/listing_pb.js";
import { sourceChanged } from "../common/source-changed.js";
import { homeUrl } from "./addresses.js";
import { HOME_TYPES, STATUSES } from "./words.js";

/** Columns that are read. Others may come and go. */
const COLUMNS = [
  "PROPERTY TYPE",
  "ADDRESS",
  "CITY",
  "STATE OR PROVINCE",
  "ZIP OR POSTAL CODE",
  "PRICE",
  "BEDS",
  "BATHS",
  "SQUARE FEET",
  "LOT SIZE",
  "DAYS ON MARKET",
  "STATUS",
  "LATITUDE",
  "LONGITUDE",
] as const;
/** The column of the address ends with words of the site's own. */
const URL_COLUMN = /^URL\b/;

type Column = (typeof COLUMNS)[number] | "URL";
type Row = Readonly<Record<Column, string>>;

/** What is known of an export before it is read. */
export interface ExportContext {
  readonly origin: string;
  readonly zipCode: string;
  /** Address of the export, for messages. */
  readonly url: string;
  /** Unix milliseconds. */
  readonly scrapedTimeMs: number;
}

/** What an export says. */
export interface ExportFile {
  /** Rows of homes, also of those that are left out of the listings. */
  readonly rowCount: number;
  readonly listings: readonly Listing[];
}

/**
 * Takes an export apart. Rows outside the zip code, without a price and repeated ones are left out, and so is the
 * disclaimer. Throws SOURCE_CHANGED naming the column that is not as expected.
 */
export function readExport(text: string, context: ExportContext): ExportFile {
  const [header = [], ...lines] = cellsOf(text, context.url);
  const index = columnsOf(header, context.url);
  const listings = new Map<string, Listing>();
  let rowCount = 0;
  for (const [number, cells] of lines.entries()) {
    // The disclaimer stands in the first cell of a line of its own.
    if (cells.slice(1).every((cell) => cell === "")) continue;
    rowCount += 1;
    const cell = (column: Column): string => (cells[index[column]] ?? "").trim();
    const row = { ...Object.fromEntries(COLUMNS.map((column) => [column, cell(column)])), URL: cell("URL") } as Row;
    const listing = readRow(row, `row ${number + 1}`, context);
    if (listing !== undefined && !listings.has(listing.listingId)) listings.set(listing.listingId, listing);
  }
  return { rowCount, listings: [...listings.values()] };
}

function cellsOf(text: string, url: string): string[][] {
  try {
    return parse(text, { bom: true, relax_column_count: true, skip_empty_lines: true });
  } catch (error) {
    throw sourceChanged(url, "the export", `is not CSV (${messageOf(error)})`, error);
  }
}

function columnsOf(header: readonly string[], url: string): Record<Column, number> {
  const found = COLUMNS.map((column) => [column, header.indexOf(column)] as const);
  const all = [...found, ["URL", header.findIndex((name) => URL_COLUMN.test(name))] as const];
  const missing = all.filter(([, index]) => index < 0).map(([column]) => column);
  if (missing.length > 0) throw sourceChanged(url, `column ${missing.join(", ")}`, "is missing");
  return Object.fromEntries(all) as Record<Column, number>;
}

function readRow(row: Row, where: string, context: ExportContext): Listing | undefined {
  const { url, origin, zipCode, scrapedTimeMs } = context;
  if (row["ZIP OR POSTAL CODE"].slice(0, 5) !== zipCode) return undefined;
  const number = (column: Column): number | undefined => numberOf(row[column], `${where}, column ${column}`, url);
  const priceUsd = Math.round(number("PRICE") ?? 0);
  if (priceUsd <= 0) return undefined;
  const id = /\/home\/(\d{1,20})(?:[/?#]|$)/.exec(row.URL)?.[1];
  if (id === undefined) throw sourceChanged(url, `${where}, column URL`, `names no home: "${row.URL.slice(0, 80)}"`);
  const status = STATUSES.get(row.STATUS);
  if (status === undefined) {
    throw sourceChanged(url, `${where}, column STATUS`, `is "${row.STATUS.slice(0, 40)}", which is not known`);
  }
  const listingId = id.replace(/^0+(?=\d)/, "");
  return create(ListingSchema, {
    listingId,
    url: homeUrl(origin, listingId),
    zipCode,
    streetAddress: row.ADDRESS,
    city: row.CITY,
    state: row["STATE OR PROVINCE"],
    status,
    homeType: HOME_TYPES.get(row["PROPERTY TYPE"]) ?? HomeType.OTHER,
    priceUsd,
    ...present("bedrooms", number("BEDS")),
    ...present("bathrooms", number("BATHS")),
    ...present("livingAreaSqft", number("SQUARE FEET")),
    ...present("lotAreaSqft", number("LOT SIZE")),
    ...present("latitude", number("LATITUDE")),
    ...present("longitude", number("LONGITUDE")),
    ...present("daysOnMarket", number("DAYS ON MARKET")),
    scrapedTime: timestampFromMs(scrapedTimeMs),
  });
}

function numberOf(text: string, where: string, url: string): number | undefined {
  if (text === "") return undefined;
  if (/^-?\d{1,12}(\.\d{1,12})?$/.test(text)) return Number(text);
  throw sourceChanged(url, where, `is "${text.slice(0, 40)}", but must be a number`);
}

/** A field that is set only when its value is there. */
function present<K extends string>(name: K, value: number | undefined): Partial<Record<K, number>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, number>);
}
