import assert from "node:assert/strict";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { EvidenceSchema, ListingVerdict } from "../../gen/zipnet/v1/report_pb.js";
import { HomeType, ListingStatus } from "../../gen/zipnet/v1/listing_pb.js";
import { violationsOf } from "../constraints.js";
import type { LookUp } from "../ports.js";
import { judgeListing } from "./comparison.js";
import { START_MS, exampleListing } from "./examples.test-support.js";

const HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const page = { url: "http://127.0.0.1/1", fetchedTimeMs: START_MS, httpStatus: 200, pageSha256: "ab".repeat(32) };
type Over = Parameters<typeof exampleListing>[2];

function judge(submitted: Over, observed: Over) {
  const listing = exampleListing("1", "98101", observed);
  return judgeListing(HOTKEY, "98101", exampleListing("1", "98101", submitted), { ...page, outcome: "found", listing });
}

describe("judgeListing", () => {
  it("passes what the source shows as submitted, and makes valid evidence", () => {
    const evidence = judge({}, {});
    assert.equal(evidence.verdict, ListingVerdict.PASS);
    assert.equal(evidence.id, `${HOTKEY}/98101/1`);
    assert.deepEqual(violationsOf(EvidenceSchema, evidence), []);
  });

  it("fails what the source does not have", () => {
    const lookUp: LookUp = { ...page, httpStatus: 404, outcome: "absent" };
    assert.equal(judgeListing(HOTKEY, "98101", exampleListing("1"), lookUp).verdict, ListingVerdict.FAIL);
  });

  it("knows nothing when the source is out of reach", () => {
    const lookUp: LookUp = {
      ...page,
      httpStatus: 0,
      pageSha256: "",
      outcome: "unreachable",
      note: "no answer in 30 s",
    };
    const evidence = judgeListing(HOTKEY, "98101", exampleListing("1"), lookUp);
    assert.equal(evidence.verdict, ListingVerdict.UNKNOWN);
    assert.match(evidence.note, /no answer in 30 s/);
    assert.deepEqual(violationsOf(EvidenceSchema, evidence), []);
  });

  const fixed: [string, Over][] = [
    ["zip_code", { zipCode: "98102" }],
    ["street_address", { streetAddress: "2 Oak St" }],
    ["city", { city: "Tacoma" }],
    ["state", { state: "OR" }],
    ["home_type", { homeType: HomeType.CONDO }],
    ["bedrooms", { bedrooms: 4 }],
    ["bathrooms", { bathrooms: 2.5 }],
    ["living_area_sqft", { livingAreaSqft: 1_801 }],
    ["lot_area_sqft", { lotAreaSqft: 5_001 }],
    ["latitude", { latitude: 47.62 }],
    ["longitude", { longitude: -122.34 }],
    ["tax_assessed_value_usd", { taxAssessedValueUsd: 1 }],
    ["price_usd", { priceUsd: 650_001 }],
  ];
  for (const [field, over] of fixed) {
    it(`fails another ${field}`, () => {
      const evidence = judge(over, {});
      assert.equal(evidence.verdict, ListingVerdict.FAIL);
      assert.deepEqual(
        evidence.differences.map((difference) => difference.field),
        [field],
      );
      assert.deepEqual(violationsOf(EvidenceSchema, evidence), []);
    });
  }

  it("names all differences in the order of Listing", () => {
    const evidence = judge({ priceUsd: 1, city: "Tacoma", bedrooms: 9 }, { brokerName: "B" });
    assert.deepEqual(
      evidence.differences.map((difference) => difference.field),
      ["city", "price_usd", "bedrooms"],
    );
    assert.deepEqual(violationsOf(EvidenceSchema, evidence), []);
  });

  it("forgives a few metres, letter case, spaces, the broker, and what grows by itself", () => {
    const submitted = { latitude: 47.6101, city: "SEATTLE ", daysOnMarket: 3, scrapedTime: timestampFromMs(START_MS) };
    assert.equal(judge(submitted, { daysOnMarket: 4 }).verdict, ListingVerdict.PASS);
    assert.equal(judge({ brokerName: "A" }, { brokerName: "B" }).verdict, ListingVerdict.UNKNOWN);
  });

  it("does not compare what the submission leaves out, but does fail a made-up value", () => {
    assert.equal(judge({}, { taxAssessedValueUsd: 500_000 }).verdict, ListingVerdict.PASS);
    assert.equal(judge({ taxAssessedValueUsd: 500_000 }, {}).verdict, ListingVerdict.FAIL);
  });

  it("forgives another price only when the source changed it after the scraping, give or take a clock", () => {
    const at = (seconds: number) => timestampFromMs(START_MS + seconds * 1000);
    const submitted = { scrapedTime: at(60), priceUsd: 600_000 };
    assert.equal(judge(submitted, { priceUsd: 590_000, priceChangedTime: at(61) }).verdict, ListingVerdict.UNKNOWN);
    assert.equal(judge(submitted, { priceUsd: 590_000, priceChangedTime: at(-239) }).verdict, ListingVerdict.UNKNOWN);
    assert.equal(judge(submitted, { priceUsd: 590_000, priceChangedTime: at(-240) }).verdict, ListingVerdict.FAIL);
    assert.equal(judge(submitted, { priceUsd: 590_000 }).verdict, ListingVerdict.FAIL);
  });

  it("takes a change on the full hour for one of that day, at any time", () => {
    const submitted = { scrapedTime: timestampFromMs(START_MS + 60_000), priceUsd: 600_000 };
    const changed = (hours: number) => ({
      priceUsd: 590_000,
      priceChangedTime: timestampFromMs(START_MS - hours * 3_600_000),
    });
    assert.equal(judge(submitted, changed(0)).verdict, ListingVerdict.UNKNOWN);
    assert.equal(judge(submitted, changed(23)).verdict, ListingVerdict.UNKNOWN);
    assert.equal(judge(submitted, changed(24)).verdict, ListingVerdict.FAIL);
  });

  it("still fails a made-up field of a listing whose price changed honestly", () => {
    const observed = { priceUsd: 590_000, priceChangedTime: timestampFromMs(START_MS + 3_600_000) };
    assert.equal(judge({ bedrooms: 9 }, observed).verdict, ListingVerdict.FAIL);
  });

  const { FOR_SALE, FOR_RENT, PENDING, SOLD, OFF_MARKET } = ListingStatus;
  const steps: [ListingStatus, ListingStatus, ListingVerdict][] = [
    [FOR_SALE, PENDING, ListingVerdict.UNKNOWN],
    [FOR_SALE, SOLD, ListingVerdict.UNKNOWN],
    [FOR_SALE, OFF_MARKET, ListingVerdict.UNKNOWN],
    [PENDING, FOR_SALE, ListingVerdict.UNKNOWN],
    [FOR_SALE, FOR_RENT, ListingVerdict.FAIL],
    [SOLD, FOR_SALE, ListingVerdict.FAIL],
  ];
  for (const [from, to, verdict] of steps) {
    it(`takes ${ListingStatus[from]} that became ${ListingStatus[to]} for ${ListingVerdict[verdict]}`, () => {
      assert.equal(judge({ status: from }, { status: to }).verdict, verdict);
    });
  }

  it("forgives the closing price of a home that was sold since", () => {
    assert.equal(judge({}, { status: SOLD, priceUsd: 640_000 }).verdict, ListingVerdict.UNKNOWN);
  });
});
