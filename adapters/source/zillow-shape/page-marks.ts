import type { Page } from "../../../core/ports.js";
import { type PageMarks, kindOf } from "../common/answers.js";

/** What tells a whole page with data from others. */
export const PAGE_MARKS: PageMarks = {
  hasData: (html) => html.includes("__NEXT_DATA__"),
  isWhole: (html) => /<\/html\s*>\s*$/i.test(html),
};

/** Whether a page came whole and without data, as where a script fetches it. What challenges or refuses is never opened again. */
export function needsBrowser(page: Page): boolean {
  try {
    return kindOf(page, PAGE_MARKS) === "page" && !PAGE_MARKS.hasData(page.html);
  } catch {
    return false;
  }
}
