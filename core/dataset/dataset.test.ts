import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { type Listing, ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import { MinerVerdict, ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";
import { EPOCH_ID, sample } from "../samples.test-support.js";
import { honestMiners } from "./honest-miners.js";
import { EpochMerge, type Submitter } from "./merge.js";
import { DatasetCount } from "./stats.js";

const { VERIFIED, UNCHECKED, UNVERIFIED, LIAR, COPY } = MinerVerdict;

function weighed(stakeRao: bigint, verdicts: Readonly<Record<string, MinerVerdict>>) {
  const scores = Object.entries(verdicts).map(([hotkey, verdict]) => {
    return { hotkey, verdict, acceptedListings: hotkey === "unread" ? 0 : 1 };
  });
  return { stakeRao, table: create(ScoreTableSchema, { scores }) };
}

describe("honestMiners", () => {
  it("takes those that more than half of the reporting stake holds for honest", () => {
    const tables = [
      weighed(50n, { unread: UNVERIFIED, a: VERIFIED, b: LIAR, c: UNCHECKED, d: LIAR, copy: COPY }),
      weighed(30n, { unread: UNVERIFIED, a: VERIFIED, b: VERIFIED, c: UNVERIFIED, d: VERIFIED, e: VERIFIED }),
      weighed(20n, { a: UNCHECKED, b: VERIFIED, c: VERIFIED, d: UNVERIFIED, e: VERIFIED, copy: COPY }),
    ];
    // b, d and e have exactly half, which is not more than half.
    assert.deepEqual(honestMiners(tables, 100n), [
      { hotkey: "a", isVerified: true },
      { hotkey: "c", isVerified: false },
    ]);
  });

  it("takes nobody where less than a third of the stake reported", () => {
    const tables = [weighed(10n, { a: VERIFIED })];
    assert.deepEqual(honestMiners(tables, 30n), [{ hotkey: "a", isVerified: true }]);
    assert.deepEqual(honestMiners(tables, 31n), []);
    assert.deepEqual(honestMiners([], 0n), []);
    assert.deepEqual(honestMiners([weighed(0n, { a: VERIFIED })], 0n), []);
  });
});

function listing(id: number, priceUsd: number, over: Partial<Listing> = {}): Listing {
  const base = { ...sample(ListingSchema), listingId: String(id), priceUsd, zipCode: `9810${id % 3}` };
  return create(ListingSchema, { ...base, ...over });
}

function submitter(hotkey: string, receivedMs: number, isVerified: boolean): Submitter {
  return { hotkey, receivedMs, isVerified, receiptSha256: `receipt of ${hotkey}` };
}

function merged(submissions: readonly (readonly [Submitter, readonly Listing[]])[]) {
  const merge = new EpochMerge(EPOCH_ID);
  for (const [who, listings] of submissions) merge.add(who, listings);
  return merge.rows();
}

describe("EpochMerge", () => {
  it("keeps the version that most verified miners have, as the earliest of them read it", () => {
    const rows = merged([
      [submitter("early liar-like", 1, false), [listing(1, 100)]],
      [submitter("b", 2, false), [listing(1, 100)]],
      [submitter("c", 9, true), [listing(1, 200, { daysOnMarket: 7 })]],
      [submitter("d", 8, true), [listing(1, 200, { daysOnMarket: 8, url: "http://elsewhere/1" })]],
      [submitter("e", 7, true), [listing(1, 300)]],
    ]);
    assert.equal(rows.length, 1);
    const { hotkey, receiptSha256, receivedTime, isVerified, miners, agreeingMiners } = rows[0] ?? assert.fail();
    assert.deepEqual([hotkey, receiptSha256, isVerified, miners, agreeingMiners], ["d", "receipt of d", true, 5, 2]);
    assert.deepEqual(receivedTime, timestampFromMs(8));
    assert.deepEqual([rows[0]?.listing?.priceUsd, rows[0]?.listing?.daysOnMarket], [200, 8]);
  });

  it("counts absent fields as another word, and what each reader has of its own as the same", () => {
    const rows = merged([
      [submitter("a", 1, true), [listing(1, 100, { bedrooms: 2, scrapedTime: timestampFromMs(5) })]],
      [submitter("b", 2, true), [listing(1, 100, { bedrooms: 2, scrapedTime: timestampFromMs(6), url: "http://b/1" })]],
      [submitter("c", 3, true), [listing(1, 100)]],
    ]);
    assert.deepEqual([rows[0]?.miners, rows[0]?.agreeingMiners, rows[0]?.listing?.bedrooms], [3, 2, 2]);
  });

  it("gives every listing once, in order, whatever the order of adding", () => {
    const submission = fc.record({
      verified: fc.boolean(),
      receivedMs: fc.nat({ max: 3 }),
      listings: fc.uniqueArray(fc.record({ id: fc.nat({ max: 12 }), price: fc.integer({ min: 1, max: 3 }) }), {
        selector: ({ id }) => id,
      }),
    });
    const anyEpoch = fc
      .array(submission, { maxLength: 6 })
      .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray([...all.keys()], { minLength: all.length })));
    fc.assert(
      fc.property(anyEpoch, ([all, order]) => {
        const given = all.map(({ verified, receivedMs, listings }, index): [Submitter, Listing[]] => [
          submitter(`miner ${index}`, receivedMs, verified),
          listings.map(({ id, price }) => listing(id, price)),
        ]);
        const rows = merged(given);
        assert.deepEqual(merged(order.map((index) => given[index] ?? assert.fail())), rows);
        const keys = rows.map((row) => `${row.listing?.zipCode} ${row.listing?.listingId}`);
        assert.deepEqual(keys, [...new Set(keys)].sort());
        const ids = new Set(all.flatMap(({ listings }) => listings.map(({ id }) => String(id))));
        assert.deepEqual(new Set(rows.map((row) => row.listing?.listingId)), ids);
        for (const row of rows) {
          const have = all.filter(({ listings }) => listings.some(({ id }) => String(id) === row.listing?.listingId));
          const same = (entry: (typeof all)[number]): boolean =>
            entry.listings.some(
              ({ id, price }) => String(id) === row.listing?.listingId && price === row.listing.priceUsd,
            );
          assert.equal(row.miners, have.length);
          assert.equal(row.agreeingMiners, have.filter(same).length);
          assert.equal(
            row.isVerified,
            have.some(({ verified }) => verified),
          );
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("DatasetCount", () => {
  it("counts rows per epoch, zip code, field and miner", () => {
    const count = new DatasetCount();
    const rows = merged([
      [submitter("a", 1, true), [listing(1, 100, { bedrooms: 2 }), listing(2, 100)]],
      [submitter("b", 2, false), [listing(1, 100, { bedrooms: 2 }), listing(2, 200), listing(4, 5)]],
    ]);
    for (const row of rows) count.add(row);
    const { epochs, zipCodes, fields, miners, ...whole } = count.stats();
    assert.deepEqual(whole, { rows: 3, verified: 2, shared: 2, agreed: 1 });
    assert.deepEqual(epochs, [{ epochId: EPOCH_ID, ...whole }]);
    assert.deepEqual(zipCodes, [
      { zipCode: "98101", rows: 2, verified: 1, shared: 1, agreed: 1 },
      { zipCode: "98102", rows: 1, verified: 1, shared: 1, agreed: 0 },
    ]);
    const filled = Object.fromEntries(fields.map((field) => [field.name, field.filled]));
    assert.deepEqual([filled["listing_id"], filled["bedrooms"], filled["latitude"]], [3, 1, 0]);
    assert.deepEqual(miners, [
      { hotkey: "a", rows: 2 },
      { hotkey: "b", rows: 1 },
    ]);
  });
});
