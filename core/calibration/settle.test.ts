import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { SettlementSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import { ZipCodeCountSchema } from "../../gen/zipnet/v1/report_pb.js";
import { violationsOf } from "../constraints.js";
import { SHA, sample } from "../samples.test-support.js";
import { settle } from "./settle.js";

const VALIDATORS = [
  "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
  "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y",
  "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
] as const;
const assigned = new Set(["98101"]);

/** The listings that are settled when validators of these stakes report these, undefined for no report. */
function settled(stakes: readonly bigint[], listings: readonly (number | undefined)[]) {
  const reports = listings.flatMap((found, index) => {
    const zipCodes = [
      create(ZipCodeCountSchema, {
        zipCode: "98101",
        lowerMedianListings: found ?? 0,
        upperMedianListings: found ?? 0,
        miners: 3,
      }),
    ];
    return found === undefined ? [] : [{ validator: VALIDATORS[index] ?? "", sha256: SHA, zipCodes }];
  });
  const known = new Map(stakes.map((stake, index) => [VALIDATORS[index] ?? "", stake]));
  return settle({ reports, stakes: known, assigned });
}
const found = (stakes: readonly bigint[], listings: readonly (number | undefined)[]) =>
  settled(stakes, listings).zipCodes[0]?.lowerMedianListings;

describe("settle", () => {
  it("takes what more than half of the reporting stake says", () => {
    assert.equal(found([10n, 10n, 10n], [7, 7, 9]), 7);
    assert.equal(found([10n, 10n, 30n], [7, 7, 9]), 9, "stake counts, not heads");
    assert.equal(found([10n, 10n, 20n], [7, 7, 9]), undefined, "half is not more than half");
    assert.equal(found([10n, 10n, 10n], [7, undefined, undefined]), 7);
    assert.equal(found([10n, 10n, 10n], [undefined, undefined, undefined]), undefined);
  });

  it("takes nothing where less than a third of all stake has reported", () => {
    assert.equal(found([10n, 10n, 11n], [7, undefined, undefined]), undefined);
    const { reports, validatorStakeRao } = settled([10n, 10n, 11n], [7, undefined, undefined]);
    assert.deepEqual([validatorStakeRao, reports[0]?.agrees], [31n, false]);
  });

  it("leaves out reports of others, and zip codes that were not assigned", () => {
    assert.equal(found([10n], [7, 9, 9]), 7);
    const zipCodes = ["98101", "99999"].map((zipCode) => create(ZipCodeCountSchema, { zipCode, miners: 3 }));
    const reports = [{ validator: VALIDATORS[0], sha256: SHA, zipCodes }];
    const { zipCodes: taken } = settle({ reports, stakes: new Map([[VALIDATORS[0], 1n]]), assigned });
    assert.deepEqual(
      taken.map(({ zipCode }) => zipCode),
      ["98101"],
    );
  });

  it("is never decided by a minority of the stake, in valid settlements", () => {
    const stake = fc.bigInt({ min: 0n, max: 21_000_000n });
    const said = fc.option(fc.nat(2), { nil: undefined });
    const three = <T>(each: fc.Arbitrary<T>) => fc.array(each, { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(three(stake), three(said), (stakes, listings) => {
        const result = settled(stakes, listings);
        assert.deepEqual(
          violationsOf(SettlementSchema, create(SettlementSchema, { ...sample(SettlementSchema), ...result })),
          [],
        );
        const [taken] = result.zipCodes;
        const stakeOf = (matches: (listed: number | undefined) => boolean): bigint =>
          stakes.filter((_, index) => matches(listings[index])).reduce((sum, each) => sum + each, 0n);
        const reported = stakeOf((listed) => listed !== undefined);
        if (taken !== undefined) assert.ok(stakeOf((listed) => listed === taken.lowerMedianListings) * 2n > reported);
        for (const value of [0, 1, 2]) {
          const isClear = stakeOf((listed) => listed === value) * 2n > reported && reported * 3n >= stakeOf(() => true);
          if (isClear) assert.equal(taken?.lowerMedianListings, value);
        }
      }),
    );
  });
});
