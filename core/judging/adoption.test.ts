import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type Evidence, EvidenceSchema, ListingVerdict } from "../../gen/zipnet/v1/report_pb.js";
import { type OthersReport, adoptingFrom } from "./adoption.js";
import { evidenceId } from "./comparison.js";
import { exampleListing } from "./examples.test-support.js";

const { PASS, FAIL, UNKNOWN } = ListingVerdict;

/** What a validator found of a listing; "changed" is an UNKNOWN with an answer. */
function found(verdict: ListingVerdict | "changed", listingId = "1"): Evidence {
  const submitted = exampleListing(listingId);
  return create(EvidenceSchema, {
    id: evidenceId("5Miner", submitted.zipCode, listingId),
    hotkey: "5Miner",
    submitted,
    verdict: verdict === "changed" ? UNKNOWN : verdict,
    differences:
      verdict === "changed" ? [{ field: "price_usd", submitted: "1", observed: "2", mayHaveChanged: true }] : [],
  });
}

function report(validator: string, stake: number, ...evidence: Evidence[]): OthersReport {
  return { validator, stakeRao: BigInt(stake), evidence };
}

describe("adoptingFrom", () => {
  const own = found(UNKNOWN);

  it("takes over what two others with most of the stake found, and says from whom", () => {
    const adopt = adoptingFrom([
      report("5C", 3, found(FAIL)),
      report("5A", 3, found(FAIL)),
      report("5B", 5, found(PASS)),
    ]);
    assert.equal(adopt(own).verdict, FAIL);
    assert.deepEqual(adopt(own).adoptedFrom, ["5A", "5C"]);
    assert.deepEqual(adopt(own).submitted, own.submitted);
  });

  it("takes over nothing from one alone, whatever its stake", () => {
    assert.equal(adoptingFrom([report("5A", 1_000, found(FAIL))])(own), own);
    const silent = [report("5A", 1_000, found(FAIL)), report("5B", 1, found(UNKNOWN))];
    assert.equal(adoptingFrom(silent)(own), own);
  });

  it("takes over nothing from many who have half of the stake or less", () => {
    const many = ["5A", "5B", "5C"].map((validator) => report(validator, 1, found(FAIL)));
    assert.equal(adoptingFrom([...many, report("5D", 3, found(PASS))])(own), own);
    assert.equal(adoptingFrom([...many, report("5D", 3, found("changed"))])(own), own);
  });

  it("keeps own findings, whatever all others say", () => {
    const others = adoptingFrom([report("5A", 9, found(FAIL)), report("5B", 9, found(FAIL))]);
    for (const mine of [found(PASS), found(FAIL), found("changed")]) assert.equal(others(mine), mine);
  });

  it("does not count what others took over themselves", () => {
    const second = { ...found(FAIL), adoptedFrom: ["5A", "5X"] };
    assert.equal(adoptingFrom([report("5A", 1, found(FAIL)), report("5B", 9, second)])(own), own);
  });

  it("does not depend on the order of the reports", () => {
    const verdict = fc.constantFrom(PASS, FAIL, UNKNOWN, "changed" as const);
    const reports = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 9 }), verdict, fc.nat(99)), {
      selector: ([, , name]) => name,
      maxLength: 7,
    });
    fc.assert(
      fc.property(reports, (drawn) => {
        const all = drawn.map(([stake, each, name]) => report(`5${name}`, stake, found(each)));
        assert.deepEqual(adoptingFrom(all)(own), adoptingFrom(all.toReversed())(own));
      }),
    );
  });
});
