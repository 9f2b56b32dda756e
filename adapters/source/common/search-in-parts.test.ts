import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ZipnetError } from "../../../core/errors.js";
import type { SearchPage } from "../../../core/ports.js";
import { ListingSchema } from "../../../gen/zipnet/v1/listing_pb.js";
import { type Bounds, type Part, WHOLE, isWithin, partsOf } from "./parts.js";
import { type PartPage, searchInParts } from "./search-in-parts.js";

interface Home {
  readonly id: number;
  readonly priceUsd: number;
  /** In millionths of a degree, fractions allowed; absent for homes that are not on the map. */
  readonly latitude?: number;
  readonly longitude?: number;
}

const exactly = ({ west, south, east, north }: Bounds, latitude: number, longitude: number): boolean =>
  longitude >= west && longitude <= east && latitude >= south && latitude <= north;

function holds({ minPriceUsd, maxPriceUsd, bounds }: Part, home: Home): boolean {
  if (home.priceUsd < minPriceUsd || home.priceUsd > (maxPriceUsd ?? Infinity)) return false;
  if (bounds === undefined) return true;
  return home.latitude !== undefined && home.longitude !== undefined && exactly(bounds, home.latitude, home.longitude);
}

/** A site that shows `pages` pages of `size` results of every search. */
function siteOf(homes: readonly Home[], size: number, pages: number, around?: Bounds) {
  const asked: { part: Part; pageNumber: number }[] = [];
  const read = async (part: Part, pageNumber: number): Promise<PartPage> => {
    asked.push({ part, pageNumber });
    const results = homes.filter((home) => holds(part, home));
    const pageCount = Math.min(pages, Math.max(1, Math.ceil(results.length / size)));
    const listings = results.slice((pageNumber - 1) * size, Math.min(pageNumber, pageCount) * size).map((home) =>
      create(ListingSchema, {
        listingId: String(home.id),
        priceUsd: home.priceUsd,
        ...(home.latitude !== undefined && { latitude: home.latitude / 1e6 }),
        ...(home.longitude !== undefined && { longitude: home.longitude / 1e6 }),
      }),
    );
    return { listings, url: "x", resultCount: results.length, pageCount, shownCount: pageCount * size, around };
  };
  return { read, asked };
}

async function collect(site: ReturnType<typeof siteOf>) {
  const pages: SearchPage[] = [];
  for await (const page of searchInParts(site.read)) pages.push(page);
  return {
    pages,
    ids: pages.flatMap((page) => page.listings.map(({ listingId }) => Number(listingId))),
    hidden: pages.at(-1)?.hiddenCount ?? 0,
  };
}

/** Homes whose prices and positions are spread, in few places, or all the same. */
const homesArbitrary = fc
  .record({
    count: fc.integer({ min: 0, max: 160 }),
    prices: fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 4_294_967_295 })), {
      minLength: 1,
      maxLength: 6,
    }),
    places: fc.array(
      fc.oneof(
        fc.constant(undefined),
        fc.record({
          latitude: fc.oneof(
            fc.integer({ min: 47_600_000, max: 47_600_003 }),
            fc.double({ min: -9e7, max: 9e7, noNaN: true }),
          ),
          longitude: fc.oneof(
            fc.integer({ min: -122_300_003, max: -122_300_000 }),
            fc.double({ min: -1.8e8, max: 1.8e8, noNaN: true }),
          ),
        }),
      ),
      { minLength: 1, maxLength: 8 },
    ),
    picks: fc.array(fc.nat(), { minLength: 160, maxLength: 160 }),
  })
  .map(({ count, prices, places, picks }): Home[] =>
    Array.from({ length: count }, (_, index) => ({
      id: index + 1,
      priceUsd: prices[(picks[index] ?? 0) % prices.length] ?? 1,
      ...places[((picks[159 - index] ?? 0) >>> 3) % places.length],
    })),
  );

const aroundArbitrary = fc.option(
  fc.record({
    west: fc.integer({ min: -180_000_000, max: 180_000_000 }),
    south: fc.integer({ min: -90_000_000, max: 90_000_000 }),
    east: fc.integer({ min: -180_000_000, max: 180_000_000 }),
    north: fc.integer({ min: -90_000_000, max: 90_000_000 }),
  }),
  { nil: undefined },
);

describe("searching in parts", () => {
  it("ends, shows every listing once and misses none that it does not tell of, whatever the prices and places", async () => {
    await fc.assert(
      fc.asyncProperty(
        homesArbitrary,
        aroundArbitrary,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 4 }),
        async (homes, around, size, pages) => {
          const site = siteOf(homes, size, pages, around);
          const { ids, hidden, pages: shown } = await collect(site);
          assert.equal(new Set(ids).size, ids.length);
          assert.ok(ids.length + hidden >= homes.length, `${ids.length} shown, ${hidden} hidden of ${homes.length}`);
          const [first] = shown;
          assert.equal(first?.resultCount, homes.length);
          assert.deepEqual(
            shown.map((page) => page.pageNumber),
            shown.map((_, index) => index + 1),
          );
          // What can be told apart by price or place is never hidden.
          const cap = size * pages;
          const missed = homes.filter(({ id }) => !ids.includes(id));
          for (const home of missed) {
            const alike = homes.filter(
              (other) =>
                other.priceUsd === home.priceUsd &&
                (home.latitude === undefined || other.latitude === undefined
                  ? other.latitude === home.latitude
                  : Math.abs(other.latitude - home.latitude) <= 1 &&
                    Math.abs((other.longitude ?? 0) - (home.longitude ?? 0)) <= 1),
            );
            const sharing = home.latitude === undefined ? homes.filter((o) => o.priceUsd === home.priceUsd) : alike;
            assert.ok(sharing.length > cap, `home ${home.id} is alone among ${sharing.length} and yet missed`);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it("asks the same again for the same answers", async () => {
    const homes = Array.from({ length: 90 }, (_, id) => ({ id: id + 1, priceUsd: 1 + ((id * id) % 70) * 9_000 }));
    const [one, other] = [siteOf(homes, 4, 3), siteOf(homes, 4, 3)];
    assert.deepEqual(await collect(one), await collect(other));
    assert.deepEqual(one.asked, other.asked);
  });

  it("shows 5,000 homes of one price at nearby points behind a cap of 820, in few requests", async () => {
    const homes = Array.from({ length: 5_000 }, (_, id) => ({
      id: id + 1,
      priceUsd: 500_000,
      latitude: 25_779_000 + (id % 71) * 13,
      longitude: -80_151_000 + Math.floor(id / 71) * 13,
    }));
    const around = { west: -80_200_000, south: 25_700_000, east: -80_100_000, north: 25_800_000 };
    const site = siteOf(homes, 41, 20, around);
    const { ids, hidden } = await collect(site);
    assert.equal(ids.length, 5_000);
    assert.equal(hidden, 0);
    assert.ok(site.asked.length < 330, `${site.asked.length} requests, 122 pages at least`);
  });

  it("says how many homes of one price at one point stay hidden", async () => {
    const homes = Array.from({ length: 1_000 }, (_, id) => ({
      id: id + 1,
      priceUsd: 500_000,
      latitude: 25_779_000.4,
      longitude: -80_151_000.4,
    }));
    const { ids, hidden } = await collect(siteOf(homes, 41, 20));
    assert.equal(ids.length, 820);
    assert.equal(hidden, 180);
  });

  it("still reads the wider search for homes that are not on the map", async () => {
    const homes = Array.from({ length: 100 }, (_, id) => ({ id: id + 1, priceUsd: 7 }));
    const { ids, hidden } = await collect(siteOf(homes, 4, 20));
    assert.equal(ids.length, 80);
    assert.equal(hidden, 20);
  });

  it("stops at a site that does not filter", async () => {
    const all = siteOf(
      Array.from({ length: 100 }, (_, id) => ({ id: id + 1, priceUsd: 250_000 + id })),
      4,
      2,
    );
    let requests = 0;
    const unfiltered = searchInParts((_part, pageNumber) => {
      requests += 1;
      return all.read(WHOLE, pageNumber);
    });
    await assert.rejects(
      async () => {
        for await (const page of unfiltered) assert.ok(page);
      },
      (error) =>
        error instanceof ZipnetError && error.reason === "SOURCE_CHANGED" && /does not filter/.test(error.message),
    );
    assert.equal(requests, 2);
  });

  it("stops at a site that claims more and more", async () => {
    const asked: Part[] = [];
    const endless = searchInParts(async (part) => {
      asked.push(part);
      return { listings: [], url: "x", resultCount: 9_999, pageCount: 1, shownCount: 820 };
    });
    await assert.rejects(
      async () => {
        for await (const page of endless) assert.ok(page);
      },
      (error) => error instanceof ZipnetError && error.reason === "SOURCE_CHANGED",
    );
    assert.ok(asked.length <= 3_500, `${asked.length}`);
  });
});

describe("partsOf", () => {
  it("gives parts that together hold exactly the part, and comes to an end on every way down", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(4), { minLength: 200, maxLength: 200 }),
        fc.integer({ min: 0, max: 4_294_967_295 }),
        fc.double({ min: -90, max: 90, noNaN: true }),
        fc.double({ min: -180, max: 180, noNaN: true }),
        aroundArbitrary,
        (turns, priceUsd, latitude, longitude, around) => {
          const home: Home = { id: 1, priceUsd, latitude: latitude * 1e6, longitude: longitude * 1e6 };
          let part = WHOLE;
          for (const turn of turns) {
            const parts = partsOf(part, around);
            if (parts.length === 0) {
              if (part.bounds) assert.ok(part.bounds.east - part.bounds.west <= 1);
              return;
            }
            if (holds(part, home)) assert.ok(parts.some((narrower) => holds(narrower, home)));
            else assert.ok(!parts.some((narrower) => holds(narrower, home)));
            part = parts[turn % parts.length] ?? part;
          }
          assert.fail("never came to an end");
        },
      ),
    );
  });

  it("forgives positions a millionth of a degree outside", () => {
    const bounds = { west: 0, south: 0, east: 10, north: 10 };
    assert.ok(isWithin(bounds, 0.000_010_9, 0));
    assert.ok(!isWithin(bounds, 0.000_013, 0));
  });
});
