/** The commands as a person runs them: files in, text out. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { toBinary } from "@bufbuild/protobuf";
import { decodeCatalogue } from "../../../core/catalogue.js";
import { sha256Hex } from "../../../core/hash.js";
import { RECORD_CONTENT_TYPE, catalogueKey } from "../../../core/object-keys.js";
import { CatalogueSchema } from "../../../gen/zipnet/v1/epoch_pb.js";
import { startRig } from "../../../server/rig.test-support.js";

/** The command runs in a folder of its own, where no packages are. */
const TSX = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const COMMAND = new URL("../../zipnet.ts", import.meta.url).pathname;

describe("zipnet catalogue", function () {
  this.timeout(60_000);
  let dir = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "zipnet-catalogue-"));
    await writeFile(
      join(dir, "rdc.csv"),
      [
        "month_date_yyyymm,postal_code,zip_name,active_listing_count,quality_flag",
        '202608,98101,"seattle, wa",40,0',
        '202608,2139,"cambridge, ma",30,1',
        '202608,99999,"nowhere, wa",7,0',
        '202608,98102,"seattle, wa",NA,0',
        '"a note",,,,',
      ].join("\n"),
    );
    await writeFile(
      join(dir, "units.csv"),
      [
        "zip,state,county_fips,city,lat,lon,population,housing_units",
        "98101,WA,53033,,47.6,-122.3,1,10000",
        "02139,MA,25017,,42.3,-71.1,1,20000",
        "98102,WA,53033,,47.6,-122.3,1,30000",
      ].join("\n"),
    );
  });
  after(() => rm(dir, { recursive: true }));

  function zipnet(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      const options = { cwd: dir, env: { PATH: process.env["PATH"] } };
      execFile(process.execPath, ["--import", TSX, COMMAND, "catalogue", ...args], options, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
      });
    });
  }

  it("imports files, best first, and says what it left out; shows, compares and counts what came of it", async () => {
    const imported = await zipnet("import", "rdc.csv", "units.csv", "--out", "a.bin", "--report", "left-out.csv");
    assert.equal(imported.stderr, "");
    const bytes = new Uint8Array(await readFile(join(dir, "a.bin")));
    assert.equal(imported.stdout.trimEnd().split("\n").at(-1), sha256Hex(bytes));
    assert.match(imported.stdout, /a\.bin: 3 zip codes expect 435 listings/);
    assert.match(imported.stdout, /rdc\.csv flags 1 of its zip codes/);
    assert.deepEqual(
      decodeCatalogue(bytes).entries.map(({ zipCode, place, expectedListings, source, asOf }) =>
        [zipCode, place, expectedListings, source, asOf].join(" "),
      ),
      [
        "02139 Cambridge 158 census 2010-04-01",
        "98101 Seattle 40 rdc 2026-08-01",
        "98102 Seattle 237 census 2010-04-01",
      ],
    );
    assert.deepEqual((await readFile(join(dir, "left-out.csv"), "utf8")).trimEnd().split("\n"), [
      "file,line,reason,detail",
      'rdc.csv,5,"active_listing_count must be a whole number up to 999,999","98102: ""NA"""',
      'rdc.csv,6,month_date_yyyymm must be a month such as 202608,"""a note"""',
      "rdc.csv,,the position of the zip code is known to no file and not to the table of places,99999",
    ]);

    const again = await zipnet("import", "--flagged", "use", "rdc.csv", "catalogue:a.bin", "--out", "b.bin");
    assert.match(again.stdout, /b\.bin: 3 zip codes expect 307 listings/);
    const { stdout: difference } = await zipnet("diff", "a.bin", "b.bin");
    assert.match(difference, /\b1 with a lower expectation +-128 listings/);
    assert.match(difference, /02139 +│ MA +│ Cambridge +│ +158 │ +30 │ +-128 │ +-81\.0 % │ census to rdc/);

    const { stdout: stats } = await zipnet(
      "stats",
      "a.bin",
      "--max-expected-listings",
      "200",
      "--target-listings",
      "50",
    );
    assert.match(stats, /eligible by these rules +2 zip codes +198 listings/);
    assert.match(stats, /more than 200 listings +1 zip codes +237 listings/);
    assert.ok(stats.split("\n").every((line) => line.length <= 85));

    const { stdout: csv } = await zipnet("show", "a.bin", "--csv");
    await writeFile(join(dir, "shown.csv"), csv);
    const back = await zipnet("import", "shown.csv", "--out", "c.bin");
    assert.equal(
      back.stdout.trimEnd().split("\n").at(-1),
      sha256Hex(bytes),
      "what is shown as CSV imports as the same",
    );
  });

  it("changes no file where it fails, and says why", async () => {
    await writeFile(join(dir, "kept.bin"), "kept");
    const fails = async (said: RegExp, ...args: readonly string[]): Promise<void> => {
      const { code, stderr } = await zipnet(...args);
      assert.equal(code, 1);
      assert.match(stderr, said);
    };
    await fails(
      /no zip code is left, so kept\.bin is not written/,
      "import",
      "rdc.csv",
      "--since",
      "2027-01-01",
      "--out",
      "kept.bin",
    );
    await fails(/units\.csv would be written over/, "import", "rdc.csv", "units.csv", "--out", "units.csv");
    await fails(/next is no file: give --server-url/, "show", "next");
    assert.equal(await readFile(join(dir, "kept.bin"), "utf8"), "kept");
  });

  it("fetches the catalogue that a server announces", async () => {
    const rig = await startRig();
    try {
      const { sha256, catalogue } = rig.parts.catalogue;
      const bytes = toBinary(CatalogueSchema, catalogue);
      await rig.parts.objects.putIfAbsent(catalogueKey(sha256), bytes, RECORD_CONTENT_TYPE);
      const fetched = await zipnet("fetch", "next", "next.bin", "--server-url", rig.url);
      assert.deepEqual([fetched.stdout, fetched.stderr], [`next.bin: 60 zip codes\n${sha256}\n`, ""]);
      assert.equal(sha256Hex(new Uint8Array(await readFile(join(dir, "next.bin")))), sha256);
      const store = join(dir, "store");
      await mkdir(join(store, "catalogue"), { recursive: true });
      await writeFile(join(store, catalogueKey(sha256)), bytes);
      const compared = await zipnet("diff", sha256, "next.bin", "--objects", `folder:${store}`);
      assert.match(compared.stdout, /\b60 the same in all/);
      await writeFile(join(store, catalogueKey(sha256)), await readFile(join(dir, "a.bin")));
      const altered = await zipnet("diff", sha256, "next.bin", "--objects", `folder:${store}`);
      assert.match(altered.stderr, /the object store has other bytes under the name of the catalogue/);
      const shown = await zipnet("show", sha256, "--server-url", rig.url, "--zip", "10003");
      assert.match(shown.stdout, /^10003 {2}Place 3, King, WA\n {2}at 47\.03, -121\.643\n {2}expects 100 listings/);
    } finally {
      await rig.stop();
    }
  });
});
