import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { manualClock } from "../../clock/manual-clock.js";
import { CatalogueSchema } from "../../../gen/zipnet/v1/epoch_pb.js";
import type { PageReader } from "../../../core/ports.js";
import { ListingSchema, ListingStatus } from "../../../gen/zipnet/v1/listing_pb.js";
import { allPages } from "../contract.js";
import { fetchPages, openTestSite } from "../site.test-support.js";
import { zillowShapedSource } from "../zillow-shape/source.js";
import { readCsvHomes } from "./csv-homes.js";
import { UNDISTURBED } from "./disturbances.js";
import { generatedHomes } from "./generated-homes.js";
import { MAX_PAGES, PAGE_SIZE } from "./page-data.js";
import { startSite } from "./server.js";
import { main } from "./main.js";

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const { signal } = new AbortController();
const crowded = generatedHomes({ seed: "t", churnPerHourBps: 0, crowdedZipCodes: new Map([["33139", 5_000]]) });

type Site = Awaited<ReturnType<typeof openTestSite>>;

async function withSite(
  options: Parameters<typeof openTestSite>[0],
  use: (site: Site) => Promise<void>,
): Promise<void> {
  const site = await openTestSite(options);
  try {
    await use(site);
  } finally {
    await site.close();
  }
}

async function withSiteText(options: Parameters<typeof openTestSite>[0], path: string): Promise<string> {
  let text = "";
  await withSite({ clock: manualClock(NOW_MS), ...options }, async (site) => {
    text = await (await fetch(site.url + path)).text();
  });
  return text;
}

async function statusOf(site: Site, path: string): Promise<number> {
  const response = await fetch(site.url + path);
  await response.text();
  return response.status;
}

describe("the listing site", () => {
  it("answers 404 for what it does not have", () =>
    withSite({}, async (site) => {
      assert.equal(await statusOf(site, "/homes/02169_rb/"), 200);
      for (const path of [
        "/",
        "/homes/2169_rb/",
        "/homes/02169_rb/0_p/",
        "/homes/02169_rb/9_p/",
        "/homes/02169_rb",
        "/homedetails/1_zpid/",
        "/homedetails/x_zpid/",
        "/truth/2169.json",
      ]) {
        assert.equal(await statusOf(site, path), 404, path);
      }
      assert.equal(await statusOf(site, "/truth/02169.json?at=yesterday"), 400);
      assert.equal((await fetch(`${site.url}/homes/02169_rb/`, { method: "POST", body: "x" })).status, 405);
    }));

  it("shows an empty search for a zip code of which the file has no homes", async () => {
    const csv =
      "id,date,price,bedrooms,bathrooms,sqft_living,sqft_lot,floors,zipcode,lat,long\n1,20140101T000000,100000,3,1,1000,5000,1,98178,47.5,-122.2";
    await withSite({ homes: await readCsvHomes(Readable.from([csv]), "homes.csv") }, async (site) => {
      const source = zillowShapedSource({
        origin: site.url,
        pages: fetchPages,
        clock: manualClock(NOW_MS),
        retries: 0,
      });
      assert.deepEqual(await allPages(source, "10025", signal), [
        { pageNumber: 1, pageCount: 1, resultCount: 0, listings: [] },
      ]);
    });
  });

  it("shows at most 20 pages of 41, but claims the true number", () =>
    withSite({ homes: crowded }, async (site) => {
      const html = await (await fetch(`${site.url}/homes/33139_rb/`)).text();
      assert.match(html, new RegExp(`"totalResultCount":5000,"totalPages":${MAX_PAGES},"resultsPerPage":${PAGE_SIZE}`));
      assert.equal(await statusOf(site, `/homes/33139_rb/${MAX_PAGES + 1}_p/`), 404);
    }));

  it("lets 5,000 homes behind a cap of 820 be read whole, by price and place", () =>
    withSite({ homes: crowded }, async (site) => {
      let requests = 0;
      const pages: PageReader = {
        ...fetchPages,
        read: (url, ended) => ((requests += 1), fetchPages.read(url, ended)),
      };
      const source = zillowShapedSource({ origin: site.url, pages, clock: manualClock(NOW_MS), retries: 0 });
      const read = (await allPages(source, "33139", signal)).flatMap((page) => page.listings);
      const truth = crowded.onMarket("33139", NOW_MS).map(({ listing }) => listing.listingId);
      assert.equal(truth.length, 5_000);
      assert.deepEqual(read.map(({ listingId }) => listingId).sort(), truth.sort());
      assert.ok(requests < 200, `${requests} requests, 122 pages at least`);
      const last = read.at(-1);
      assert.ok(last && (await source.lookUp(last.listingId, signal)).outcome === "found");
    })).timeout(20_000);

  it("mixes a promoted home of elsewhere and a building into results, as such sites do", () =>
    withSite({}, async (site) => {
      const html = await (await fetch(`${site.url}/homes/02169_rb/`)).text();
      assert.ok(html.includes('"addressZipcode":"02170"'));
      assert.ok(html.includes('"isBuilding":true'));
    }));

  it("tells the truth of any time as contract messages", async () => {
    const homes = generatedHomes({ seed: "t", churnPerHourBps: 5_000 });
    const clock = manualClock(NOW_MS);
    await withSite({ homes, clock }, async (site) => {
      const truthAt = async (query: string) =>
        ((await (await fetch(`${site.url}/truth/02169.json${query}`)).json()) as JsonValue[]).map((json) =>
          fromJson(ListingSchema, json),
        );
      const now = await truthAt("");
      assert.deepEqual(await truthAt(`?at=${NOW_MS}`), now);
      const later = await truthAt(`?at=${NOW_MS + 5 * 3_600_000}`);
      assert.notDeepEqual(later, now);
      await clock.advanceTo(NOW_MS + 5 * 3_600_000);
      assert.deepEqual(await truthAt(""), later);
      assert.equal(later[0]?.url, `${site.url}/homedetails/${later[0]?.listingId}_zpid/`);
      const catalogue = fromJson(
        CatalogueSchema,
        (await (await fetch(`${site.url}/truth/catalogue.json`)).json()) as JsonValue,
      );
      assert.equal(catalogue.entries.length, homes.zipCodes().length);
      const entry = catalogue.entries.find(({ zipCode }) => zipCode === "02169");
      assert.equal(entry?.expectedListings, later.length);
    });
  });

  it("says of a home that has left the market that it is sold or withdrawn, and drops it from the search", async () => {
    const homes = generatedHomes({ seed: "t", churnPerHourBps: 5_000 });
    const clock = manualClock(NOW_MS);
    await withSite({ homes, clock }, async (site) => {
      const source = zillowShapedSource({ origin: site.url, pages: fetchPages, clock, retries: 0 });
      const before = (await allPages(source, "02169", signal)).flatMap((page) => page.listings);
      await clock.advanceTo(NOW_MS + 12 * 3_600_000);
      const after = new Set(
        (await allPages(source, "02169", signal)).flatMap((page) => page.listings.map(({ listingId }) => listingId)),
      );
      const gone = before.find(({ listingId }) => !after.has(listingId));
      assert.ok(gone);
      const lookUp = await source.lookUp(gone.listingId, signal);
      assert.ok(lookUp.outcome === "found");
      assert.ok([ListingStatus.SOLD, ListingStatus.OFF_MARKET].includes(lookUp.listing.status));
      assert.ok(lookUp.listing.scrapedTime && timestampMs(lookUp.listing.scrapedTime) === clock.now());
    });
  });

  it("disturbs the same part of its pages for the same seed, and never robots.txt or the truth", async () => {
    async function statuses(seed: string): Promise<number[]> {
      const all: number[] = [];
      await withSite({ seed, errorRateBps: 3_000, challengeRateBps: 1_000 }, async (site) => {
        for (let i = 0; i < 60; i += 1) all.push(await statusOf(site, "/homes/02169_rb/"));
        for (let i = 0; i < 10; i += 1) assert.equal(await statusOf(site, "/robots.txt"), 200);
        for (let i = 0; i < 10; i += 1) assert.equal(await statusOf(site, "/truth/02169.json"), 200);
      });
      return all;
    }
    const first = await statuses("a");
    assert.deepEqual(await statuses("a"), first);
    assert.notDeepEqual(await statuses("b"), first);
    const count = (status: number) => first.filter((found) => found === status).length;
    const errors = [count(500), count(503)];
    assert.ok(
      errors.every((found) => found > 2 && found < 18),
      errors.join(),
    );
    assert.ok(count(403) > 1 && count(403) < 14, `${count(403)}`);
  });

  it("cuts pages off, changes their shape and never answers, as often as it is told", async () => {
    const path = "/homes/02169_rb/";
    const whole = await withSiteText({}, path);
    const cutOff = await withSiteText({ truncatedRateBps: 10_000 }, path);
    assert.ok(cutOff.length < whole.length && whole.startsWith(cutOff));
    const changed = await withSiteText({ changedRateBps: 10_000 }, path);
    assert.ok(whole.includes('"listResults"') && !changed.includes('"listResults"'));
    await withSite({ changedAfterPages: 2 }, async (site) => {
      const texts = [];
      for (let i = 0; i < 4; i += 1) texts.push(await (await fetch(site.url + path)).text());
      const isChanged = texts.map((text) => !text.includes('"listResults"'));
      assert.deepEqual(isChanged, [false, false, true, true]);
    });
    await withSite({ limitedRateBps: 10_000, retryAfterSeconds: 90 }, async (site) => {
      const response = await fetch(site.url + path);
      await response.text();
      assert.deepEqual([response.status, response.headers.get("retry-after")], [429, "90"]);
    });
    await withSite({ stallRateBps: 10_000 }, async (site) => {
      const reading = fetch(site.url + path, { signal: AbortSignal.timeout(300) });
      await assert.rejects(reading, /timeout/);
      assert.equal(await statusOf(site, "/robots.txt"), 200);
    });
  });

  it("waits before a page for as long as it is told", async () => {
    const clock = manualClock(NOW_MS);
    await withSite({ clock, latencyMs: 300 }, async (site) => {
      const answered = statusOf(site, "/homes/02169_rb/").then((status) => ({ status, timeMs: clock.now() }));
      const state = { done: false };
      const watched = answered.finally(() => (state.done = true));
      while (!state.done) {
        await new Promise((resolve) => setImmediate(resolve));
        await clock.advanceTo(clock.now() + 1);
      }
      const { status, timeMs } = await watched;
      assert.equal(status, 200);
      assert.ok(timeMs >= NOW_MS + 300);
    });
  });

  it("closes with the signal, and rejects when its port is taken", async () => {
    const site = await openTestSite();
    const options = {
      host: "127.0.0.1",
      port: site.port,
      homes: site.homes,
      clock: manualClock(0),
      latencyMs: 0,
      ...UNDISTURBED,
      seed: "",
    };
    await assert.rejects(startSite(options, signal), /EADDRINUSE/);
    await site.close();
    await assert.rejects(fetch(site.url));
  });
});

describe("zipnet site", () => {
  it("names all mistakes of its configuration at once", async () => {
    const raw = { ZIPNET_LISTEN_PORT: "x", ZIPNET_CHURN_PER_HOUR_BPS: "10001", ZIPNET_ERROR_RATE_BPS: "-1" };
    await assert.rejects(
      main(raw, signal),
      /ZIPNET_LISTEN_PORT[\s\S]*ZIPNET_CHURN_PER_HOUR_BPS[\s\S]*ZIPNET_ERROR_RATE_BPS/,
    );
  });

  it("serves until its signal is aborted", async () => {
    const probe = await openTestSite();
    await probe.close();
    const controller = new AbortController();
    const raw = { ZIPNET_LISTEN_PORT: String(probe.port), ZIPNET_LOG_LEVEL: "error" };
    const running = main(raw, controller.signal);
    const robots = await firstAnswer(`${probe.url}/robots.txt`);
    assert.match(await robots.text(), /Disallow: \/agents\//);
    controller.abort();
    await running;
    await assert.rejects(fetch(probe.url));
  });
});

/** Asks until something listens. */
async function firstAnswer(url: string): Promise<Response> {
  for (;;) {
    const response = await fetch(url).catch(() => undefined);
    if (response !== undefined) return response;
  }
}
