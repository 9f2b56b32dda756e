import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { ZipnetError } from "../../../core/errors.js";
import { violationsOf } from "../../../core/constraints.js";
import { CatalogueSchema } from "../../../gen/zipnet/v1/epoch_pb.js";
import { HomeType, ListingSchema, ListingStatus } from "../../../gen/zipnet/v1/listing_pb.js";
import { siteCatalogueEntries } from "./catalogue.js";
import { readCsvHomes } from "./csv-homes.js";
import { generatedHomes } from "./generated-homes.js";
import type { Home, Homes } from "./home.js";
import { ANCHOR_MS } from "./life.js";
import { nearestPlace, PLACES, placeOf, stateOf } from "./place-of.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = Date.UTC(2026, 10, 22, 12);

const anyZipCode = fc.nat(99_999).map((number) => String(number).padStart(5, "0"));
const anyTime = fc.integer({ min: ANCHOR_MS - 400 * DAY_MS, max: ANCHOR_MS + 2_000 * DAY_MS });
const anyChurn = fc.constantFrom(0, 1, 10, 500, 10_000);

function ids(homes: readonly Home[]): string[] {
  return homes.map(({ listing }) => listing.listingId);
}

describe("made-up homes", () => {
  it("are a pure function of seed, zip code and time, found again by their ids", () => {
    fc.assert(
      fc.property(anyZipCode, anyTime, anyChurn, (zipCode, timeMs, churnPerHourBps) => {
        const homes = generatedHomes({ seed: "a", churnPerHourBps });
        const shown = homes.onMarket(zipCode, timeMs);
        assert.deepEqual(generatedHomes({ seed: "a", churnPerHourBps }).onMarket(zipCode, timeMs), shown);
        assert.equal(homes.countOnMarket(zipCode, timeMs), shown.length);
        assert.equal(new Set(ids(shown)).size, shown.length);
        assert.deepEqual(homes.onMarket(zipCode, timeMs, 2, 4), shown.slice(2, 4));
        for (const home of shown.slice(0, 5)) assert.deepEqual(homes.home(home.listing.listingId, timeMs), home);
      }),
      { numRuns: 25 },
    );
  });

  it("crowd the zip codes that they are told to, and are found again by their ids", () => {
    const crowdedZipCodes = new Map([["33139", 2_500]]);
    for (const churnPerHourBps of [0, 2_000]) {
      const homes = generatedHomes({ seed: "a", churnPerHourBps, crowdedZipCodes });
      const shown = homes.onMarket("33139", NOW_MS);
      assert.ok(shown.length > 2_000, `${shown.length}`);
      assert.equal(new Set(ids(shown)).size, shown.length);
      for (const home of shown.filter((_, index) => index % 97 === 0)) {
        assert.deepEqual(homes.home(home.listing.listingId, NOW_MS), home);
      }
      const usual = generatedHomes({ seed: "a", churnPerHourBps });
      assert.deepEqual(homes.onMarket("02169", NOW_MS), usual.onMarket("02169", NOW_MS));
    }
  });

  it("are listings that the contract allows", () => {
    fc.assert(
      fc.property(anyZipCode, anyChurn, (zipCode, churnPerHourBps) => {
        for (const { listing } of generatedHomes({ seed: "b", churnPerHourBps }).onMarket(zipCode, NOW_MS, 0, 20)) {
          const served = create(ListingSchema, {
            ...listing,
            url: `http://127.0.0.1${listing.url}`,
            scrapedTime: timestampFromMs(NOW_MS),
          });
          assert.deepEqual(violationsOf(ListingSchema, served), []);
          assert.equal(listing.zipCode, zipCode);
          assert.equal(listing.homeType === HomeType.LOT, listing.bedrooms === undefined);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("come in realistic numbers: 5 to 600 a zip code, about 60 in the middle", () => {
    const homes = generatedHomes({ seed: "c", churnPerHourBps: 0 });
    const counts = homes.zipCodes().map((zipCode) => homes.countOnMarket(zipCode, NOW_MS));
    counts.sort((a, b) => a - b);
    const median = counts[Math.floor(counts.length / 2)] ?? 0;
    assert.ok(median > 45 && median < 90, `median ${median}`);
    assert.ok((counts[0] ?? 0) >= 4 && (counts.at(-1) ?? 0) <= 600);
    assert.ok(counts.length >= 400);
  });

  it("never change without churn", () => {
    const homes = generatedHomes({ seed: "d", churnPerHourBps: 0 });
    const plain = (timeMs: number) =>
      homes.onMarket("02169", timeMs).map(({ listing }) => ({ ...listing, daysOnMarket: undefined }));
    assert.deepEqual(plain(NOW_MS + 300 * DAY_MS), plain(NOW_MS));
  });

  it("change as fast as they are told to: six in ten events are prices, two go, two come", () => {
    const churnPerHourBps = 1_000;
    const homes = generatedHomes({ seed: "e", churnPerHourBps });
    let before = 0;
    const events = { changed: 0, left: 0, came: 0 };
    for (const zipCode of homes.zipCodes().slice(0, 50)) {
      const old = new Map(
        homes.onMarket(zipCode, NOW_MS).map((home) => [home.listing.listingId, home.listing.priceUsd]),
      );
      const next = new Map(
        homes.onMarket(zipCode, NOW_MS + HOUR_MS).map((home) => [home.listing.listingId, home.listing.priceUsd]),
      );
      before += old.size;
      for (const [id, price] of old) {
        if (!next.has(id)) events.left += 1;
        else if (next.get(id) !== price) events.changed += 1;
      }
      for (const id of next.keys()) if (!old.has(id)) events.came += 1;
    }
    const expected = (before * churnPerHourBps) / 10_000;
    const near = (found: number, part: number) =>
      assert.ok(
        Math.abs(found - expected * part) < expected * part * 0.35,
        `${found}, expected about ${expected * part}`,
      );
    near(events.changed, 0.6);
    near(events.left, 0.2);
    near(events.came, 0.2);
  });

  it("keep what does not change over a home's life, tell every price, and end as sold or withdrawn", () => {
    const homes = generatedHomes({ seed: "f", churnPerHourBps: 2_000 });
    const ends = new Set<ListingStatus>();
    for (const { listing } of homes.onMarket("60601", NOW_MS, 0, 25)) {
      let last: Home | undefined;
      for (let timeMs = NOW_MS; timeMs < NOW_MS + 40 * HOUR_MS; timeMs += HOUR_MS) {
        const home = homes.home(listing.listingId, timeMs);
        assert.ok(home);
        assert.equal(home.listing.streetAddress, listing.streetAddress);
        assert.equal(home.listing.taxAssessedValueUsd, listing.taxAssessedValueUsd);
        assert.equal(home.priceHistory.at(-1)?.priceUsd, home.listing.priceUsd);
        assert.deepEqual(home.priceHistory.slice(0, last?.priceHistory.length ?? 0), last?.priceHistory ?? []);
        const { priceChangedTime } = home.listing;
        assert.equal(priceChangedTime !== undefined, home.priceHistory.length > 1);
        if (priceChangedTime) assert.equal(timestampMs(priceChangedTime), home.priceHistory.at(-1)?.timeMs);
        last = home;
      }
      assert.ok(last);
      ends.add(last.listing.status);
      assert.ok(!ids(homes.onMarket("60601", NOW_MS + 40 * HOUR_MS)).includes(listing.listingId));
    }
    assert.deepEqual([...ends].sort(), [ListingStatus.SOLD, ListingStatus.OFF_MARKET].sort());
  });

  it("do not exist under an id that somebody thought up, or before they come", () => {
    const homes = generatedHomes({ seed: "g", churnPerHourBps: 5_000 });
    const known = ids(homes.onMarket("02169", NOW_MS))[0] ?? "";
    assert.ok(homes.home(known, NOW_MS));
    assert.equal(homes.home(known, NOW_MS - 100 * DAY_MS), undefined);
    assert.equal(homes.home(String(BigInt(known) + 1n), NOW_MS), undefined);
    for (const id of ["", "0", "1", "123456789", "9".repeat(20), `0${known}`])
      assert.equal(homes.home(id, NOW_MS), undefined);
  });
});

describe("places", () => {
  it("cover every state, exactly where built in and plausibly elsewhere", () => {
    assert.ok(new Set(PLACES.map((place) => place.state)).size >= 51);
    for (const place of PLACES) {
      assert.equal(stateOf(place.zipCode), place.state, place.zipCode);
      assert.deepEqual(placeOf(place.zipCode), place);
    }
    assert.equal(placeOf("99999").state, "AK");
    assert.equal(placeOf("00601").state, "PR");
    assert.equal(nearestPlace(47.61, -122.33).city, "Seattle");
  });

  it("make catalogue entries that the contract allows", () => {
    const homes = generatedHomes({ seed: "h", churnPerHourBps: 10 });
    const entries = siteCatalogueEntries(homes, homes.zipCodes(), NOW_MS);
    assert.deepEqual(violationsOf(CatalogueSchema, create(CatalogueSchema, { entries })), []);
    for (const { zipCode, expectedListings } of entries.slice(0, 20)) {
      assert.equal(expectedListings, homes.onMarket(zipCode ?? "", NOW_MS).length);
    }
  });
});

const HEADER = "id,date,price,bedrooms,bathrooms,sqft_living,sqft_lot,floors,waterfront,zipcode,lat,long";

function csv(...lines: string[]): Promise<Homes> {
  return readCsvHomes(Readable.from([[HEADER, ...lines].join("\n")]), "homes.csv");
}

describe("homes of a CSV file", () => {
  it("are served as they stand there, with addresses derived from their position", async () => {
    const homes = await csv(
      '"0007129300","20141013T000000",221900,3,2.25,1180,5650,1,0,98178,47.5112,-122.257',
      "42,20141209T000000,538000.0,0,0,2570,1200,2,0,98101,47.61,-122.33",
    );
    assert.deepEqual(homes.zipCodes(), ["98101", "98178"]);
    const [home] = homes.onMarket("98178", NOW_MS);
    assert.ok(home);
    const { $typeName: _typeName, streetAddress, city, daysOnMarket, ...rest } = home.listing;
    assert.deepEqual(rest, {
      listingId: "7129300",
      url: "/homedetails/7129300_zpid/",
      zipCode: "98178",
      state: "WA",
      status: ListingStatus.FOR_SALE,
      homeType: HomeType.SINGLE_FAMILY,
      priceUsd: 221_900,
      bedrooms: 3,
      bathrooms: 2.25,
      livingAreaSqft: 1_180,
      lotAreaSqft: 5_650,
      latitude: 47.5112,
      longitude: -122.257,
    });
    assert.match(streetAddress, /^\d+ \w/);
    assert.ok(city.length > 0);
    assert.equal(daysOnMarket, Math.floor((NOW_MS - Date.UTC(2014, 9, 13)) / DAY_MS));
    assert.equal(homes.home("42", NOW_MS)?.listing.homeType, HomeType.TOWNHOUSE);
    assert.equal(homes.home("42", NOW_MS)?.listing.bedrooms, 0);
    assert.equal(homes.home("43", NOW_MS), undefined);
    assert.deepEqual(homes.home("42", NOW_MS + 99 * DAY_MS)?.priceHistory, homes.home("42", NOW_MS)?.priceHistory);
  });

  it("count once when they were sold twice, with the later sale, in whatever order", async () => {
    const older = "1,20140101T000000,100000,3,1,1000,5000,1,0,98178,47.5,-122.2";
    const newer = "1,20150101T000000,200000,3,1,1000,5000,1,0,98178,47.5,-122.2";
    for (const lines of [
      [older, newer],
      [newer, older],
    ]) {
      const homes = await csv(...lines);
      assert.equal(homes.countOnMarket("98178", NOW_MS), 1);
      assert.equal(homes.home("1", NOW_MS)?.listing.priceUsd, 200_000);
    }
  });

  it("are refused with line and column when they are not in the format", async () => {
    const cases: readonly (readonly [string[], RegExp])[] = [
      [["1,20140101T000000,cheap,3,1,1000,5000,1,0,98178,47.5,-122.2"], /homes\.csv line 2: column price is "cheap"/],
      [
        ["1,20140101T000000,100000,3,1,1000,5000,1,0,9817,47.5,-122.2"],
        /line 2: column zipcode is "9817".*five digits/,
      ],
      [["x1,20140101T000000,1,3,1,1000,5000,1,0,98178,47.5,-122.2"], /column id/],
      [["1,20140101T000000,100000"], /homes\.csv.*/],
      [[], /has no homes/],
    ];
    for (const [lines, message] of cases) {
      await assert.rejects(csv(...lines), (error) => {
        assert.ok(error instanceof ZipnetError && error.reason === "FILE_UNREADABLE");
        assert.match(error.message, message);
        return true;
      });
    }
    const noZip = readCsvHomes(Readable.from(["id,date,price\n1,20140101,5"]), "homes.csv");
    await assert.rejects(noZip, /column bedrooms is missing/);
  });
});
