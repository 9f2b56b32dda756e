import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { toJson } from "@bufbuild/protobuf";
import { ZipnetError } from "../../../core/errors.js";
import { ListingSchema } from "../../../gen/zipnet/v1/listing_pb.js";
import { readDetailPage } from "./detail-page.js";
import { priceFromText } from "./home-info.js";
import { readSearchPage } from "./search-page.js";

const ORIGIN = "https://homes.example";
const SCRAPED_MS = Date.UTC(2026, 10, 22, 12);

function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8");
}

/** Compares with a saved answer. */
function assertGolden(name: string, value: unknown): void {
  assert.deepEqual(value, JSON.parse(fixture(name)));
}

function search(html: string, zipCode: string): ReturnType<typeof readSearchPage> {
  const url = `${ORIGIN}/homes/${zipCode}_rb/`;
  return readSearchPage(html, { origin: ORIGIN, zipCode, url, scrapedTimeMs: SCRAPED_MS });
}

function searchJson(name: string, zipCode: string): object {
  const { listings, ...rest } = search(fixture(name), zipCode);
  return { ...rest, listings: listings.map((listing) => toJson(ListingSchema, listing)) };
}

function detail(html: string, listingId: string): ReturnType<typeof readDetailPage> {
  return readDetailPage(html, {
    listingId,
    url: `${ORIGIN}/homedetails/${listingId}_zpid/`,
    scrapedTimeMs: SCRAPED_MS,
  });
}

function assertChanged(run: () => unknown, path: string): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ZipnetError, String(error));
    assert.equal(error.reason, "SOURCE_CHANGED");
    assert.equal(error.metadata["path"], path);
    assert.ok(error.message.includes(path));
    return true;
  });
}

const ROWS = "props.pageProps.searchPageState.cat1.searchResults.listResults";
const CACHE = "props.pageProps.componentProps.gdpClientCache";

describe("search pages", () => {
  it("reads a saved page", () => assertGolden("search.json", searchJson("search.html", "31087")));

  it("reads rows with traps", () => assertGolden("traps.json", searchJson("traps.html", "02138")));

  it("builds addresses from ids, never from the page", () => {
    for (const listing of search(fixture("traps.html"), "02138").listings) {
      assert.equal(listing.url, `${ORIGIN}/homedetails/${listing.listingId}_zpid/`);
    }
  });

  it("names what is missing from a page", () => {
    assertChanged(() => search("<html></html>", "02138"), "script#__NEXT_DATA__");
    assertChanged(() => search('<script id="__NEXT_DATA__">{"props":</script>', "02138"), "script#__NEXT_DATA__");
    const renamed = (from: string, to: string) => fixture("search.html").replaceAll(`"${from}"`, `"${to}"`);
    assertChanged(() => search(renamed("searchPageState", "state"), "31087"), "props.pageProps.searchPageState");
    assertChanged(() => search(renamed("listResults", "rows"), "31087"), ROWS);
    assertChanged(() => search(renamed("hdpData", "hdp"), "31087"), `${ROWS}.0.hdpData`);
    assertChanged(() => search(renamed("homeStatus", "state2"), "31087"), `${ROWS}.0.hdpData.homeInfo.homeStatus`);
    assertChanged(
      () => search(fixture("search.html").replace('"homeStatus": "FOR_SALE"', '"homeStatus": "COMING"'), "31087"),
      `${ROWS}.0.hdpData.homeInfo.homeStatus`,
    );
    const unpriced = fixture("search.html").replaceAll(/"(price|unformattedPrice)":/g, '"amount":');
    assertChanged(() => search(unpriced, "31087"), `${ROWS}.0.hdpData.homeInfo.price`);
  });
});

describe("detail pages", () => {
  it("reads a saved page", () => {
    assertGolden("detail.json", toJson(ListingSchema, detail(fixture("detail.html"), "431087000459")));
  });

  it("gives the same fields as the row of the same home", () => {
    const row = search(fixture("search.html"), "31087").listings.find(({ listingId }) => listingId === "431087000459");
    assert.deepEqual(detail(fixture("detail.html"), "431087000459"), row);
  });

  it("takes the change of price from the history when it stands nowhere else", () => {
    const html = fixture("detail.html");
    const without = html.replace('\\"datePriceChanged\\":1792888335256,', "");
    assert.notEqual(without, html);
    assert.deepEqual(detail(without, "431087000459"), detail(html, "431087000459"));
  });

  it("names what is missing or does not belong", () => {
    const html = fixture("detail.html");
    assertChanged(() => detail(html.replace("gdpClientCache", "cache"), "431087000459"), CACHE);
    assertChanged(() => detail(html.replace('\\"property\\"', '\\"home\\"'), "431087000459"), `${CACHE}.*.property`);
    assertChanged(() => detail(html.replace('\\"city\\"', '\\"town\\"'), "431087000459"), `${CACHE}.*.property.city`);
    assertChanged(() => detail(html, "431087000460"), `${CACHE}.*.property.zpid`);
    assertChanged(() => detail(html.replace('"gdpClientCache": "{', '"gdpClientCache": "'), "431087000459"), CACHE);
  });
});

describe("priceFromText", () => {
  it("reads whole dollars and nothing that it could misread", () => {
    assert.equal(priceFromText("$634,500"), 634_500);
    assert.equal(priceFromText("$2,548+"), 2_548);
    assert.equal(priceFromText("$1,900/mo"), 1_900);
    assert.equal(priceFromText("$900"), 900);
    for (const text of ["--", "", "Call", "$1.2M", "$950K", "634,500"])
      assert.equal(priceFromText(text), undefined, text);
  });
});
