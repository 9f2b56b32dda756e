/**
 * What an answer of a site means before anything is read from it.
 */
import { ZipnetError } from "../../../core/errors.js";
import type { Page } from "../../../core/ports.js";

/** Marks of the pages that challenge a reader. */
const CHALLENGE = /px-captcha|id=["']px-|Press\s*(?:&amp;|&)\s*Hold|Access to this page has been denied/i;

/** What to do with an answer. */
export type AnswerKind = "page" | "missing" | "failed";

/** What tells a whole page of a source from others. */
export interface PageMarks {
  /** Whether the page holds the data that it is read for. Marks of a challenge count only where it does not. */
  hasData(html: string): boolean;
  /** Whether the page arrived to its end. */
  isWhole(html: string): boolean;
}

/**
 * Tells pages, missing pages and failures of the site apart; a page that was cut off is a failure, and so is the word
 * that there were too many requests (429), which only asks to wait. Throws
 * SOURCE_BLOCKED when the site challenges or refuses the reader: that is the site's decision and never worked around.
 */
export function kindOf(page: Page, marks: PageMarks): AnswerKind {
  const challenged = !marks.hasData(page.html) && CHALLENGE.test(page.html);
  if (challenged || page.status === 401 || page.status === 403) {
    throw new ZipnetError(
      "SOURCE_BLOCKED",
      `The site ${challenged ? "challenged" : "refused"} the reader at ${page.url} (status ${page.status}). ` +
        "Reading stops here; it is not tried again in another way.",
      { url: page.url, status: String(page.status) },
    );
  }
  if (page.status === 404 || page.status === 410) return "missing";
  return page.status >= 200 && page.status < 300 && marks.isWhole(page.html) ? "page" : "failed";
}
