import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import type { Neuron } from "../../core/ports.js";
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

function neuron(uid: number, hotkey: string, incentiveU16: number, weights: Neuron["weights"] = []): Neuron {
  const nothing = { stakeRao: 0n, validatorPermit: false, lastUpdateBlock: 0, registeredBlock: 0 };
  const figures = { dividendsU16: 0, validatorTrustU16: 0, consensusU16: 0 };
  return { uid, hotkey, coldkey: hotkey, ...nothing, ...figures, incentiveU16, weights };
}

const WEIGHTS = [{ uid: 2, weightU16: 65_535 }];
const NEURONS = [
  neuron(0, "v1", 0, WEIGHTS),
  neuron(1, "v2", 0, WEIGHTS),
  neuron(2, "a", 40_000),
  neuron(3, "b", 25_535),
  neuron(4, "x", 0),
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
    ["a liar with incentive", { neurons: NEURONS.with(4, neuron(4, "x", 1)) }, /x has incentive 1/],
    ["an honest miner without", { neurons: NEURONS.with(3, neuron(3, "b", 0)) }, /no incentive/],
    ["weights that differ", { neurons: NEURONS.with(1, neuron(1, "v2", 0, [])) }, /weights on the chain differ/],
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
