import assert from "node:assert/strict";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import type { Listing } from "../../../gen/zipnet/v1/listing_pb.js";
import { START_MS, checkFiles, exampleListing, readFile } from "../examples.test-support.js";
import type { SubmissionCheck } from "../submission-check.js";
import { compareSubmissions } from "./heuristics.js";

const SEED = "5e".repeat(32);
const ZIP_CODES = ["98101", "98102"];
const PAGES = 8;
const ROWS_PER_PAGE = 12;

/** What a miner read: pages of listings, each page in one moment that `momentOf` gives. */
function reading(momentOf: (page: number) => number): Map<string, Listing[]> {
  const pages = Array.from({ length: PAGES * ZIP_CODES.length }, (_, page) => page);
  return new Map(
    ZIP_CODES.map((zipCode, place) => {
      const own = pages.filter((page) => page % ZIP_CODES.length === place);
      return [zipCode, own.flatMap((page) => pageOf(zipCode, page, momentOf(page)))];
    }),
  );
}

function pageOf(zipCode: string, page: number, timeMs: number): Listing[] {
  const scrapedTime = timestampFromMs(START_MS + timeMs);
  return Array.from({ length: ROWS_PER_PAGE }, (_, row) =>
    // Prices around 300,000 dollars, never twice the same.
    exampleListing(String(1_000 * (page + 1) + row), zipCode, { scrapedTime, priceUsd: 300_000 + 1_000 * row + page }),
  );
}

/** A reader whose pages come when the network lets them. `jitter`: what the network adds to each page, milliseconds. */
const paced = (paceMs: number, jitter: readonly number[]) => (page: number) =>
  10_007 + page * paceMs + (jitter[page] ?? 0);

function submit(hotkey: string, listings: Map<string, Listing[]>, minutes = 60, coldkey = hotkey) {
  const files = new Map([...listings].map(([zipCode, rows]) => [zipCode, readFile(hotkey, zipCode, rows)]));
  return checkFiles({ hotkey, coldkey, files, receivedMs: START_MS + minutes * 60_000 });
}

function shifted(listings: Map<string, Listing[]>, byMs: (row: number) => number): Map<string, Listing[]> {
  const move = (listing: Listing, row: number): Listing => {
    const timeMs = listing.scrapedTime === undefined ? 0 : timestampMs(listing.scrapedTime);
    return { ...listing, scrapedTime: timestampFromMs(timeMs + byMs(row)) };
  };
  return new Map([...listings].map(([zipCode, rows]) => [zipCode, rows.map(move)]));
}

const jitters = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 16, maxLength: 16 });
const copiesIn = (checks: readonly SubmissionCheck[]) =>
  [...compareSubmissions(checks, SEED).copies].map(([copy, { hotkey }]) => [copy, hotkey]);

describe("copies", () => {
  const original = reading(paced(700, [3, 90, 14, 41, 7, 203, 66, 12, 77, 31, 5, 118, 9, 54, 26, 81]));

  it("are found by their moments of reading, and the earlier receipt keeps the credit", async () => {
    const [first, second] = [await submit("5B", original, 60), await submit("5A", original, 61)];
    assert.deepEqual(copiesIn([first, second]), [["5A", "5B"]]);
    assert.deepEqual(copiesIn([second, first]), [["5A", "5B"]], "in whatever order they are looked at");
  });

  it("are found when all moments are moved by the same time", async () => {
    const checks = [
      await submit("5A", original),
      await submit(
        "5B",
        shifted(original, () => 93_123),
        90,
      ),
    ];
    assert.deepEqual(copiesIn(checks), [["5B", "5A"]]);
    assert.match(compareSubmissions(checks, SEED).copies.get("5B")?.detail ?? "", /exactly 93123 ms from those of 5A/);
  });

  it("are found when a part of the rows is dropped or made up", async () => {
    const changed = new Map(
      [...original].map(([zipCode, rows]) => [
        zipCode,
        rows.flatMap((row, index) => (index % 4 === 0 ? [exampleListing(`9${row.listingId}`, zipCode)] : [row])),
      ]),
    );
    assert.deepEqual(copiesIn([await submit("5A", original), await submit("5B", changed, 70)]), [["5B", "5A"]]);
  });

  it("of a copy are copies of the first", async () => {
    const checks = [
      await submit("5C", original, 62),
      await submit("5B", original, 61),
      await submit("5A", original, 60),
    ];
    assert.deepEqual(copiesIn(checks), [
      ["5B", "5A"],
      ["5C", "5A"],
    ]);
  });

  it("are never seen in miners that read the same pages at the same pace, each over its own network", () =>
    fc.assert(
      fc.asyncProperty(fc.uniqueArray(jitters, { minLength: 2, maxLength: 2 }), async ([one = [], other = []]) => {
        // Networks that add the same to more than half of the pages are one network.
        fc.pre(mostCommon(one.map((added, page) => added - (other[page] ?? 0))) <= 8);
        const checks = [await submit("5A", reading(paced(700, one))), await submit("5B", reading(paced(700, other)))];
        assert.deepEqual(copiesIn(checks), []);
      }),
      { numRuns: 30 },
    ));

  it("are not claimed of clocks that tell seconds only, nor of a single page", async () => {
    const seconds = reading((page) => page * 2_000);
    assert.deepEqual(copiesIn([await submit("5A", seconds), await submit("5B", seconds, 61)]), []);
    const once = reading(() => 5_123);
    assert.deepEqual(copiesIn([await submit("5A", once), await submit("5B", once, 61)]), []);
  });

  it("cannot be made of an honest miner by any number of others with listings and facts of their own", async () => {
    const honest = await submit("5H", original, 120);
    const crowd = await Promise.all(
      Array.from({ length: 12 }, (_, miner) => {
        const facts = shifted(original, (row) => 1 + ((row * 7_919 + miner * 104_729) % 60_000));
        for (const rows of facts.values()) for (const row of rows) row.bedrooms = 9;
        return submit(`5X${miner}`, facts, 30 + miner);
      }),
    );
    assert(!compareSubmissions([...crowd, honest], SEED).copies.has("5H"));
  });
});

describe("implausible prices", () => {
  const own = (jitter: number) =>
    reading(
      paced(
        700 + jitter,
        Array.from({ length: 16 }, (_, i) => (i * 37) % 101),
      ),
    );

  it("are left out where nobody else has the listing", async () => {
    const wild = own(3);
    wild.get("98101")?.push(exampleListing("77", "98101", { priceUsd: 90_000_000, livingAreaSqft: 1_000 }));
    const checks = [await submit("5A", own(1)), await submit("5B", own(2)), await submit("5C", wild)];
    const { implausible } = compareSubmissions(checks, SEED);
    assert.deepEqual([...implausible.keys()], ["5C"]);
    assert.deepEqual(
      implausible.get("5C")?.map((row) => row.listingId),
      ["77"],
    );
    assert.match(implausible.get("5C")?.[0]?.detail ?? "", /SINGLE_FAMILY by price per square foot it is 9000000/);
  });

  it("stay where another owner has the listing too, and two hotkeys of one owner are one", async () => {
    const wild = (jitter: number) => {
      const listings = own(jitter);
      listings.get("98101")?.push(exampleListing("77", "98101", { priceUsd: 90_000_000, livingAreaSqft: 1_000 }));
      return listings;
    };
    const common = [await submit("5A", own(1)), await submit("5B", own(2))];
    const two = [...common, await submit("5C", wild(3)), await submit("5D", wild(4))];
    assert.equal(compareSubmissions(two, SEED).implausible.size, 0);
    const one = [...common, await submit("5C", wild(3), 60, "5cold"), await submit("5D", wild(4), 60, "5cold")];
    assert.deepEqual([...compareSubmissions(one, SEED).implausible.keys()].toSorted(), ["5C", "5D"]);
  });

  it("are not told where too few owners or listings say what is usual", async () => {
    const wild = own(3);
    wild.get("98101")?.push(exampleListing("77", "98101", { priceUsd: 90_000_000, livingAreaSqft: 1_000 }));
    assert.equal(compareSubmissions([await submit("5A", own(1)), await submit("5C", wild)], SEED).implausible.size, 0);
  });
});

function mostCommon(values: readonly number[]): number {
  return Math.max(...values.map((value) => values.filter((other) => other === value).length));
}
