import assert from "node:assert/strict";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { HomeType, type Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import { crossCheck, knownListings } from "./cross-check.js";
import { CLOSE_MS, START_MS, checkFiles, exampleListing, exampleListings, readFile } from "./examples.test-support.js";
import type { SubmissionCheck } from "./submission-check.js";

const MINUTE_MS = 60_000;

/** A submission of one file. */
function submit(listings: readonly Listing[], zipCode = "98101", coldkey = "me"): Promise<SubmissionCheck> {
  const files = new Map([[zipCode, readFile("a", zipCode, listings, CLOSE_MS)]]);
  return checkFiles({ hotkey: "a", coldkey, files, receivedMs: CLOSE_MS });
}

/** What counts of a submission, and the reasons for what does not. */
async function counted(listings: readonly Listing[], ...verified: (readonly Listing[])[]) {
  const known = knownListings(await Promise.all(verified.map((rows, index) => submit(rows, "98101", `v${index}`))), [
    "98101",
    "98102",
  ]);
  const { check, compared, counted: count } = crossCheck(await submit(listings), known, false);
  return {
    ids: [...(check.accepted.get("98101") ?? [])],
    reasons: check.findings.map(({ reason }) => LossReason[reason]),
    compared,
    count,
    rowQualityBps: check.rowQualityBps,
  };
}

describe("crossCheck", () => {
  it("counts what a verified miner has too", async () => {
    const found = await counted(exampleListings("98101", 4), exampleListings("98101", 4));
    assert.equal(found.ids.length, 4);
    assert.deepEqual([found.compared, found.count, found.rowQualityBps, found.reasons], [4, 4, 40_000, []]);
  });

  it("counts what only one of the verified miners has", async () => {
    const found = await counted(
      exampleListings("98101", 4),
      exampleListings("98101", 2),
      exampleListings("98101", 2, 3),
    );
    assert.equal(found.count, 4);
  });

  it("does not count what no verified miner has, and takes its part of quality", async () => {
    const found = await counted(exampleListings("98101", 4), exampleListings("98101", 3));
    assert.deepEqual([found.ids.length, found.compared, found.count], [3, 4, 3]);
    assert.deepEqual([found.reasons, found.rowQualityBps], [["UNCONFIRMED"], 30_000]);
  });

  const facts: [string, Parameters<typeof exampleListing>[2]][] = [
    ["street", { streetAddress: "2 Oak St" }],
    ["city", { city: "Tacoma" }],
    ["kind of home", { homeType: HomeType.CONDO }],
    ["number of bedrooms", { bedrooms: 4 }],
    ["number of bathrooms", { bathrooms: 2.5 }],
    ["living area", { livingAreaSqft: 1_801 }],
    ["lot", { lotAreaSqft: 5_001 }],
  ];
  for (const [what, over] of facts) {
    it(`does not count a listing with another ${what}`, async () => {
      const found = await counted([exampleListing("1", "98101", over)], [exampleListing("1")]);
      assert.deepEqual([found.ids, found.reasons], [[], ["UNCONFIRMED"]]);
    });
  }

  it("forgives what changes, and what either leaves out", async () => {
    const without = exampleListing("2");
    delete without.bedrooms;
    const own = [exampleListing("1", "98101", { priceUsd: 1_000, latitude: 47.7, brokerName: "B" }), without];
    assert.equal((await counted(own, [exampleListing("1"), exampleListing("2", "98101", { bedrooms: 9 })])).count, 2);
  });

  it("counts everything in a zip code that no verified miner delivered, and nothing that one says is empty", async () => {
    const rows = exampleListings("98101", 3);
    const elsewhere = await submit(exampleListings("98102", 3), "98102");
    const silent = crossCheck(await submit(rows), knownListings([elsewhere], ["98101", "98102"]), false);
    assert.deepEqual([silent.compared, silent.check.accepted.get("98101")?.length], [0, 3]);
    const empty = await counted(rows, []);
    assert.deepEqual([empty.compared, empty.count], [3, 0]);
  });

  describe("of a listing whose price two verified miners saw change", () => {
    const read = (minutes: number, over: Parameters<typeof exampleListing>[2] = {}) =>
      exampleListing("1", "98101", { scrapedTime: timestampFromMs(START_MS + minutes * MINUTE_MS), ...over });
    const at = (minutes: number) => timestampFromMs(START_MS + minutes * MINUTE_MS + 1_000);
    const changed = { priceUsd: 600_000, priceChangedTime: at(30) };
    const witnesses = [[read(35, changed)], [read(36, changed)]];

    it("does not count the old price of a row that claims to be read later", async () => {
      assert.deepEqual((await counted([read(41)], ...witnesses)).reasons, ["STALE"]);
      const before = read(41, { priceChangedTime: at(-9_000) });
      assert.deepEqual((await counted([before], ...witnesses)).reasons, ["STALE"]);
    });

    it("does not count it of a verified miner either", async () => {
      const known = knownListings(
        await Promise.all([[read(41)], ...witnesses].map((rows, index) => submit(rows, "98101", `v${index}`))),
        ["98101"],
      );
      assert.equal(crossCheck(await submit([read(41)], "98101", "v0"), known, true).counted, 0);
      assert.equal(crossCheck(await submit(witnesses[0] ?? [], "98101", "v1"), known, true).counted, 1);
    });

    it("counts the old price of a row that was read before, give or take a clock", async () => {
      assert.equal((await counted([read(20)], ...witnesses)).count, 1);
      assert.equal((await counted([read(40)], ...witnesses)).count, 1);
    });

    it("counts the new price, and any price with a change as late", async () => {
      assert.equal((await counted([read(50, changed)], ...witnesses)).count, 1);
      const again = read(50, { priceUsd: 590_000, priceChangedTime: at(45) });
      assert.equal((await counted([again], ...witnesses)).count, 1);
    });

    it("takes no single witness's word, nor that of one coldkey twice", async () => {
      assert.equal((await counted([read(41)], [read(35, changed)])).count, 1);
      const twice = await Promise.all(witnesses.map((rows) => submit(rows, "98101", "v")));
      const known = knownListings(twice, ["98101"]);
      assert.equal(crossCheck(await submit([read(41)]), known, false).counted, 1);
      const own = await Promise.all(witnesses.map((rows, index) => submit(rows, "98101", index === 0 ? "me" : "v")));
      assert.equal(crossCheck(await submit([read(41)]), knownListings(own, ["98101"]), false).counted, 1);
    });
  });

  it("tells the first hundred rows that do not count one by one, and sums up the rest", async () => {
    const known = knownListings([await submit(exampleListings("98101", 1))], ["98101"]);
    const { check } = crossCheck(await submit(exampleListings("98101", 131)), known, false);
    assert.equal(check.findings.length, 100);
    assert.deepEqual(check.untold.get(LossReason.UNCONFIRMED), { count: 30, lostRowBps: 300_000 });
  });
});
