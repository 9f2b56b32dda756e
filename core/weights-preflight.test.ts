import assert from "node:assert/strict";
import { sampleMetagraph, sampleNeuron } from "./metagraph.test-support.js";
import type { Metagraph, Neuron } from "./ports.js";
import { SOFTWARE_VERSION, WEIGHTS_VERSION_KEY } from "./version.js";
import { activityWarning, weightsObstacles } from "./weights-preflight.js";

const TAO = 1_000_000_000n;
const good: Partial<Neuron> = { validatorPermit: true, stakeRao: 1_000n * TAO, lastUpdateBlock: 800 };

/** The subnet at block 1,000, in which weights may be set every 100 blocks with a stake of 1,000 TAO. */
function subnet(own: Partial<Neuron> = {}, more: Partial<Metagraph> = {}): Metagraph {
  const base = sampleMetagraph([]);
  return sampleMetagraph([sampleNeuron(0, "owner"), sampleNeuron(1, "validator", { ...good, ...own })], {
    block: { ...base.block, number: 1_000 },
    ownerHotkey: "owner",
    minStakeRao: 1_000n * TAO,
    weightsVersionKey: 100n,
    ...more,
  });
}

const found = (metagraph: Metagraph, hotkey = "validator", versionKey = 100n): readonly (readonly [string, string])[] =>
  weightsObstacles({ metagraph, hotkey, versionKey }).map(({ kind, chainError }) => [kind, chainError]);

describe("the preflight of weights", () => {
  it("lets a validator through that the chain would let through", () => {
    assert.deepEqual(found(subnet()), []);
    assert.deepEqual(found(subnet({ lastUpdateBlock: 900 })), [], "at the very block");
    assert.deepEqual(found(subnet({ lastUpdateBlock: 0 }, { weightsRateLimit: 5_000 })), [], "for the first time");
  });

  it("asks neither stake nor permit of the owner", () => {
    assert.deepEqual(found(subnet(), "owner"), []);
  });

  it("names each obstacle as the chain does, in the chain's order", () => {
    assert.deepEqual(found(subnet(), "stranger", 0n), [["lasting", "HotKeyNotRegisteredInSubNet"]]);
    const all = subnet({ validatorPermit: false, stakeRao: TAO / 2n, lastUpdateBlock: 901 });
    assert.deepEqual(found(all, "validator", 99n), [
      ["lasting", "NotEnoughStakeToSetWeights"],
      ["lasting", "IncorrectWeightVersionKey"],
      ["passing", "SettingWeightsTooFast"],
      ["lasting", "NeuronNoValidatorPermit"],
    ]);
    const sealed = subnet({ lastUpdateBlock: 901 }, { revealPeriodEpochs: 1 });
    assert.deepEqual(found(sealed), [["passing", "CommittingWeightsTooFast"]]);
  });

  it("says in figures what is missing", () => {
    const text = (metagraph: Metagraph): string | undefined =>
      weightsObstacles({ metagraph, hotkey: "validator", versionKey: 100n })[0]?.text;
    assert.equal(
      text(subnet({ stakeRao: TAO / 2n })),
      "validator has a stake of 0.5, but needs 1000 to set weights: add stake",
    );
    assert.match(text(subnet({}, { weightsVersionKey: 200n })) ?? "", /asks for version key 200, this program has 100/);
    const [limited] = weightsObstacles({
      metagraph: subnet({ lastUpdateBlock: 950 }),
      hotkey: "validator",
      versionKey: 100n,
    });
    assert(limited?.kind === "passing");
    assert.equal(limited.untilBlock, 1_050);
    assert.match(limited.text, /set in block 950, the next setting is taken from block 1050 on/);
  });

  it("warns from half of the activity cutoff on", () => {
    const warning = (activityCutoff: number, own: Partial<Neuron> = {}): string | undefined =>
      activityWarning({ metagraph: subnet(own, { activityCutoff }), hotkey: "validator" });
    assert.equal(warning(401), undefined);
    assert.match(warning(400) ?? "", /200 blocks ago and soon does not count any more: .* 400 blocks/);
    assert.match(warning(200) ?? "", /200 blocks ago and does not count any more/);
    assert.equal(warning(0), undefined);
    assert.equal(warning(400, { lastUpdateBlock: 0 }), undefined);
  });

  it("compares with a key that follows from the release", () => {
    const [major = 0, minor = 0, patch = 0] = SOFTWARE_VERSION.split(".").map(Number);
    assert.equal(WEIGHTS_VERSION_KEY, BigInt(major * 10_000 + minor * 100 + patch));
  });
});
