import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { encodeCatalogue } from "../../core/catalogue.js";
import { type ImportOptions, type ReadLayer, type SkippedRow, readLayer } from "./catalogue-files.js";
import { listingsOf } from "./census.js";
import { plain } from "./plain.js";

const OPTIONS: ImportOptions = {
  housingFactorPpm: 7_900,
  censusAsOf: "2010-04-01",
  flagged: "last",
  since: undefined,
};

const RDC_HEADER = "month_date_yyyymm,postal_code,zip_name,active_listing_count,quality_flag";
/** As published, upper case and quoted, of 58 columns those that are read and some others. */
const REDFIN_HEADER =
  "PERIOD_BEGIN PERIOD_END PERIOD_DURATION REGION_TYPE REGION CITY STATE STATE_CODE PROPERTY_TYPE INVENTORY LAST_UPDATED"
    .split(" ")
    .map((name) => `"${name}"`)
    .join("\t");

function redfinRow(end: string, region: string, type: string, inventory: string): string {
  const cells = ["2026-03-01", end, "90", "zip code", region, "Cambridge", "Massachusetts", "MA", type, inventory, "x"];
  return cells.map((cell) => `"${cell}"`).join("\t");
}

describe("files for a catalogue", () => {
  let dir = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "zipnet-catalogue-"));
  });
  after(() => rm(dir, { recursive: true }));

  async function read(
    content: readonly string[] | Uint8Array,
    options: Partial<ImportOptions> = {},
    kind?: ReadLayer["kind"],
  ): Promise<ReadLayer & { skipped: string[]; listings: Record<string, number> }> {
    const path = join(dir, "file");
    await writeFile(path, content instanceof Uint8Array ? content : content.join("\n"));
    const skipped: string[] = [];
    const onSkip = ({ line, reason, detail }: SkippedRow): void => void skipped.push(`${line}: ${reason}: ${detail}`);
    const layer = await readLayer(path, kind, { ...OPTIONS, ...options }, { onProgress: () => {}, onSkip });
    const listings = Object.fromEntries(
      [...layer.estimates].map(([zip, estimate]) => [zip, estimate.expectedListings]),
    );
    return { ...layer, skipped, listings };
  }

  describe("of Realtor.com", () => {
    it("give the newest month of each zip code, with lost zeros restored, and name what is left out", async () => {
      const { kind, rows, skipped, listings, estimates } = await read([
        RDC_HEADER,
        '202607,2138,"cambridge, ma",70,0',
        '202608,02138,"cambridge, ma",80,0',
        '202606,2138,"cambridge, ma",60,0',
        '202608,1515.0,"east brookfield, ma",6.0,1',
        '202608,78956,"schulenburg, tx",NA,0',
        '202608,30535,"demorest, ga",,0',
        "202608,98101,,12,0.0",
        "202608,98101,,13,0.0",
        '"quality_flag = 1:  year-over-year figures may be impacted",,,,',
      ]);
      assert.deepEqual([kind, rows], ["rdc", 9]);
      assert.deepEqual(listings, { "02138": 80, "01515": 6, "98101": 12 });
      assert.deepEqual(skipped, [
        "2: there is a newer row of the same zip code: 02138 of 2026-07-01",
        "4: there is a newer row of the same zip code: 02138 of 2026-06-01",
        '6: active_listing_count must be a whole number up to 999,999: 78956: "NA"',
        '7: active_listing_count must be a whole number up to 999,999: 30535: ""',
        "9: the zip code stands twice for one day; the first row counts: 98101 of 2026-08-01",
        '10: month_date_yyyymm must be a month such as 202608: "quality_flag = 1:  year-over-year figures may be impacted"',
      ]);
      const { place, asOf, source, isDoubtful } = estimates.get("01515") ?? assert.fail();
      assert.deepEqual(place, { place: "East Brookfield", state: "MA" });
      assert.deepEqual([asOf, source, isDoubtful], ["2026-08-01", "rdc", true]);
      assert.equal(estimates.get("02138")?.isDoubtful, false);
    });

    it("give flagged rows as much weight as the owner says", async () => {
      const lines = [RDC_HEADER, "202607,98101,,5,0", "202608,98101,,50,1"];
      assert.equal((await read(lines, { flagged: "use" })).estimates.get("98101")?.isDoubtful, false);
      const without = await read(lines, { flagged: "skip" });
      assert.deepEqual(without.listings, { "98101": 5 });
      assert.deepEqual(without.skipped, ["3: quality_flag is set: 98101 of 202608"]);
    });

    const sample = new URL("../../../shared/data/rdc_inventory_sample.csv", import.meta.url).pathname;
    const isThere = existsSync(sample);
    (isThere ? it : it.skip)(`are read as published${isThere ? "" : " (the sample is not here)"}`, async () => {
      const { rows, skipped, estimates } = await read(readFileSync(sample));
      assert.deepEqual([rows, estimates.size, skipped], [24, 24, []]);
      assert.equal([...estimates.values()].filter(({ isDoubtful }) => isDoubtful).length, 7);
      assert.deepEqual(
        ["01515", "37075"].map((zipCode) => estimates.get(zipCode)?.expectedListings),
        [6, 377],
      );
    });

    it("leave out what is too old", async () => {
      const { listings, skipped } = await read([RDC_HEADER, "202601,98101,,5,0"], { since: "2026-02-01" });
      assert.deepEqual(listings, {});
      assert.deepEqual(skipped, ["2: the row is older than 2026-02-01: 98101 of 2026-01-01"]);
    });
  });

  describe("of Redfin", () => {
    const lines = [
      REDFIN_HEADER,
      redfinRow("2026-05-31", "Zip Code: 02139", "Condo/Co-op", "20"),
      redfinRow("2026-04-30", "Zip Code: 02139", "All Residential", "30"),
      redfinRow("2026-05-31", "Zip Code: 02139", "All Residential", "31"),
      redfinRow("2026-05-31", "Zip Code: 02140", "All Residential", ""),
      redfinRow("2026-05-31", "Boston, MA metro area", "All Residential", "4000"),
      redfinRow("2026-05-32", "Zip Code: 02141", "All Residential", "4"),
    ];

    it("give the newest inventory of all types of property", async () => {
      const { kind, listings, skipped, estimates } = await read(lines);
      assert.equal(kind, "redfin");
      assert.deepEqual(listings, { "02139": 31 });
      assert.deepEqual(estimates.get("02139")?.place, { place: "Cambridge", state: "MA" });
      assert.deepEqual(skipped, [
        '2: property_type is not "All Residential": Zip Code: 02139: "Condo/Co-op"',
        "3: there is a newer row of the same zip code: 02139 of 2026-04-30",
        '5: inventory must be a whole number up to 999,999: 02140: ""',
        '6: region must be like "Zip Code: 02139": "Boston, MA metro area"',
        '7: period_end must be a day such as 2026-05-31: 02141: "2026-05-32"',
      ]);
    });

    it("are the same compressed, and with a header in small letters", async () => {
      const small = [REDFIN_HEADER.toLowerCase(), ...lines.slice(1)];
      const { kind, listings, rows } = await read(gzipSync(small.join("\n")));
      assert.deepEqual([kind, listings, rows], ["redfin", { "02139": 31 }, 6]);
    });
  });

  describe("of the census", () => {
    it("expect the stated part of the housing units", async () => {
      const header = "zip,state,county_fips,city,lat,lon,population,housing_units";
      const { estimates, skipped } = await read([
        header,
        "601,PR,72001,,18.18055,-66.74996,18570,7744",
        "98101,WA,53033,Seattle,47.6,-122.3,1,many",
      ]);
      assert.deepEqual(estimates.get("00601"), {
        zipCode: "00601",
        expectedListings: 61,
        source: "census",
        asOf: "2010-04-01",
        isDoubtful: false,
        place: {
          state: "PR",
          county: "72001",
          place: "",
          position: { latitudeMicrodegrees: 18_180_550, longitudeMicrodegrees: -66_749_960 },
        },
      });
      assert.deepEqual(skipped, ['3: housing_units must be a whole number up to 999,999: 98101: "many"']);
    });

    it("round half up, without ever leaving the whole numbers", () => {
      fc.assert(
        fc.property(fc.nat(999_999), fc.integer({ min: 1, max: 1_000_000 }), (units, ppm) => {
          const exact = BigInt(units) * BigInt(ppm);
          assert.equal(BigInt(listingsOf(units, ppm)), (exact + 500_000n) / 1_000_000n);
        }),
      );
    });

    const seed = new URL("../../../shared/data/zip_seed.csv", import.meta.url).pathname;
    const isThere = existsSync(seed);
    (isThere ? it : it.skip)(
      `are read to the last row${isThere ? "" : " (the file of housing units is not here)"}`,
      async () => {
        const skipped: SkippedRow[] = [];
        const hooks = { onProgress: () => {}, onSkip: (row: SkippedRow) => void skipped.push(row) };
        const { rows, estimates } = await readLayer(seed, undefined, OPTIONS, hooks);
        assert.deepEqual([rows, estimates.size, skipped], [33_102, 33_102, []]);
        const drawable = [...estimates.values()].filter(({ expectedListings }) => expectedListings >= 5);
        assert.equal(drawable.length, 22_223);
      },
    );
  });

  describe("of the owner's own", () => {
    const header = plain.columns.join(",");
    const good = "98101,WA,King,Seattle,47.6,-122.3,120,rdc,2026-08-01";

    it("give all that a catalogue has", async () => {
      const { estimates, isAuthorityOnPlaces } = await read([
        `\uFEFF${header}`,
        '2138,MA,Middlesex,"Cambridge, Mass.",42.38,-71.13,90,rdc,2026-08-01',
      ]);
      const position = { latitudeMicrodegrees: 42_380_000, longitudeMicrodegrees: -71_130_000 };
      const facts = { expectedListings: 90, source: "rdc", asOf: "2026-08-01", isDoubtful: false };
      const place = { state: "MA", county: "Middlesex", place: "Cambridge, Mass.", position };
      assert.deepEqual(estimates.get("02138"), { zipCode: "02138", ...facts, place });
      assert.equal(isAuthorityOnPlaces, true);
    });

    it("may hold rows that make no sense, which are named", async () => {
      const { skipped, listings } = await read([
        header,
        good,
        good,
        good.replace("98101", "note"),
        good.replace("98101", "98102").replace("47.6", "NA"),
        good.replace("98101", "98103").replace(",120,", ",NA,"),
        "98104,WA",
        good.replace("98101", "98105").replace("2026-08-01", "2026-02-30"),
      ]);
      assert.deepEqual(listings, { "98101": 120 });
      assert.deepEqual(skipped, [
        "3: the zip code stands twice for one day; the first row counts: 98101 of 2026-08-01",
        '4: zip_code must be five digits: "note"',
        '5: latitude must be -90 to 90: 98102: "NA"',
        '6: expected_listings must be a whole number up to 999,999: 98103: "NA"',
        '7: the row ends too early: no county in "98104, WA"',
        '8: as_of must be a day such as 2026-08-01: 98105: "2026-02-30"',
      ]);
    });

    it("give the same whatever the order of the rows, but for rows of the same day", async () => {
      const row = fc.record({ zip: fc.nat(4), month: fc.integer({ min: 1, max: 9 }) });
      const rows = fc.uniqueArray(row, { selector: ({ zip, month }) => zip * 10 + month, minLength: 1, maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(rows, fc.infiniteStream(fc.nat()), async (drawn, order) => {
          const lines = drawn.map(({ zip, month }) =>
            good.replace("98101", `9810${zip}`).replace(",120,", `,${month},`).replace("2026-08", `2026-0${month}`),
          );
          const shuffled = lines.map((line) => ({ line, at: order.next().value ?? 0 })).sort((a, b) => a.at - b.at);
          const [one, other] = [
            await read([header, ...lines]),
            await read([header, ...shuffled.map(({ line }) => line)]),
          ];
          const newest: Record<string, number> = {};
          for (const { zip, month } of drawn) newest[`9810${zip}`] = Math.max(newest[`9810${zip}`] ?? 0, month);
          assert.deepEqual(one.listings, newest);
          assert.deepEqual(other.listings, newest);
          assert.equal(one.skipped.length, drawn.length - Object.keys(newest).length);
        }),
        { numRuns: 30 },
      );
    });
  });

  it("may be a catalogue, which keeps every entry as it is", async () => {
    const { bytes, catalogue } = encodeCatalogue([
      { zipCode: "98101", state: "WA", expectedListings: 7, source: "owner", asOf: "2026-08-01" },
    ]);
    for (const content of [bytes, gzipSync(bytes)]) {
      const { kind, estimates } = await read(content);
      assert.equal(kind, "catalogue");
      assert.deepEqual(estimates.get("98101")?.entry, catalogue.entries[0]);
    }
    await assert.rejects(read(bytes, {}, "census"), /is a catalogue, not census/);
    await assert.rejects(read(bytes.subarray(0, bytes.length - 1)), /is no catalogue/);
  });

  it("are refused when they are of no known kind, not what they are called, or cannot be read", async () => {
    await assert.rejects(
      read(["zip_code,state", "98101,WA"]),
      /of no known kind: its columns are zip_code, state\. Known/,
    );
    await assert.rejects(read(["zip,state"], {}, "census"), /has no column housing_units, which census needs/);
    await assert.rejects(read(["zip,state"], {}, "catalogue"), /is no catalogue/);
    await assert.rejects(read([]), /of no known kind/);
    await assert.rejects(read(Buffer.from("\uFEFFzip\thousing_units\n", "utf16le")), /is in UTF-16; convert it/);
    const packed = gzipSync(
      [RDC_HEADER, ...Array.from({ length: 999 }, (_, index) => `202608,98101,,${index}`)].join("\n"),
    );
    const cutOff = packed.subarray(0, packed.length - 20);
    await assert.rejects(read(cutOff), /cannot be read: unexpected end/);
    const hooks = { onProgress: () => {}, onSkip: () => {} };
    await assert.rejects(
      readLayer(join(dir, "none.csv"), undefined, OPTIONS, hooks),
      /none\.csv cannot be read: ENOENT/,
    );
    await assert.rejects(readLayer(dir, undefined, OPTIONS, hooks), /cannot be read: EISDIR/);
  });

  it("with a quotation mark that is never closed end with an error, and are not collected in memory", async () => {
    const rows = Array.from({ length: 40_000 }, () => "202608,98101,a rather long name of a place,12,0");
    await assert.rejects(
      read([RDC_HEADER, '202608,"98101,,12,0', ...rows]),
      /cannot be read: the row that begins on line 2 does not end/,
    );
  });
});
