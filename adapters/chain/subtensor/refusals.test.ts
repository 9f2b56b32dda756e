import assert from "node:assert/strict";
import { type PoolRefusal, type TransactionKind, poolRefusal } from "./refusals.js";
import { RpcRefusal } from "./wire.js";

const read = (code: number, message: string, kind: TransactionKind = "weights"): PoolRefusal =>
  poolRefusal(new RpcRefusal("author_submitExtrinsic", code, message), kind);

describe("refusals of the pool", () => {
  const cases: readonly (readonly [number, string, PoolRefusal["kind"], TransactionKind?])[] = [
    [1010, "1010: Invalid Transaction: Transaction has a bad signature", "signature"],
    [1, '1: Extrinsic is invalid: {"invalid":{"badProof":null}}', "signature"],
    [1010, "1010: Invalid Transaction: Transaction is outdated", "moved"],
    [1010, '1010: {"invalid":{"stale":null}}', "moved"],
    [1010, "1010: Invalid Transaction: Transaction will be valid in the future", "moved"],
    [1010, "1010: Invalid Transaction: Transaction has an ancient birth block", "moved"],
    [1012, "1012: Transaction is temporarily banned", "moved"],
    [1013, "1013: Transaction Already Imported", "known"],
    [1014, "1014: Priority is too low: (1 vs 1)", "moved"],
    [1016, "1016: Immediately Dropped", "moved"],
  ];
  for (const [code, message, kind] of cases) {
    it(`takes "${message}" for ${kind}`, () => assert.equal(read(code, message).kind, kind));
  }

  const named: readonly (readonly [string, TransactionKind, string])[] = [
    ["1010: Invalid Transaction: Custom error: 1", "weights", "NotEnoughStakeToSetWeights"],
    ["1010: Invalid Transaction: Custom error: 6", "weights", "SettingWeightsTooFast"],
    ['1010: {"invalid":{"custom":6}}', "commit", "CommittingWeightsTooFast"],
    ["1010: Invalid Transaction: Custom error: 11", "axon", "InvalidIpAddress"],
    ["1010: Invalid Transaction: Custom error: 19", "weights", "HotKeyNotRegisteredInSubNet"],
    ["1010: Invalid Transaction: Custom error: 99", "weights", "pool error 99"],
    ["1010: Invalid Transaction: Inability to pay some fees (e.g. account balance too low)", "axon", "Payment"],
    ["1010: Invalid Transaction: something new", "weights", "InvalidTransaction"],
  ];
  for (const [message, kind, chainError] of named) {
    it(`names "${message}" ${chainError}`, () => {
      assert.deepEqual(read(1010, message, kind), { kind: "rejected", chainError });
    });
  }
});
