import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { sampleNeuron } from "../../core/metagraph.test-support.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import { MinerVerdict, ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { type Cast, type EpochResult, epochProblems, sameListing } from "./checks.js";

const CAST: Cast = { honest: ["a", "b"], liars: ["x"], validators: ["v1", "v2"] };

const epoch = create(EpochSchema, {
  zipCodes: [{ expectedListings: 300 }, { expectedListings: 320 }],
  expectedListings: 620,
  rules: { targetListings: 600, toleranceBps: 1000 },
});

function report(validator: string, liarScoreBps = 0) {
  const liar = { hotkey: "x", verdict: MinerVerdict.LIAR, scoreBps: liarScoreBps };
  const honest = { rank: 1, verdict: MinerVerdict.VERIFIED, scoreBps: 9000, shareBps: 5000 };
  return create(ReportSchema, {
    validator,
    table: { scores: [{ ...honest, hotkey: "a" }, { ...honest, hotkey: "b" }, liar] },
  });
}

const WEIGHTS = [{ uid: 2, weightU16: 65_535 }];
const NEURONS = [
  sampleNeuron(0, "v1", { weights: WEIGHTS }),
  sampleNeuron(1, "v2", { weights: WEIGHTS }),
  sampleNeuron(2, "a", { incentiveU16: 40_000 }),
  sampleNeuron(3, "b", { incentiveU16: 25_535 }),
  sampleNeuron(4, "x"),
];
const GOOD: EpochResult = { epoch, reports: [report("v1"), report("v2")], neurons: NEURONS };

describe("demo checks", () => {
  it("find nothing wrong where nothing is", () => {
    assert.deepEqual(epochProblems(GOOD, CAST), []);
  });

  const wrong: readonly (readonly [string, Partial<EpochResult>, RegExp])[] = [
    [
      "a sum outside the band",
      { epoch: { ...epoch, rules: { ...epoch.rules, targetListings: 700 } as never } },
      /target/,
    ],
    ["a missing report", { reports: [report("v1")] }, /1 reports .* 2 validators/],
    ["tables that differ", { reports: [report("v1"), report("v2", 1)] }, /score tables differ/],
    ["a liar who scores", { reports: [report("v1", 1), report("v2", 1)] }, /x was not caught/],
    [
      "a liar with incentive",
      { neurons: NEURONS.with(4, sampleNeuron(4, "x", { incentiveU16: 1 })) },
      /x has incentive 1/,
    ],
    ["an honest miner without", { neurons: NEURONS.with(3, sampleNeuron(3, "b")) }, /no incentive/],
    ["weights that differ", { neurons: NEURONS.with(1, sampleNeuron(1, "v2")) }, /weights on the chain differ/],
  ];
  for (const [name, change, expected] of wrong) {
    it(`find ${name}`, () => {
      assert.match(epochProblems({ ...GOOD, ...change }, CAST).join("; "), expected);
    });
  }

  it("compare listings field for field but for the reader's clock", () => {
    const row = create(ListingSchema, { listingId: "1", priceUsd: 5, scrapedTime: { seconds: 1n } });
    assert.ok(sameListing(row, create(ListingSchema, { listingId: "1", priceUsd: 5, scrapedTime: { seconds: 2n } })));
    assert.ok(!sameListing(row, create(ListingSchema, { listingId: "1", priceUsd: 6 })));
    assert.ok(!sameListing(row, create(ListingSchema, { listingId: "1", priceUsd: 5, bedrooms: 2 })));
  });
});
