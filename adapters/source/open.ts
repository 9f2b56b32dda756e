/**
 * Opens the source of listings that a program's settings name, with the readers that it needs.
 */
import { SOFTWARE_VERSION } from "../../core/version.js";
import type { Clock, ListingSource, Page, PageReader } from "../../core/ports.js";
import { chromiumPages } from "../browser/chromium.js";
import { httpFirstPages } from "../browser/http-first.js";
import { httpPages } from "../browser/http-pages.js";
import { type Manners, manners } from "../robots/polite-pages.js";
import { type SourceName, type SourceSettings, readerOf } from "../settings/source-settings.js";
import { csvExportSource } from "./csv-export/source.js";
import { inventedSource } from "./invented/invented-source.js";
import type { SourceOptions } from "./common/patient-pages.js";
import { needsBrowser as zillowNeedsBrowser } from "./zillow-shape/page-marks.js";
import { zillowShapedSource } from "./zillow-shape/source.js";

/** A source of pages of one shape. */
interface Shape {
  readonly open: (options: SourceOptions) => ListingSource;
  /** Whether a page that came by HTTP lacks what only a browser would make of it. Never true of a challenge. */
  readonly needsBrowser: (page: Page) => boolean;
}

const SHAPES: Readonly<Record<Exclude<SourceName, "invented">, Shape>> = {
  "zillow-shape": { open: zillowShapedSource, needsBrowser: zillowNeedsBrowser },
  "csv-export": { open: csvExportSource, needsBrowser: () => false },
};

/** Who opens a source. */
export interface SourceUser {
  /** Named in the User-Agent, for example "miner". */
  readonly program: string;
  /** What the made-up source makes listings up from. */
  readonly seed: string;
  readonly clock: Clock;
}

/** A source, and how to let go of it. */
export interface OpenSource {
  /** `around` is put around the reader of the source's pages, where it has one; making a source costs nothing. */
  readonly source: (around: (pages: PageReader) => PageReader) => ListingSource;
  close(): Promise<void>;
}

/** Opens the source that the settings name. Rejects when there is no browser, but one is read with. */
export async function openSource(settings: SourceSettings, user: SourceUser): Promise<OpenSource> {
  const { source: name, sourceUrl: origin, retries, requestIntervalMs, contact } = settings;
  const { clock, program, seed } = user;
  if (name === "invented") {
    return { source: () => inventedSource({ origin, clock, seed }), close: () => Promise.resolve() };
  }
  const shape = SHAPES[name];
  // The first word is the name that the site's robots.txt is asked for.
  const userAgent = `zipnet/${SOFTWARE_VERSION} (${program}${contact === "" ? "" : `; ${contact}`})`;
  const polite = manners({ userAgent, requestIntervalMs, clock });
  const pages = await openReader(settings, userAgent, shape, polite);
  return {
    source: (around) => shape.open({ origin, pages: around(pages), clock, retries }),
    close: () => pages.close(),
  };
}

async function openReader(
  settings: SourceSettings,
  userAgent: string,
  { needsBrowser }: Shape,
  polite: Manners,
): Promise<PageReader> {
  const { pageTimeoutMs: timeoutMs, concurrency, proxies, chromium } = settings;
  const common = { userAgent, timeoutMs, concurrency, proxies };
  const openBrowser = async (document: "sent" | "rendered"): Promise<PageReader> => {
    const place = chromium === undefined ? {} : { executablePath: chromium };
    return polite(await chromiumPages({ ...common, document, ...place }));
  };
  switch (readerOf(settings)) {
    case "browser":
      return openBrowser("sent");
    case "http":
      return polite(httpPages(common));
    case "auto":
      return httpFirstPages({
        http: polite(httpPages(common)),
        openBrowser: () => openBrowser("rendered"),
        needsBrowser,
      });
  }
}
