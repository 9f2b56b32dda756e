import assert from "node:assert/strict";
import fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { ZipnetError } from "../../core/errors.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { COLUMNS, SCHEMA, cellOf, listingOf } from "./columns.js";
import { listingFiles } from "./listing-files.js";
import { listingAt, plainListingAt, readFile } from "./listing-rows.js";
import { HEAD, plainListing, plainListings } from "./listings.test-support.js";
import { readRuns } from "./runs.js";
import { snappyDecompress } from "./snappy.js";

/** The rows as the library itself reads them. */
async function byLibrary(content: Uint8Array): Promise<Listing[]> {
  const file = content.slice().buffer;
  const rows = await parquetReadObjects({ file, compressors: { SNAPPY: snappyDecompress }, geoparquet: false });
  return rows.map((row, index) => listingOf(row, index));
}

/** A file as another writer may make it. */
function written(
  listings: readonly Listing[],
  options: Omit<Parameters<typeof parquetWriteBuffer>[0], "columnData">,
): Uint8Array {
  const columnData = COLUMNS.map((column) => ({
    name: column.element.name,
    data: listings.map((listing) => cellOf(listing, column)),
  }));
  const { epochId, nonce, hotkey, zipCode } = HEAD;
  const kvMetadata = Object.entries({ schema_version: "1", epoch_id: epochId, nonce, hotkey, zip_code: zipCode });
  return new Uint8Array(
    parquetWriteBuffer({
      columnData,
      schema: SCHEMA,
      kvMetadata: kvMetadata.map(([key, value]) => ({ key: `zipnet.${key}`, value })),
      ...options,
    }),
  );
}

const texts = fc.constantFrom("", "Main St", "Straße 5", "\u{1f3e0} home", "x".repeat(300));
const rows = fc
  .array(fc.tuple(fc.nat(9), texts, fc.double({ noNaN: true }), fc.boolean()), { maxLength: 60 })
  .map((each) =>
    each.map(([number, text, bathrooms, isFull], index): Listing => {
      const listing = { ...plainListing(number), listingId: String(index), streetAddress: text };
      return isFull ? { ...listing, bathrooms, brokerName: text } : listing;
    }),
  );
const options = fc.record({
  codec: fc.constantFrom("SNAPPY" as const, "UNCOMPRESSED" as const),
  rowGroupSize: fc.integer({ min: 1, max: 70 }),
  pageSize: fc.constantFrom(1, 64, 1_000_000),
  statistics: fc.boolean(),
});

describe("readFile", () => {
  it("reads what the library reads, from whatever pages, codec and row groups", async () => {
    await fc.assert(
      fc.asyncProperty(rows, options, async (listings, how) => {
        const content = written(listings, how);
        const read = readFile(content, listingAt);
        assert.deepEqual(read.head, HEAD);
        assert.deepEqual(read.rows, await byLibrary(content));
        assert.deepEqual(read.rows, listings);
      }),
      { numRuns: 60 },
    );
  });

  it("reads nothing in changed bytes that the library does not read there", async () => {
    const good = written(plainListings(40), { codec: "UNCOMPRESSED" });
    const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    let read = 0;
    await fc.assert(
      fc.asyncProperty(changes, async (bytes) => {
        const changed = good.slice();
        for (const [offset, value] of bytes) changed[offset] = value;
        let ours: Listing[];
        try {
          ours = readFile(changed, listingAt).rows;
        } catch (error) {
          assert.ok(error instanceof ZipnetError && error.reason === "FILE_UNREADABLE");
          return;
        }
        read += 1;
        assert.deepEqual(ours, await byLibrary(changed));
      }),
      { numRuns: 400 },
    );
    assert.ok(read > 0);
  });

  it("makes plain rows that hold what the messages hold", () => {
    const content = listingFiles().encode(HEAD, plainListings(50));
    const messages = readFile(content, listingAt).rows as unknown as Record<string, unknown>[];
    const plain = readFile(content, plainListingAt).rows as unknown as Record<string, unknown>[];
    for (const [row, message] of messages.entries()) {
      for (const { field } of COLUMNS) assert.deepEqual(plain[row]?.[field.localName], message[field.localName]);
    }
  });

  it("refuses a small file whose rows repeat one long text until it fills the memory", () => {
    const broker = "x".repeat(1_000_000);
    const listings = Array.from({ length: 300 }, (_, row) => ({ ...plainListing(row), brokerName: broker }));
    const content = listingFiles().encode(HEAD, listings);
    assert.ok(content.length < 200_000, `${content.length} bytes`);
    assert.throws(() => readFile(content, listingAt), { reason: "FILE_UNREADABLE", message: /texts.*too long/ });
  });
});

describe("readRuns", () => {
  const read = (bytes: number[], bits: number, count: number): number[] => {
    const out = new Uint32Array(count);
    readRuns(Uint8Array.from(bytes), bits, out, "a column");
    return [...out];
  };

  it("reads runs of one number and numbers packed into bits", () => {
    assert.deepEqual(read([10, 7], 3, 5), [7, 7, 7, 7, 7]);
    // The example of the format's own description: 0 to 7 in three bits each.
    assert.deepEqual(read([0b11, 0b10001000, 0b11000110, 0b11111010], 3, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(read([4, 1, 0, 0b11, 0xff, 0xff], 9, 2), [1, 1]);
    assert.deepEqual(read([], 5, 0), []);
  });

  const wrong: readonly (readonly [string, number[], number, number, RegExp])[] = [
    ["runs that are too long", [12, 7], 3, 5, /run of 6 values, but 5/],
    ["runs of nothing", [0, 7], 3, 5, /run of 0 values/],
    ["runs that end too early", [4, 7], 3, 5, /without a proper length/],
    ["packed numbers that are cut off", [0b11, 1], 3, 8, /8 values too few/],
    ["lengths without an end", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 3, 5, /without a proper length/],
    ["too many bits", [2, 1], 25, 1, /25 bits/],
  ];
  for (const [what, bytes, bits, count, message] of wrong) {
    it(`refuses ${what}`, () => assert.throws(() => read(bytes, bits, count), { reason: "FILE_UNREADABLE", message }));
  }
});
