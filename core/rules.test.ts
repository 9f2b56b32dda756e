import assert from "node:assert/strict";
import fc from "fast-check";
import { RulesSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { violationsOf } from "./constraints.js";
import { defaultRules } from "./rules.js";

describe("the default rules", () => {
  it("are valid for epochs of any length, with a grace window inside", () => {
    const property = fc.property(fc.integer({ min: 1, max: 86_400 }), (lengthSeconds) => {
      const rules = defaultRules(lengthSeconds);
      assert.deepEqual(violationsOf(RulesSchema, rules), []);
      assert.ok(rules.speedGraceMs < lengthSeconds * 1_000);
    });
    fc.assert(property);
  });

  it("are the contract's for epochs of four hours", () => {
    const rules = defaultRules(14_400);
    assert.equal(rules.speedGraceMs, 900_000);
    assert.equal(rules.targetListings, 10_000);
    assert.deepEqual(rules.winnerShareBps, [5_000, 3_000, 1_500]);
  });
});
