/**
 * The check of a source, held against sites that are as they should be, and against sites that have changed.
 */
import assert from "node:assert/strict";
import { checkSource } from "../../core/source-check.js";
import type { ListingSource, PageReader } from "../../core/ports.js";
import { systemClock } from "../clock/system-clock.js";
import { csvExportSource } from "./csv-export/source.js";
import { fetchPages, openTestSite } from "./site.test-support.js";
import { zillowShapedSource } from "./zillow-shape/source.js";

const { signal } = new AbortController();
const ZIP_CODE = "02169";

type Site = Awaited<ReturnType<typeof openTestSite>>;
type Change = (html: string, url: string) => string;

const SOURCES = { "zillow-shape": zillowShapedSource, "csv-export": csvExportSource };

/** What the check says of each source at a site whose pages are changed on their way. */
async function verdictsOf(change: Change, options: Parameters<typeof openTestSite>[0] = {}, zipCodes = [ZIP_CODE]) {
  const site: Site = await openTestSite(options);
  const pages: PageReader = {
    ...fetchPages,
    read: async (url, ended) => {
      const page = await fetchPages.read(url, ended);
      return { ...page, html: change(page.html, url) };
    },
  };
  try {
    const verdicts: Record<string, string> = {};
    for (const [name, open] of Object.entries(SOURCES)) {
      const source: ListingSource = open({ origin: site.url, pages, clock: systemClock, retries: 0 });
      const { verdict, findings } = await checkSource(source, zipCodes, signal);
      assert.ok(findings.length > 0);
      verdicts[name] = `${verdict}: ${findings.join("; ")}`;
    }
    return verdicts;
  } finally {
    await site.close();
  }
}

async function assertVerdicts(zillow: RegExp, csv: RegExp, ...args: Parameters<typeof verdictsOf>): Promise<void> {
  const verdicts = await verdictsOf(...args);
  assert.match(verdicts["zillow-shape"] ?? "", zillow);
  assert.match(verdicts["csv-export"] ?? "", csv);
}

const asSent: Change = (html) => html;

describe("checkSource", () => {
  it("finds sites that are as they should be in order", () =>
    assertVerdicts(/^ok: \d+ listings on \d pages of zip code 02169/, /^ok: \d+ listings on 1 pages/, asSent));

  it("names what a changed site has no more", () =>
    assertVerdicts(/^changed: .*listResults is missing/, /^changed: .*column SQUARE FEET is missing/, asSent, {
      changedRateBps: 10_000,
    }));

  it("notices that a field which may be missing is missing everywhere", () =>
    assertVerdicts(
      /^changed: .*none of \d+ listings has living_area_sqft/,
      /^changed: .*none of \d+ listings has living_area_sqft/,
      (html, url) =>
        html
          .replaceAll(/"livingArea":\d+,/g, "")
          .replaceAll(/\\"livingArea\\":\d+,/g, "")
          .replaceAll(/"floorSize":\{[^}]*\},/g, "")
          .replaceAll(/^(MLS Listing(?:,[^,]*){10}),\d*,/gm, url.includes("/export/") ? "$1,," : "$&"),
    ));

  it("notices that a home's own page tells something else than the search", () =>
    assertVerdicts(
      /^changed: listing \d+: bedrooms is "\d+" in the search, but "77"/,
      /^changed: listing \d+: bedrooms is "\d+" in the search, but "77"/,
      (html) =>
        html
          .replaceAll(/\\"bedrooms\\":\d+/g, '\\"bedrooms\\":77')
          .replaceAll(/"numberOfBedrooms":\d+/g, '"numberOfBedrooms":77'),
    ));

  it("notices rows that are there and cannot be read, and homes without a page", async () => {
    await assertVerdicts(
      /^changed: .*claims \d+ results, but no listing can be read/,
      /^changed: .*claims \d+ results, but no listing can be read/,
      (html) =>
        html.replaceAll(/"addressZipcode":"\d{5}"/g, '"addressZipcode":"00000"').replaceAll(/,02169,/g, ",00000,"),
    );
    const verdicts = await verdictsOf((html) =>
      html.replaceAll('\\"property\\"', '\\"home\\"').replaceAll("ld+json", "json"),
    );
    assert.match(verdicts["zillow-shape"] ?? "", /^changed: SOURCE_CHANGED.*property is missing/);
    assert.match(verdicts["csv-export"] ?? "", /^changed: SOURCE_CHANGED.*ld\+json\] is missing/);
  });

  it("does not take a challenge, failures or an empty zip code for a change", async () => {
    await assertVerdicts(/^unreadable: SOURCE_BLOCKED/, /^unreadable: SOURCE_BLOCKED/, asSent, {
      challengeRateBps: 10_000,
    });
    await assertVerdicts(/^unreadable: UNAVAILABLE/, /^unreadable: UNAVAILABLE/, asSent, { errorRateBps: 10_000 });
    await assertVerdicts(/^unreadable: UNAVAILABLE.*cut off/, /^unreadable: UNAVAILABLE.*cut off/, asSent, {
      truncatedRateBps: 10_000,
    });
    const none: Change = (html) =>
      html
        .replace(/"totalResultCount":\d+/, '"totalResultCount":0')
        .replace(/"listResults":\[.*\](?=\},"searchList")/, '"listResults":[]')
        .replace(/homes-count">\d+/, 'homes-count">0')
        .replaceAll(/^MLS Listing.*\n/gm, "");
    await assertVerdicts(/^empty: .*any of 2 zip codes/, /^empty: /, none, {}, [ZIP_CODE, "98101"]);
  });

  it("stops with the signal's reason", async () => {
    const source = zillowShapedSource({
      origin: "http://127.0.0.1:9",
      pages: fetchPages,
      clock: systemClock,
      retries: 0,
    });
    await assert.rejects(checkSource(source, [ZIP_CODE], AbortSignal.abort(new Error("enough"))), /enough/);
  });
});
