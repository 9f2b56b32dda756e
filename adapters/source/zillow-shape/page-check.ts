/**
 * What an answer of the site means before anything is read from it.
 */
import { ZipnetError } from "../../../core/errors.js";
import type { Page } from "../../../core/ports.js";

/** Marks of the pages that challenge a reader. They are looked for only outside the page's data. */
const CHALLENGE = /px-captcha|id=["']px-|Press\s*(?:&amp;|&)\s*Hold|Access to this page has been denied/i;

/** What to do with an answer. */
export type PageKind = "page" | "missing" | "failed";

/**
 * Tells pages, missing pages and failures of the site apart. Throws SOURCE_BLOCKED when the site challenges or refuses
 * the reader: that is the site's decision and never worked around.
 */
export function kindOf(page: Page): PageKind {
  const challenged = !page.html.includes("__NEXT_DATA__") && CHALLENGE.test(page.html);
  if (challenged || page.status === 401 || page.status === 403 || page.status === 429) {
    throw new ZipnetError(
      "SOURCE_BLOCKED",
      `The site ${challenged ? "challenged" : "refused"} the reader at ${page.url} (status ${page.status}). ` +
        "Reading stops here; it is not tried again in another way.",
      { url: page.url, status: String(page.status) },
    );
  }
  if (page.status === 404 || page.status === 410) return "missing";
  return page.status >= 200 && page.status < 300 ? "page" : "failed";
}
