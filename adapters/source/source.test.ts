import assert from "node:assert/strict";
import { create, fromJson, toJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { chromiumPages, findChromium } from "../browser/chromium.js";
import { systemClock } from "../clock/system-clock.js";
import { manualClock } from "../clock/manual-clock.js";
import { ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import type { PageReader } from "../../core/ports.js";
import { allPages, listingSourceContract } from "./contract.js";
import type { SourceUnderTest } from "./contract.js";
import { csvExportSource } from "./csv-export/source.js";
import { inventedSource } from "./invented/invented-source.js";
import { generatedHomes } from "./site/generated-homes.js";
import { fetchPages, fullestZipCode, openTestSite } from "./site.test-support.js";
import { zillowShapedSource } from "./zillow-shape/source.js";

let exportSite: Awaited<ReturnType<typeof openTestSite>> | undefined;
const { signal } = new AbortController();

function zillowContract(name: string, openPages: () => Promise<PageReader>): void {
  let close = async (): Promise<void> => {};
  async function open(): Promise<SourceUnderTest> {
    const site = await openTestSite();
    const pages = await openPages();
    close = async () => {
      await pages.close();
      await site.close();
    };
    const zipCode = fullestZipCode(site.homes, systemClock.now());
    return {
      source: zillowShapedSource({ origin: site.url, pages, clock: systemClock, retries: 0 }),
      zipCode,
      expectedIds: site.homes.onMarket(zipCode, systemClock.now()).map(({ listing }) => listing.listingId),
      unknownId: "123456789",
      html: async (url) => (await fetch(url)).text(),
    };
  }
  listingSourceContract(name, open, () => close());
}

zillowContract("Zillow-shaped pages without a browser", async () => fetchPages);

const chromium = ((): string | undefined => {
  try {
    return findChromium();
  } catch {
    return undefined;
  }
})();
if (chromium === undefined) {
  it.skip("ListingSource contract: Zillow-shaped pages in Chromium (skipped: found no Chromium)");
} else {
  zillowContract("Zillow-shaped pages in Chromium", () =>
    chromiumPages({ userAgent: "zipnet-test/0", proxies: [], timeoutMs: 15_000, executablePath: chromium }),
  );
}

/** More than one export's homes. */
const FULL_ZIP_CODE = "33139";

listingSourceContract(
  "exports as CSV",
  async () => {
    const crowdedZipCodes = new Map([[FULL_ZIP_CODE, 700]]);
    const homes = generatedHomes({ seed: "test", churnPerHourBps: 0, crowdedZipCodes });
    exportSite = await openTestSite({ homes });
    return {
      source: csvExportSource({ origin: exportSite.url, pages: fetchPages, clock: systemClock, retries: 0 }),
      zipCode: FULL_ZIP_CODE,
      expectedIds: homes.onMarket(FULL_ZIP_CODE, systemClock.now()).map(({ listing }) => listing.listingId),
      unknownId: "123456789",
      html: async (url) => (await fetch(url)).text(),
    };
  },
  async () => exportSite?.close(),
);

listingSourceContract("made up", async () => {
  const source = inventedSource({ origin: "http://127.0.0.1:1", clock: manualClock(1_795_000_000_000), seed: "a" });
  const zipCode = "10025";
  const ids = (await allPages(source, zipCode, signal)).flatMap((page) =>
    page.listings.map((listing) => listing.listingId),
  );
  return { source, zipCode, expectedIds: ids, unknownId: "123456789" };
});

describe("what is read from the site", () => {
  it("equals the site's truth, field for field", async () => {
    const site = await openTestSite({ homes: generatedHomes({ seed: "truth", churnPerHourBps: 200 }) });
    try {
      const source = zillowShapedSource({ origin: site.url, pages: fetchPages, clock: systemClock, retries: 0 });
      for (const zipCode of ["02169", "98101", "00601", "12345", fullestZipCode(site.homes, systemClock.now())]) {
        const read = (await allPages(source, zipCode, signal)).flatMap((page) => page.listings);
        const atMs = read[0]?.scrapedTime && timestampMs(read[0].scrapedTime);
        const response = await fetch(`${site.url}/truth/${zipCode}.json?at=${atMs}`);
        const truth = ((await response.json()) as JsonValue[]).map((json) => fromJson(ListingSchema, json));
        assert.ok(truth.length >= 3);
        assert.deepEqual(read.map(withoutScrapedTime), truth.map(withoutScrapedTime));
      }
    } finally {
      await site.close();
    }
  });

  it("is the same by the search pages and by the export, but for what an export leaves out", async () => {
    const site = await openTestSite();
    try {
      const options = { origin: site.url, pages: fetchPages, clock: systemClock, retries: 0 };
      for (const zipCode of ["02169", "98101", fullestZipCode(site.homes, systemClock.now())]) {
        const both = [zillowShapedSource(options), csvExportSource(options)].map((source) =>
          allPages(source, zipCode, signal),
        );
        const [byPages, byExport] = (await Promise.all(both)).map((pages) =>
          pages.flatMap((page) => page.listings).sort((a, b) => (a.listingId < b.listingId ? -1 : 1)),
        );
        const nothing = { brokerName: undefined, taxAssessedValueUsd: undefined, priceChangedTime: undefined };
        const ownAddress = { url: undefined, scrapedTime: undefined };
        const same = (listing: Listing) =>
          toJson(ListingSchema, create(ListingSchema, { ...listing, ...nothing, ...ownAddress, url: "" }));
        assert.deepEqual(byExport?.map(same), byPages?.map(same));
      }
    } finally {
      await site.close();
    }
  });

  it("holds nothing that the made-up source invents", async () => {
    const site = await openTestSite();
    try {
      const real = zillowShapedSource({ origin: site.url, pages: fetchPages, clock: systemClock, retries: 0 });
      const invented = inventedSource({ origin: site.url, clock: systemClock, seed: "liar" });
      const pages = await allPages(invented, "02169", signal);
      for (const { listingId } of pages.flatMap((page) => page.listings)) {
        assert.equal((await real.lookUp(listingId, signal)).outcome, "absent");
      }
    } finally {
      await site.close();
    }
  });
});

function withoutScrapedTime(listing: Listing): object {
  return { ...listing, scrapedTime: undefined };
}
