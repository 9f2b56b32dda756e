/**
 * The page of a zip code: which region its homes are exported by, and how many there are.
 */
import { sourceChanged } from "../common/source-changed.js";

const EXPORT_LINK = /<a\b[^>]*\bid=["']download-and-save["'][^>]*>/i;
const REGION = /[?&](?:amp;)?region_id=(\d{1,12})(?:["'&]|$)/;
const COUNT = /\bclass=["'](?:[\w-]+ )*homes-count(?: [\w-]+)*["'][^>]*>\s*(\d{1,3}(?:,\d{3})*|\d{1,9})\b/i;

/** What the page says. */
export interface ZipCodePage {
  /** The site's own number of the region. */
  readonly regionId: string;
  /** Homes that the site claims. */
  readonly resultCount: number;
}

/** Takes a page apart. Throws SOURCE_CHANGED naming what is not as expected. */
export function readZipCodePage(html: string, url: string): ZipCodePage {
  const link = EXPORT_LINK.exec(html)?.[0];
  if (link === undefined) throw sourceChanged(url, "a#download-and-save", "is missing");
  const regionId = REGION.exec(link)?.[1];
  if (regionId === undefined) throw sourceChanged(url, "a#download-and-save", "names no region_id");
  const count = COUNT.exec(html)?.[1];
  if (count === undefined) throw sourceChanged(url, ".homes-count", "is missing or no number");
  return { regionId, resultCount: Number(count.replaceAll(",", "")) };
}
