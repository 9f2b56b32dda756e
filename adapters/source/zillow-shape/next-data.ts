/**
 * Getting the data out of a page: JSON in the script element __NEXT_DATA__, checked at this edge.
 */
import { jsonOf, sourceChanged } from "../common/source-changed.js";

const SCRIPT = /<script\b[^>]*\bid=["']__NEXT_DATA__["'][^>]*>([\s\S]*?)<\/script\s*>/i;

/** The data of a page. Throws SOURCE_CHANGED when the page has none. */
export function nextDataOf(html: string, url: string): unknown {
  const text = SCRIPT.exec(html)?.[1];
  if (text === undefined) throw sourceChanged(url, "script#__NEXT_DATA__", "is missing");
  return jsonOf(text, url, "script#__NEXT_DATA__");
}
