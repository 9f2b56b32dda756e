/**
 * Which source of listings a program reads, and how: the same names, defaults and checks for all that read one.
 */
import { SITE_READER_SETTINGS } from "./common-settings.js";
import { type SettingsOf, environmentName, flagName, parse, setting } from "./settings.js";

const SOURCES = ["zillow-shape", "csv-export", "invented"] as const;
const READERS = ["http", "browser", "auto"] as const;

/** Name of a source. */
export type SourceName = (typeof SOURCES)[number];

/** Settings of whoever reads listings, but for those whose defaults differ by program. */
export const SOURCE_SETTINGS = {
  source: setting(
    "Where listings are read: zillow-shape reads the pages of sourceUrl, csv-export its downloads, invented makes them up (only to test judging). Default zillow-shape.",
    parse.oneOf(SOURCES, "zillow-shape"),
  ),
  reader: setting(
    "What pages are read with: http, browser, or auto, which is http and the browser for pages that hold no data without one. Default browser, and http for csv-export.",
    parse.optionalCustom("one of http, browser, auto", (text) => READERS.find((reader) => reader === text)),
  ),
  ...SITE_READER_SETTINGS,
};

/** What opening a source needs of the settings. */
export interface SourceSettings extends SettingsOf<typeof SOURCE_SETTINGS> {
  readonly requestIntervalMs: number;
  /** Pages read at the same time. */
  readonly concurrency: number;
}

/** What pages are read with. */
export function readerOf({ source, reader }: Pick<SourceSettings, "source" | "reader">): (typeof READERS)[number] {
  return reader ?? (source === "csv-export" ? "http" : "browser");
}

function named(name: keyof typeof SOURCE_SETTINGS): string {
  return `${environmentName(name)} (${flagName(name)})`;
}

/** Whether an address is on this machine. */
function isHere(url: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}

/** What does not fit together, one sentence each. */
export function sourceProblems(values: SettingsOf<typeof SOURCE_SETTINGS>): string[] {
  const { source, sourceUrl, contact, proxies, chromium } = values;
  const problems: string[] = [];
  if (source !== "invented" && contact === "" && !isHere(sourceUrl)) {
    problems.push(
      `${named("contact")} is missing, but ${named("sourceUrl")} is a site elsewhere, whose owner must be able to reach you`,
    );
  }
  const reader = readerOf(values);
  if (source === "csv-export" && reader !== "http") {
    problems.push(
      `${named("reader")} is "${reader}", but a browser does not show what csv-export reads; leave it out or set it to http`,
    );
  }
  const useless = source === "invented" ? 'with the source "invented"' : `with the reader "${reader}"`;
  const hasNoBrowser = source === "invented" || reader === "http";
  if (proxies.length > 0 && source === "invented") {
    problems.push(`${named("proxies")} has no use ${useless}; leave it out`);
  }
  if (reader !== "browser" && proxies.some((proxy) => new URL(proxy).protocol !== "http:")) {
    problems.push(
      `${named("proxies")} must begin with http:// with the reader "${reader}"; only a browser takes others`,
    );
  }
  if (chromium !== undefined && hasNoBrowser) {
    problems.push(`${named("chromium")} has no use ${useless}; leave it out`);
  }
  if (values.reader !== undefined && source === "invented") {
    problems.push(`${named("reader")} has no use ${useless}; leave it out`);
  }
  return problems;
}
