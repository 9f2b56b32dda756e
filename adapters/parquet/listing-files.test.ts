import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { HomeType, ListingSchema, ListingStatus } from "../../gen/zipnet/v1/listing_pb.js";
import { listingFiles } from "./listing-files.js";
import { HEAD, plainListings } from "./listings.test-support.js";

const files = listingFiles();

const text = fc.string({ unit: "grapheme", maxLength: 30 });
const uint32 = fc.oneof(fc.nat(), fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff));
const time = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }).map((ms) => timestampFromMs(ms));
const double = fc.double({ noNaN: true });

/** Any listing that the contract can carry, absent fields included. */
const anyListing = fc
  .record(
    {
      listingId: text,
      url: text,
      zipCode: text,
      streetAddress: text,
      city: text,
      state: text,
      status: fc.constantFrom(...Object.values(ListingStatus).filter((value) => typeof value === "number")),
      homeType: fc.constantFrom(...Object.values(HomeType).filter((value) => typeof value === "number")),
      priceUsd: uint32,
      bedrooms: uint32,
      bathrooms: double,
      livingAreaSqft: uint32,
      lotAreaSqft: uint32,
      latitude: double,
      longitude: double,
      taxAssessedValueUsd: uint32,
      brokerName: text,
      daysOnMarket: uint32,
      priceChangedTime: time,
      scrapedTime: time,
    },
    { requiredKeys: [] },
  )
  .map((fields) => create(ListingSchema, fields));

describe("listingFiles", () => {
  it("reads back what was written, absent fields and all", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyListing, { maxLength: 20 }), text, async (listings, nonce) => {
        const decoded = await files.decode(files.encode({ ...HEAD, nonce }, listings));
        assert.deepEqual(decoded.head, { ...HEAD, nonce });
        assert.deepEqual(decoded.listings, listings);
      }),
      { numRuns: 60 },
    );
  });

  it("makes the same bytes of the same input, and others of others", () => {
    const bytes = files.encode(HEAD, plainListings(50));
    assert.deepEqual(files.encode(HEAD, plainListings(50)), bytes);
    assert.notDeepEqual(files.encode({ ...HEAD, nonce: "b" }, plainListings(50)), bytes);
    assert.notDeepEqual(files.encode(HEAD, plainListings(50).reverse()), bytes);
  });

  it("splits more than 10,000 rows into row groups and reads them in order", async () => {
    const bytes = files.encode(HEAD, plainListings(10_001));
    assert.deepEqual(
      parquetMetadata(bytes).row_groups.map((group) => Number(group.num_rows)),
      [10_000, 1],
    );
    const { listings } = await files.decode(bytes);
    assert.deepEqual(
      listings.map((listing) => listing.listingId),
      plainListings(10_001).map((listing) => listing.listingId),
    );
  });

  it("is plain Parquet to other readers: typed columns named as in the contract, and what it belongs to", async () => {
    const bytes = files.encode(HEAD, plainListings(2));
    const rows = await parquetReadObjects({ file: bytes.buffer as ArrayBuffer });
    assert.equal(rows[1]?.["listing_id"], "1000001");
    assert.equal(rows[1]?.["status"], "LISTING_STATUS_FOR_SALE");
    assert.equal(rows[1]?.["price_usd"], 300_100);
    assert.equal(rows[1]?.["bathrooms"], 0.25);
    assert.equal(rows[0]?.["bathrooms"] ?? null, null);
    assert.deepEqual(rows[1]?.["scraped_time"], new Date(1_795_000_000_001));
    assert.deepEqual(
      Object.keys(rows[0] ?? {}),
      ListingSchema.fields.map((field) => field.name),
    );
    assert.deepEqual(
      Object.fromEntries((parquetMetadata(bytes).key_value_metadata ?? []).map(({ key, value }) => [key, value])),
      {
        "zipnet.schema_version": "1",
        "zipnet.epoch_id": HEAD.epochId,
        "zipnet.nonce": HEAD.nonce,
        "zipnet.hotkey": HEAD.hotkey,
        "zipnet.zip_code": HEAD.zipCode,
      },
    );
  });

  it("refuses to write what a column cannot hold", () => {
    assert.throws(() => files.encode(HEAD, [create(ListingSchema, { priceUsd: -1 })]), RangeError);
    assert.throws(() => files.encode(HEAD, [Object.assign(create(ListingSchema), { homeType: 99 })]), RangeError);
  });
});
