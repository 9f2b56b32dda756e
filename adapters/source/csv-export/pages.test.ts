import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { toJson } from "@bufbuild/protobuf";
import { violationsOf } from "../../../core/constraints.js";
import { ZipnetError } from "../../../core/errors.js";
import { ListingSchema } from "../../../gen/zipnet/v1/listing_pb.js";
import { exportUrl } from "./addresses.js";
import { readExport } from "./export-file.js";
import { readHomePage } from "./home-page.js";
import { readZipCodePage } from "./zip-code-page.js";

const ORIGIN = "https://homes.example";
const SCRAPED_MS = Date.UTC(2026, 10, 22, 12);
const ID = "131087000932";

function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8");
}

function exported(text: string): ReturnType<typeof readExport> {
  return readExport(text, { origin: ORIGIN, zipCode: "31087", url: "the export", scrapedTimeMs: SCRAPED_MS });
}

function home(html: string, listingId = ID): ReturnType<typeof readHomePage> {
  return readHomePage(html, {
    origin: ORIGIN,
    listingId,
    url: `${ORIGIN}/home/${listingId}`,
    scrapedTimeMs: SCRAPED_MS,
  });
}

function assertChanged(run: () => unknown, path: string): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ZipnetError, String(error));
    assert.equal(error.reason, "SOURCE_CHANGED");
    assert.equal(error.metadata["path"], path);
    return true;
  });
}

describe("exports", () => {
  it("gives the rows of the zip code that have a price, once, and leaves the disclaimer out", () => {
    const { rowCount, listings } = exported(fixture("export.txt"));
    assert.equal(rowCount, 10);
    assert.deepEqual(
      listings.map((listing) => toJson(ListingSchema, listing)),
      JSON.parse(fixture("export.json")),
    );
    for (const listing of listings) assert.deepEqual(violationsOf(ListingSchema, listing), []);
  });

  it("reads an export without homes", () => {
    const [header = "", disclaimer = ""] = fixture("export.txt").split("\n");
    assert.deepEqual(exported(`${header}\n${disclaimer}\n`), { rowCount: 0, listings: [] });
    assert.deepEqual(exported(`${header}\n`), { rowCount: 0, listings: [] });
  });

  it("does not care for the order of columns, nor for others", () => {
    const turned = fixture("export.txt")
      .split("\n")
      .map((line, index) => (line === "" || index === 1 ? line : `${index === 0 ? "NEW COLUMN" : "x"},${line}`))
      .join("\n");
    assert.deepEqual(exported(turned), exported(fixture("export.txt")));
  });

  it("names what is not as expected", () => {
    const text = fixture("export.txt");
    assertChanged(() => exported(text.replace(",BEDS,", ",ROOMS,")), "column BEDS");
    assertChanged(() => exported("<html></html>\n"), `column ${MISSING_ALL}`);
    assertChanged(() => exported(text.replace(",1392000,", ",1.392M,")), "row 2, column PRICE");
    assertChanged(() => exported(text.replace(",Active,", ",Dreaming,")), "row 2, column STATUS");
    assertChanged(() => exported(text.replace(`/home/${ID}`, `/place/${ID}`)), "row 2, column URL");
    assertChanged(() => exported(`${text}"`), "the export");
  });
});

const MISSING_ALL =
  "PROPERTY TYPE, ADDRESS, CITY, STATE OR PROVINCE, ZIP OR POSTAL CODE, PRICE, BEDS, BATHS, SQUARE FEET, LOT SIZE, DAYS ON MARKET, STATUS, LATITUDE, LONGITUDE, URL";

describe("pages of zip codes", () => {
  it("name their region and count", () => {
    const html = fixture("zip-code.html");
    assert.equal(readZipCodePage(html, "x").regionId, "131087");
    assert.equal(readZipCodePage(html.replace(/(homes-count">)\d+/, "$112,345"), "x").resultCount, 12_345);
    assertChanged(() => readZipCodePage(html.replace("download-and-save", "save"), "x"), "a#download-and-save");
    assertChanged(() => readZipCodePage(html.replace("region_id", "area"), "x"), "a#download-and-save");
    assertChanged(() => readZipCodePage(html.replace("homes-count", "count"), "x"), ".homes-count");
  });
});

describe("pages of homes", () => {
  it("give the same fields as the row of the same home", () => {
    const row = exported(fixture("export.txt")).listings.find(({ listingId }) => listingId === ID);
    assert.deepEqual(home(fixture("home.html")), row);
  });

  it("names what is missing or does not belong", () => {
    const html = fixture("home.html");
    assertChanged(() => home(html.replace("ld+json", "json")), "script[type=application/ld+json]");
    assertChanged(() => home(html.replace('"offers"', '"offer"')), "offers");
    assertChanged(() => home(html.replace('"FTK"', '"MTK"')), "mainEntity.floorSize.unitCode");
    assertChanged(() => home(html.replace('"Active"', '"Dreaming"')), "additionalProperty.STATUS");
    assertChanged(() => home(html, "131087000933"), "sku");
  });
});

describe("addresses of exports", () => {
  it("say what is narrowed", () => {
    const bounds = { west: -83_050_301, south: 33_220_301, east: -82_950_301, north: 33_320_301 };
    assert.equal(
      exportUrl(ORIGIN, "131087", 350, { minPriceUsd: 1, maxPriceUsd: 2, bounds }),
      `${ORIGIN}/export/gis-csv?region_id=131087&region_type=2&num_homes=350&min_price=1&max_price=2&west=-83.050301&south=33.220301&east=-82.950301&north=33.320301`,
    );
  });
});
