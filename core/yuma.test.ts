import assert from "node:assert/strict";
import fc from "fast-check";
import { yumaConsensus, type YumaInput, type YumaResult } from "./yuma.js";

const SPLIT = [50, 30, 15, 5];

/** Two validators (uids 4 and 5) that weigh four miners (uids 0 to 3). */
function twoValidators(stakes: readonly [number, number], second: readonly number[]): YumaResult {
  const row = (weights: readonly number[]) => weights.map((weightU16, uid) => ({ uid, weightU16 }));
  return yumaConsensus({
    neuronCount: 6,
    validators: [
      { uid: 4, stakeRao: BigInt(stakes[0]) * 1_000_000_000n, weights: row(SPLIT) },
      { uid: 5, stakeRao: BigInt(stakes[1]) * 1_000_000_000n, weights: row(second) },
    ],
  });
}

/** Compares to three decimals, with room for how the expected figures were rounded. */
function assertNear(actual: readonly number[], expected: readonly number[], what: string): void {
  assert.equal(actual.length, expected.length, what);
  for (const [index, value] of actual.entries()) {
    const wanted = expected[index] ?? NaN;
    assert.ok(Math.abs(value - wanted) <= 0.00051, `${what}[${index}] is ${value}, but should be ${wanted}`);
  }
}

// Measured on a real runtime with two validators, of which the first always sets 50/30/15/5.
const MEASURED = [
  {
    name: "both the same",
    stakes: [60, 40],
    second: SPLIT,
    consensus: [0.5, 0.3, 0.15, 0.05],
    incentive: [0.5, 0.3, 0.15, 0.05],
    trust: [1, 1],
  },
  {
    name: "a minority puts all on the fourth",
    stakes: [60, 40],
    second: [0, 0, 0, 1],
    consensus: [0.5, 0.3, 0.15, 0.05],
    incentive: [0.484, 0.29, 0.145, 0.081],
    trust: [1, 0.05],
  },
  {
    name: "a majority puts all on the fourth",
    stakes: [40, 60],
    second: [0, 0, 0, 1],
    consensus: [0, 0, 0, 1],
    incentive: [0, 0, 0, 1],
    trust: [0.05, 1],
  },
  {
    name: "a minority weighs all alike",
    stakes: [60, 40],
    second: [25, 25, 25, 25],
    consensus: [0.5, 0.3, 0.15, 0.05],
    incentive: [0.455, 0.318, 0.17, 0.057],
    trust: [1, 0.7],
  },
  {
    name: "a minority differs a little",
    stakes: [60, 40],
    second: [55, 25, 15, 5],
    consensus: [0.5, 0.3, 0.15, 0.05],
    incentive: [0.51, 0.286, 0.153, 0.051],
    trust: [1, 0.95],
  },
  {
    name: "equal stakes disagree",
    stakes: [50, 50],
    second: [0, 0, 0, 1],
    consensus: [0, 0, 0, 0.05],
    incentive: [0, 0, 0, 1],
    trust: [0.05, 0.05],
  },
] as const;

/** Subnets with some validators, no two alike. */
const subnets: fc.Arbitrary<YumaInput> = fc.integer({ min: 2, max: 12 }).chain((neuronCount) => {
  const uid = fc.integer({ min: 0, max: neuronCount - 1 });
  const weight = fc.record({ uid, weightU16: fc.integer({ min: 0, max: 65_535 }) });
  const validator = fc.record({
    uid,
    stakeRao: fc.bigInt({ min: 1n, max: 10n ** 16n }),
    weights: fc.uniqueArray(weight, { selector: (entry) => entry.uid }),
  });
  return fc.record({
    neuronCount: fc.constant(neuronCount),
    validators: fc.uniqueArray(validator, { selector: (entry) => entry.uid, maxLength: 6 }),
  });
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe("yumaConsensus", () => {
  for (const { name, stakes, second, consensus, incentive, trust } of MEASURED) {
    it(`gives the real chain's figures when ${name}`, () => {
      const result = twoValidators([stakes[0], stakes[1]], second);
      assertNear(result.consensus.slice(0, 4), consensus, "consensus");
      assertNear(result.incentive.slice(0, 4), incentive, "incentive");
      assertNear(result.validatorTrust.slice(4), trust, "validator trust");
    });
  }

  it("pays a deviating minority less than its stake, and an agreeing one exactly its stake", () => {
    assertNear(twoValidators([60, 40], SPLIT).dividends.slice(4), [0.6, 0.4], "dividends");
    const deviating = twoValidators([60, 40], [0, 0, 0, 1]).dividends;
    assert.ok((deviating[5] ?? 1) < 0.1, `the deviating validator gets ${deviating[5]}`);
  });

  it("does not count a validator's weight on itself, but the owner's", () => {
    const validators = [{ uid: 0, stakeRao: 1n, weights: [0, 1].map((uid) => ({ uid, weightU16: 1 })) }];
    assert.deepEqual(yumaConsensus({ neuronCount: 2, validators }).incentive, [0, 1]);
    assert.deepEqual(yumaConsensus({ neuronCount: 2, ownerUid: 0, validators }).incentive, [0.5, 0.5]);
  });

  it("gives nothing to anybody when nobody set weights or all weights are zero", () => {
    const zeros = { consensus: [0, 0], incentive: [0, 0], dividends: [0, 0], validatorTrust: [0, 0] };
    assert.deepEqual(yumaConsensus({ neuronCount: 2, validators: [] }), zeros);
    const validators = [{ uid: 0, stakeRao: 5n, weights: [{ uid: 1, weightU16: 0 }] }];
    assert.deepEqual(yumaConsensus({ neuronCount: 2, validators }), zeros);
  });

  it("hands out the whole or nothing, and keeps every figure within 0 and 1", () => {
    fc.assert(
      fc.property(subnets, (input) => {
        const result = yumaConsensus(input);
        const incentive = sum(result.incentive);
        assert.ok(Math.abs(incentive - 1) < 1e-9 || incentive === 0, `incentive adds up to ${incentive}`);
        assert.ok(Math.abs(sum(result.dividends) - incentive) < 1e-9);
        const anyConsensus = result.consensus.some((value) => value > 0);
        assert.equal(incentive > 0, anyConsensus);
        for (const values of Object.values(result) as number[][]) {
          assert.equal(values.length, input.neuronCount);
          for (const value of values) assert.ok(value >= 0 && value <= 1 + 1e-9, `a figure is ${value}`);
        }
      }),
    );
  });

  it("does not depend on the order of validators and weights", () => {
    fc.assert(
      fc.property(subnets, (input) => {
        const reversed = [...input.validators]
          .reverse()
          .map((validator) => ({ ...validator, weights: [...validator.weights].reverse() }));
        assert.deepEqual(yumaConsensus({ ...input, validators: reversed }), yumaConsensus(input));
      }),
    );
  });

  it("follows a renumbering of the uids", () => {
    fc.assert(
      fc.property(subnets, (input) => {
        const renumber = (uid: number): number => input.neuronCount - 1 - uid;
        const renumbered = yumaConsensus({
          ...input,
          validators: input.validators.map((validator) => ({
            ...validator,
            uid: renumber(validator.uid),
            weights: validator.weights.map(({ uid, weightU16 }) => ({ uid: renumber(uid), weightU16 })),
          })),
        });
        const original = yumaConsensus(input);
        for (const key of ["consensus", "incentive", "dividends", "validatorTrust"] as const) {
          for (const [uid, value] of original[key].entries()) {
            assert.ok(Math.abs(value - (renumbered[key][renumber(uid)] ?? NaN)) < 1e-9, `${key} of ${uid}`);
          }
        }
      }),
    );
  });
});
