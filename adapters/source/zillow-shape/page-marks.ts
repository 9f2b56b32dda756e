import type { PageMarks } from "../common/answers.js";

/** What tells a whole page with data from others. */
export const PAGE_MARKS: PageMarks = {
  hasData: (html) => html.includes("__NEXT_DATA__"),
  isWhole: (html) => /<\/html\s*>\s*$/i.test(html),
};
