import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { type DatasetRow, DatasetRowSchema } from "../../gen/zipnet/v1/dataset_pb.js";
import { createDatasetFile, openDatasetFile } from "./dataset-files.js";
import { listingFiles } from "./listing-files.js";
import { HEAD, plainListing, plainListings } from "./listings.test-support.js";

const PLACE = { network: "test", netuid: 46 };

function rowOf(number: number): DatasetRow {
  return create(DatasetRowSchema, {
    listing: plainListing(number),
    epochId: "20261122T120000Z",
    hotkey: `5Miner${number % 3}`,
    receiptSha256: "ab".repeat(32),
    receivedTime: timestampFromMs(1_795_000_100_000 + number),
    isVerified: number % 2 === 0,
    miners: 3,
    agreeingMiners: 1 + (number % 3),
  });
}
const rowsFrom = (first: number, count: number): DatasetRow[] =>
  Array.from({ length: count }, (_, index) => rowOf(first + index));

describe("dataset files", () => {
  let dir = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "zipnet-dataset-"));
  });
  after(() => rm(dir, { recursive: true }));

  it("read back what was written, in any number of parts", async () => {
    const path = join(dir, "whole.parquet");
    const file = createDatasetFile(path, PLACE);
    await file.write(rowsFrom(0, 40));
    await file.write([]);
    await file.write(rowsFrom(40, 2));
    assert.equal(existsSync(path), false);
    await file.finish();
    const opened = await openDatasetFile(path);
    const rows: DatasetRow[] = [];
    for await (const row of opened.rows()) rows.push(row);
    assert.deepEqual(opened.head, PLACE);
    assert.deepEqual(rows, rowsFrom(0, 42));
  });

  it("hold what any reader of Parquet sees: the fields by name, times as times, flags as flags", async () => {
    const path = join(dir, "plain.parquet");
    const file = createDatasetFile(path, PLACE);
    await file.write([rowOf(1)]);
    await file.finish();
    const content = new Uint8Array(await readFile(path)).buffer;
    const [row] = await parquetReadObjects({ file: content });
    const { price_usd: price, bedrooms, home_type: kind, hotkey, is_verified: verified, miners } = row ?? {};
    assert.deepEqual(
      [price, bedrooms, kind, hotkey, verified, miners],
      [300_100, 1, "HOME_TYPE_CONDO", "5Miner1", false, 3],
    );
    assert.deepEqual(row?.["received_time"], new Date(1_795_000_100_001));
    assert.equal(row?.["latitude"], null);
    const metadata = parquetMetadata(content);
    assert.equal(metadata.key_value_metadata?.find(({ key }) => key === "zipnet.dataset_version")?.value, "1");
  });

  it("are the same bytes for the same rows, and leave nothing behind when they are given up", async () => {
    const contents: Buffer[] = [];
    for (const name of ["one", "other"]) {
      const file = createDatasetFile(join(dir, name), PLACE);
      await file.write(rowsFrom(0, 10));
      await file.finish();
      contents.push(await readFile(join(dir, name)));
    }
    assert.deepEqual(contents[0], contents[1]);
    const before = await readdir(dir);
    const given = createDatasetFile(join(dir, "never"), PLACE);
    await given.write(rowsFrom(0, 10));
    await given.discard();
    assert.deepEqual(await readdir(dir), before);
  });

  it("are refused where they are something else", async () => {
    const path = join(dir, "listings.parquet");
    await writeFile(path, listingFiles().encode(HEAD, plainListings(3)));
    await assert.rejects(openDatasetFile(path), { reason: "FILE_UNREADABLE", message: /dataset_version is missing/ });
    await writeFile(path, "not Parquet at all");
    await assert.rejects(openDatasetFile(path), { reason: "FILE_UNREADABLE" });
    await assert.rejects(openDatasetFile(join(dir, "nowhere")), { reason: "FILE_UNREADABLE", message: /nowhere/ });
  });
});
