/** Large files are streamed: what a process holds in memory must not grow with the file. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const HEADER = "month_date_yyyymm,postal_code,zip_name,active_listing_count,quality_flag,filling\n";
/** A member of a compressed file; as many as one likes may follow each other. */
const ROWS_PER_MEMBER = 10_000;
const MEMBER = gzipSync(
  Array.from({ length: ROWS_PER_MEMBER }, (_, row) => {
    const [month, zip] = [1 + (row % 12), 10_000 + (row % 1_000)];
    return `2026${String(month).padStart(2, "0")},${zip},"somewhere, wa",${row % 97},0,${"x".repeat(80)}\n`;
  }).join(""),
);

/** Reads a file in a process of its own; prints its rows, its zip codes and the most memory that it ever had. */
const PROGRAM = `
  import(process.argv[1]).then(async ({ readLayer }) => {
    const options = { housingFactorPpm: 7900, censusAsOf: "2010-04-01", flagged: "last", since: undefined };
    const hooks = { onProgress() {}, onSkip() {} };
    const { rows, estimates } = await readLayer(process.argv[2], undefined, options, hooks);
    console.log(JSON.stringify({ rows, zipCodes: estimates.size, maxRssKb: process.resourceUsage().maxRSS }));
  });
`;

describe("the memory for a large file", function () {
  this.timeout(120_000);
  let dir = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "zipnet-catalogue-"));
  });
  after(() => rm(dir, { recursive: true }));

  async function read(members: number): Promise<{ rows: number; zipCodes: number; maxRssKb: number }> {
    const path = join(dir, `${members}.csv.gz`);
    await writeFile(path, Buffer.concat([gzipSync(HEADER), ...Array.from({ length: members }, () => MEMBER)]));
    const module = new URL("./catalogue-files.ts", import.meta.url).href;
    const args = ["--max-old-space-size=64", "--import", "tsx", "-e", PROGRAM, module, path];
    return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Awaited<ReturnType<typeof read>>;
  }

  it("does not grow with the file", async () => {
    const small = await read(4);
    const large = await read(80);
    assert.deepEqual([small.rows, large.rows, large.zipCodes], [40_000, 800_000, 1_000]);
    // The large one holds 100 MB more of text.
    const growthMb = (large.maxRssKb - small.maxRssKb) / 1_000;
    assert.ok(growthMb < 50, `20 times the rows took ${growthMb} MB more`);
  });
});
