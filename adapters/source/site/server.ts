/**
 * The listing site's HTTP server.
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { create, toJson } from "@bufbuild/protobuf";
import type { Clock } from "../../../core/ports.js";
import { CatalogueEntrySchema, CatalogueSchema } from "../../../gen/zipnet/v1/epoch_pb.js";
import { ListingSchema } from "../../../gen/zipnet/v1/listing_pb.js";
import { siteCatalogueEntries } from "./catalogue.js";
import { type Disturbance, type Disturbances, changedShape, disturbanceOf } from "./disturbances.js";
import { exportFile, homePage, zipCodePage } from "./export-pages.js";
import { plainFilter, queryStateFilter } from "./filter.js";
import type { Homes } from "./home.js";
import { challengePage, detailPage, errorPage, ROBOTS_TEXT, searchPage, STYLE_TEXT } from "./pages.js";

/** Paths of pages; the rest is not disturbed. */
const PAGE_PATH = /^\/(homes|homedetails|zipcode|export|home)\//;

/** How much of a page is sent when it is cut off. */
const TRUNCATED_PART = 0.7;

/** How the site behaves. */
export interface SiteOptions extends Disturbances {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly homes: Homes;
  readonly clock: Clock;
  /** Wait before every page. */
  readonly latencyMs: number;
  /** Decides which requests are disturbed. */
  readonly seed: string;
  /** Hears of every page that is asked for, when it is. */
  readonly onPage?: (page: AskedPage) => void;
}

/** A page that was asked for. */
export interface AskedPage {
  /** With its query. */
  readonly path: string;
  /** What happens to it, or "none". */
  readonly disturbance: Disturbance | "none";
}

/** A site that listens. */
export interface RunningSite {
  /** Without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** Resolves once everything is closed after the signal. */
  readonly closed: Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** Starts the site; it stops with the signal. Rejects when it cannot listen. */
export async function startSite(options: SiteOptions, signal: AbortSignal): Promise<RunningSite> {
  signal.throwIfAborted();
  let pageCounter = 0;
  const server = createServer((request, response) => {
    const isPage = PAGE_PATH.test(request.url ?? "");
    if (isPage) pageCounter += 1;
    void respond(options, request, response, isPage ? pageCounter : undefined, signal);
  });
  const port = await listen(server, options.host, options.port);
  const closed = new Promise<void>((resolve) => server.once("close", () => resolve()));
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return { url: `http://${host}:${port}`, port, closed };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function respond(
  options: SiteOptions,
  request: IncomingMessage,
  response: ServerResponse,
  pageNumber: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  try {
    const disturbance = pageNumber === undefined ? undefined : disturbanceOf(options, options.seed, pageNumber);
    if (pageNumber !== undefined) {
      options.onPage?.({ path: request.url ?? "", disturbance: disturbance ?? "none" });
      if (options.latencyMs > 0) await options.clock.sleepUntil(options.clock.now() + options.latencyMs, signal);
    }
    if (disturbance === "stall") return;
    const {
      status,
      type,
      body,
      retryAfter = 0,
    } = disturbed(answer(options, request), disturbance, options, pageNumber);
    response.writeHead(status, {
      "content-type": `${type}; charset=utf-8`,
      "cache-control": "no-store",
      ...(retryAfter > 0 && { "retry-after": String(retryAfter) }),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  } catch {
    // Only the end of the program gets here; whoever waits for the page sees the connection close.
    response.destroy();
  }
}

/** What comes of an answer that something happens to. */
function disturbed(
  good: Answer,
  disturbance: Exclude<Disturbance, "stall"> | undefined,
  { retryAfterSeconds }: Disturbances,
  pageNumber = 0,
): Answer {
  switch (disturbance) {
    case undefined:
      return good;
    case "challenge":
      return html(403, challengePage());
    case "limited":
      return { ...html(429, errorPage(429, "Too many requests")), retryAfter: retryAfterSeconds };
    case "error":
      return pageNumber % 2 === 0
        ? html(500, errorPage(500, "Internal error"))
        : { ...html(503, errorPage(503, "Service unavailable")), retryAfter: retryAfterSeconds };
    case "truncated":
      return { ...good, body: good.body.slice(0, Math.floor(good.body.length * TRUNCATED_PART)) };
    case "changed":
      return { ...good, body: changedShape(good.body) };
  }
}

function answer(options: SiteOptions, request: IncomingMessage): Answer {
  if (request.method !== "GET" && request.method !== "HEAD") return html(405, errorPage(405, "Only GET"));
  const origin = `http://${request.headers.host ?? "localhost"}`;
  if (!URL.canParse(request.url ?? "", origin)) return html(400, errorPage(400, "Bad address"));
  const url = new URL(request.url ?? "", origin);
  const nowMs = options.clock.now();
  if (url.pathname === "/robots.txt") return { status: 200, type: "text/plain", body: ROBOTS_TEXT };
  if (url.pathname === "/site.css") return { status: 200, type: "text/css", body: STYLE_TEXT };
  if (url.pathname.startsWith("/truth/")) return truth(options, url, nowMs);
  if (url.pathname === "/export/gis-csv") {
    const file = exportFile(options.homes, url.searchParams, plainFilter(url.searchParams), { origin, timeMs: nowMs });
    if (file !== undefined) return { status: 200, type: "text/csv", body: file };
  }
  const page = pageAt(options.homes, url, nowMs);
  return page === undefined ? html(404, errorPage(404, "This page does not exist")) : html(200, page);
}

function pageAt(homes: Homes, url: URL, nowMs: number): string | undefined {
  const path = url.pathname;
  const search = /^\/homes\/(\d{5})_rb\/(?:([1-9]\d{0,5})_p\/)?$/.exec(path);
  if (search?.[1] !== undefined) {
    const asked = { zipCode: search[1], filter: queryStateFilter(url.searchParams), query: url.search };
    return searchPage(homes, asked, Number(search[2] ?? "1"), nowMs);
  }
  const zipCode = /^\/zipcode\/(\d{5})$/.exec(path)?.[1];
  if (zipCode !== undefined) return zipCodePage(homes, zipCode, nowMs);
  const [, face, id] = /^\/(homedetails|home)\/(\d{1,20})(?:_zpid\/)?$/.exec(path) ?? [];
  const home = id === undefined ? undefined : homes.home(id, nowMs);
  if (face === "home") return home && homePage(home);
  return path.endsWith("_zpid/") ? home && detailPage(home) : undefined;
}

/** What the site really holds, for whoever wants to check what was read from it. Not a part of the imitated site. */
function truth({ homes }: SiteOptions, url: URL, nowMs: number): Answer {
  const at = url.searchParams.get("at");
  if (at !== null && !/^\d{1,15}$/.test(at))
    return json(400, { error: `at is "${at}", but must be unix milliseconds` });
  const timeMs = at === null ? nowMs : Number(at);
  if (url.pathname === "/truth/catalogue.json") {
    const entries = siteCatalogueEntries(homes, homes.zipCodes(), timeMs).map((entry) =>
      create(CatalogueEntrySchema, entry),
    );
    return json(200, toJson(CatalogueSchema, create(CatalogueSchema, { entries })));
  }
  const zipCode = /^\/truth\/(\d{5})\.json$/.exec(url.pathname)?.[1];
  if (zipCode === undefined) return json(404, { error: "ask for /truth/{zip code}.json or /truth/catalogue.json" });
  const listings = homes
    .onMarket(zipCode, timeMs)
    .map(({ listing }) => toJson(ListingSchema, { ...listing, url: url.origin + listing.url }));
  return json(200, listings);
}

function html(status: number, body: string): Answer {
  return { status, type: "text/html", body };
}

function json(status: number, value: unknown): Answer {
  return { status, type: "application/json", body: JSON.stringify(value) };
}
