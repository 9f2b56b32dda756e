import assert from "node:assert/strict";
import { emptyLedger, type SubnetState } from "./ledger.js";
import { checkEra, checkWeights, ERA_BLOCKS } from "./refusals.js";
import { TEST_RULES } from "./local-chain.test-support.js";

/** Uids 0 owner (no stake), 1 validator, 2 stake without permit, 3 and 4 miners; the next block is 1. */
function subnet(): SubnetState {
  const ledger = emptyLedger();
  const rules = { ownerHotkey: "owner", weightsVersionKey: 5n, weightsRateLimit: 100, minAllowedWeights: 2 };
  ledger.apply({ kind: "rules", rules: { ...TEST_RULES, ...rules, maxValidators: 1, minStakeRao: 10n } });
  for (const hotkey of ["owner", "validator", "waiting", "miner", "other"]) {
    ledger.apply({ kind: "register", hotkey, coldkey: hotkey });
  }
  ledger.apply({ kind: "stake", hotkey: "validator", stakeRao: 20n });
  ledger.apply({ kind: "stake", hotkey: "waiting", stakeRao: 10n });
  const state = ledger.pending();
  assert.ok(state !== undefined);
  return state;
}

const GOOD = { hotkey: "validator", netuid: 1, uids: [3, 4], weights: [1, 2], versionKey: 5n };

/** The same subnet, in which a hotkey set weights in a block. */
function after(hotkey: string, lastUpdateBlock: number): SubnetState {
  const state = subnet();
  return {
    ...state,
    neurons: state.neurons.map((neuron) => (neuron.hotkey === hotkey ? { ...neuron, lastUpdateBlock } : neuron)),
  };
}

describe("checkWeights", () => {
  it("takes a good row, and one by the owner without stake and permit", () => {
    checkWeights(GOOD, subnet(), 1);
    checkWeights({ ...GOOD, hotkey: "owner" }, subnet(), 1);
  });

  it("names the first broken rule in the real chain's order when all are broken", () => {
    // Each step repairs one rule; the call breaks every rule that comes after.
    const many = [9, 9, 9, 9, 9, 9];
    const tooFast = after("waiting", 50);
    const cases: [Partial<typeof GOOD>, SubnetState, string][] = [
      [{ uids: many, weights: [1], netuid: 2, hotkey: "x", versionKey: 0n }, subnet(), "WeightVecNotEqualSize"],
      [{ uids: many, weights: many, netuid: 2, hotkey: "x", versionKey: 0n }, subnet(), "MechanismDoesNotExist"],
      [{ uids: many, weights: many, hotkey: "x", versionKey: 0n }, subnet(), "UidsLengthExceedUidsInSubNet"],
      [{ uids: [9, 9], hotkey: "x", versionKey: 0n }, subnet(), "HotKeyNotRegisteredInSubNet"],
      [{ uids: [9, 9], hotkey: "miner", versionKey: 0n }, subnet(), "NotEnoughStakeToSetWeights"],
      [{ uids: [9, 9], hotkey: "waiting", versionKey: 0n }, tooFast, "IncorrectWeightVersionKey"],
      [{ uids: [9, 9], hotkey: "waiting" }, tooFast, "SettingWeightsTooFast"],
      [{ uids: [9, 9], hotkey: "waiting" }, subnet(), "NeuronNoValidatorPermit"],
      [{ uids: [9, 9] }, subnet(), "DuplicateUids"],
      [{ uids: [9], weights: [1] }, subnet(), "UidVecContainInvalidOne"],
      [{ uids: [3], weights: [1] }, subnet(), "WeightVecLengthIsLow"],
    ];
    for (const [change, state, chainError] of cases) {
      assert.throws(() => checkWeights({ ...GOOD, ...change }, state, 60), { chainError });
    }
  });

  it("takes weights again exactly when the limit has passed", () => {
    const state = after("validator", 50);
    const metadata = { earliest_block: "150" };
    assert.throws(() => checkWeights(GOOD, state, 149), { chainError: "SettingWeightsTooFast", metadata });
    checkWeights(GOOD, state, 150);
  });

  it("takes a weight on the sender itself without permit and whatever the length", () => {
    checkWeights({ ...GOOD, hotkey: "waiting", uids: [2], weights: [1] }, subnet(), 1);
    const foreign = { ...GOOD, hotkey: "waiting", uids: [1], weights: [1] };
    assert.throws(() => checkWeights(foreign, subnet(), 1), { chainError: "NeuronNoValidatorPermit" });
  });

  it("asks for no longer row than there are neurons, and for no key where none is set", () => {
    const state = subnet();
    const rules = { ...state.rules, minAllowedWeights: 1_024, weightsVersionKey: 0n };
    const all = { ...GOOD, uids: [0, 1, 2, 3, 4], weights: [1, 1, 1, 1, 1], versionKey: 0n };
    checkWeights(all, { ...state, rules }, 1);
  });
});

describe("checkEra", () => {
  it("takes a call for 64 blocks after its era block", () => {
    checkEra(10, 10, 10 + ERA_BLOCKS);
    assert.throws(() => checkEra(10, 73, 11 + ERA_BLOCKS), { chainError: "AncientBirthBlock" });
    assert.throws(() => checkEra(11, 10, 12), { chainError: "Future" });
  });
});
