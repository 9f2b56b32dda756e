import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CATALOGUE_COLUMNS, readCatalogueCsv } from "./catalogue-csv.js";

describe("catalogue CSV", () => {
  let dir = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "zipnet-catalogue-"));
  });
  after(() => rm(dir, { recursive: true }));

  async function read(lines: readonly string[]): ReturnType<typeof readCatalogueCsv> {
    const path = join(dir, "catalogue.csv");
    await writeFile(path, lines.join("\n"));
    return readCatalogueCsv(path);
  }

  const HEADER = CATALOGUE_COLUMNS.join(",");

  it("reads rows, with lost leading zeros restored", async () => {
    const { entries, skipped } = await read([
      HEADER,
      '2138,MA,Middlesex,"Cambridge, Mass.",42.38,-71.13,90,rdc,2026-08-01',
    ]);
    assert.deepEqual(skipped, []);
    assert.deepEqual(entries, [
      {
        zipCode: "02138",
        state: "MA",
        county: "Middlesex",
        place: "Cambridge, Mass.",
        latitudeMicrodegrees: 42_380_000,
        longitudeMicrodegrees: -71_130_000,
        expectedListings: 90,
        source: "rdc",
        asOf: "2026-08-01",
      },
    ]);
  });

  it("names each row that it leaves out, and why", async () => {
    const good = "98101,WA,King,Seattle,47.6,-122.3,120,rdc,2026-08-01";
    const { entries, skipped } = await read([
      HEADER,
      good,
      good,
      good.replace("98101", "note").replace("WA", "WA"),
      good.replace("98101", "98102").replace("47.6", "NA"),
      good.replace("98101", "98103").replace(",120,", ",NA,"),
      "98104,WA",
    ]);
    assert.equal(entries.length, 1);
    assert.deepEqual(
      skipped.map(({ line, reason }) => `${line}: ${reason}`),
      [
        "3: zip_code 98101 stands twice; the first row counts",
        '4: zip_code is "note", but must be five digits',
        '5: latitude is "NA", but must be -90 to 90',
        '6: expected_listings is "NA", but must be a whole number up to 999,999',
        "7: has no county",
      ],
    );
  });

  it("names the columns that are missing", async () => {
    await assert.rejects(read(["zip_code,state", "98101,WA"]), /has no column county, place, latitude/);
  });

  it("says which file cannot be read", async () => {
    await assert.rejects(readCatalogueCsv(join(dir, "none.csv")), /none\.csv cannot be read: ENOENT/);
    await assert.rejects(readCatalogueCsv(dir), /cannot be read: EISDIR/);
  });
});
