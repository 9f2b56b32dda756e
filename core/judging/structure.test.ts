import assert from "node:assert/strict";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { HomeType } from "../../gen/zipnet/v1/listing_pb.js";
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import { CLOSE_MS, START_MS, checkFiles, exampleListing, exampleListings, readFile } from "./examples.test-support.js";
import { heuristicQualityBps } from "./quality.js";
import { type FileContent, type SubmissionCheck, acceptedCount } from "./submission-check.js";

const HOTKEY = "5Miner";

function checkRows(...listings: Parameters<typeof readFile>[2]): Promise<SubmissionCheck> {
  return checkFiles({ hotkey: HOTKEY, files: new Map([["98101", readFile(HOTKEY, "98101", listings)]]) });
}

function reasons(check: SubmissionCheck): LossReason[] {
  return check.findings.map((finding) => finding.reason);
}

describe("checkSubmission", () => {
  it("accepts sound listings and finds nothing", async () => {
    const check = await checkRows(...exampleListings("98101", 3));
    assert.equal(acceptedCount(check), 3);
    assert.deepEqual(check.findings, []);
    assert.equal(heuristicQualityBps(check), 10_000);
  });

  const heads: [string, object, LossReason][] = [
    ["nonce", { nonce: "00".repeat(16) }, LossReason.WRONG_NONCE],
    ["epoch", { epochId: "20261122T080000Z" }, LossReason.WRONG_NONCE],
    ["hotkey", { hotkey: "5Other" }, LossReason.WRONG_NONCE],
    ["zip code", { zipCode: "98102" }, LossReason.CONTRADICTION],
  ];
  for (const [what, over, reason] of heads) {
    it(`calls a file with another ${what} a lie`, async () => {
      const sound = readFile(HOTKEY, "98101", exampleListings("98101", 2));
      assert(sound.kind === "read");
      const file: FileContent = { ...sound, head: { ...sound.head, ...over } };
      const check = await checkFiles({ hotkey: HOTKEY, files: new Map([["98101", file]]) });
      assert.equal(check.lie?.reason, reason);
      assert.equal(check.lie?.zipCode, "98101");
      assert.equal(acceptedCount(check), 0);
    });
  }

  it("calls another number of rows than the manifest's, and another hash, a contradiction", async () => {
    const files = new Map([["98101", readFile(HOTKEY, "98101", exampleListings("98101", 2))]]);
    const rows = await checkFiles({
      hotkey: HOTKEY,
      files,
      manifest: { objects: [{ zipCode: "98101", rows: 3 } as never] },
    });
    assert.equal(rows.lie?.reason, LossReason.CONTRADICTION);
    assert.match(rows.lie?.detail ?? "", /2 rows, its manifest says 3/);
    const hash = await checkFiles({ hotkey: HOTKEY, files: new Map([["98101", { kind: "other-hash" }]]) });
    assert.equal(hash.lie?.reason, LossReason.CONTRADICTION);
  });

  it("calls a manifest with another nonce a lie", async () => {
    const check = await checkFiles({ hotkey: HOTKEY, files: new Map(), manifest: { nonce: "00".repeat(16) } });
    assert.equal(check.lie?.reason, LossReason.WRONG_NONCE);
  });

  it("counts an unreadable file as no listings there, and not as a lie", async () => {
    const files = new Map<string, FileContent>([
      ["98101", { kind: "unreadable" }],
      ["98102", readFile(HOTKEY, "98102", exampleListings("98102", 2))],
    ]);
    const check = await checkFiles({ hotkey: HOTKEY, files });
    assert.equal(check.lie, undefined);
    assert.equal(acceptedCount(check), 2);
    assert.deepEqual([...check.unreadable], ["98101"]);
  });

  it("does not accept foreign, repeated and implausible rows, and lets them cost quality", async () => {
    const sound = exampleListing("1");
    const check = await checkRows(
      sound,
      exampleListing("2", "98102"),
      exampleListing("1", "98101", { priceUsd: 1 }),
      exampleListing("3", "98101", { priceUsd: 0 }),
    );
    assert.deepEqual(check.accepted.get("98101"), ["1"]);
    assert.deepEqual(reasons(check), [LossReason.FOREIGN, LossReason.DUPLICATE, LossReason.IMPLAUSIBLE]);
    assert.equal(heuristicQualityBps(check), 2_500);
  });

  it("keeps the columns of accepted rows only, of a repeated listing the first row's", async () => {
    const row = (id: string, priceUsd: number) => exampleListing(id, "98101", { priceUsd });
    const check = await checkRows(row("2", 700), row("1", 500), row("2", 900), row("3", 0), row("1", 100));
    const { ids, priceUsd } = check.acceptedRows.get("98101") ?? assert.fail();
    assert.deepEqual(
      [ids, [...priceUsd]],
      [
        ["1", "2"],
        [500, 700],
      ],
    );
    assert.deepEqual(check.accepted.get("98101"), ids);
  });

  it("finds a repeated listing across files", async () => {
    const files = new Map([
      ["98101", readFile(HOTKEY, "98101", [exampleListing("7", "98101")])],
      ["98102", readFile(HOTKEY, "98102", [exampleListing("7", "98102")])],
    ]);
    const check = await checkFiles({ hotkey: HOTKEY, files });
    assert.deepEqual([...check.accepted], [["98101", ["7"]]]);
    assert.deepEqual(reasons(check), [LossReason.DUPLICATE]);
  });

  it("accepts no listings of a zip code that is not the epoch's", async () => {
    const files = new Map([["10001", readFile(HOTKEY, "10001", [exampleListing("7", "10001")])]]);
    const check = await checkFiles({ hotkey: HOTKEY, files });
    assert.equal(acceptedCount(check), 0);
  });

  it("asks a house for its lot and a lot only for its lot", async () => {
    const house = exampleListing("1");
    delete house.lotAreaSqft;
    delete house.bedrooms;
    const lot = exampleListing("2", "98101", { homeType: HomeType.LOT });
    delete lot.bedrooms;
    delete lot.bathrooms;
    delete lot.livingAreaSqft;
    const check = await checkRows(house, lot);
    assert.equal(acceptedCount(check), 2);
    assert.deepEqual(
      check.findings.map(({ listingId, detail, lostRowBps }) => [listingId, detail, lostRowBps]),
      [["1", "missing: bedrooms, lot_area_sqft", 10_000 - 6_666]],
    );
  });

  it("takes a studio's 0 bedrooms for a value", async () => {
    assert.deepEqual((await checkRows(exampleListing("1", "98101", { bedrooms: 0 }))).findings, []);
  });

  const impossible: [string, Parameters<typeof exampleListing>[2], RegExp][] = [
    ["a position without longitude", { longitude: undefined as never }, /half a position/],
    ["a latitude in Norway's north", { latitude: 78 }, /latitude/],
    ["300 bedrooms", { bedrooms: 300 }, /bedrooms/],
    ["a time before the epoch", { scrapedTime: timestampFromMs(START_MS - 600_000) }, /before the epoch/],
    [
      "a change of price after it was read",
      { priceChangedTime: timestampFromMs(START_MS + 361_000) },
      /price_changed_time/,
    ],
    ["a time after the receipt", { scrapedTime: timestampFromMs(CLOSE_MS) }, /after the receipt/],
    ["an id with leading zeros", { listingId: "0001" }, /listing_id/],
    ["no street", { streetAddress: "" }, /street_address/],
  ];
  for (const [what, over, detail] of impossible) {
    it(`finds ${what} implausible`, async () => {
      const check = await checkRows(exampleListing("1", "98101", over));
      assert.deepEqual(reasons(check), [LossReason.IMPLAUSIBLE]);
      assert.match(check.findings[0]?.detail ?? "", detail);
    });
  }

  it("tells 100 findings of a reason and sums up the rest", async () => {
    const rows = Array.from({ length: 130 }, (_, index) => exampleListing(`${index + 1}`, "98102"));
    const check = await checkRows(...rows);
    assert.equal(check.findings.length, 100);
    assert.deepEqual(check.untold.get(LossReason.FOREIGN), { count: 30, lostRowBps: 300_000 });
  });
});
