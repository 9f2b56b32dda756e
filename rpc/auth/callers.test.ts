import assert from "node:assert/strict";
import { manualClock } from "../../adapters/clock/manual-clock.js";
import { sampleMetagraph, sampleNeuron } from "../../core/metagraph.test-support.js";
import type { Chain, Metagraph, Neuron } from "../../core/ports.js";
import { MAX_STALE_MS, metagraphDirectory } from "./callers.js";

const neuron = (hotkey: string, more: Partial<Neuron> = {}) => sampleNeuron(0, hotkey, more);

/** A chain of which only the metagraph can be read. */
function chainOf(read: () => Promise<readonly Neuron[]>): Chain {
  const metagraph = async (): Promise<Metagraph> => sampleMetagraph(await read(), { ownerHotkey: "owner" });
  return { metagraph } as unknown as Chain;
}

describe("the caller directory", () => {
  const clock = () => manualClock(0);
  const common = { maxAgeMs: 1_000, minValidatorStakeRao: 100n, signal: new AbortController().signal };

  it("knows miners, validators and the owner", async () => {
    const neurons = [
      neuron("miner"),
      neuron("validator", { validatorPermit: true, stakeRao: 100n }),
      neuron("poor", { validatorPermit: true, stakeRao: 99n }),
      neuron("rich", { stakeRao: 1_000n }),
    ];
    const directory = metagraphDirectory({ ...common, clock: clock(), chain: chainOf(async () => neurons) });
    assert.deepEqual(await directory.rolesOf("miner"), ["miner"]);
    assert.deepEqual(await directory.rolesOf("validator"), ["miner", "validator"]);
    assert.deepEqual(await directory.rolesOf("poor"), ["miner"]);
    assert.deepEqual(await directory.rolesOf("rich"), ["miner"]);
    assert.deepEqual(await directory.rolesOf("owner"), ["owner"]);
    assert.deepEqual(await directory.rolesOf("stranger"), []);
  });

  it("says what a hotkey lacks to be a validator", async () => {
    const tao = (count: number) => BigInt(count) * 1_000_000_000n;
    const neurons = [
      neuron("miner"),
      neuron("poor", { validatorPermit: true, stakeRao: tao(1_000) - 1n }),
      neuron("rich", { stakeRao: tao(5_000) }),
    ];
    const chain = chainOf(async () => neurons);
    const directory = metagraphDirectory({ ...common, minValidatorStakeRao: tao(1_000), clock: clock(), chain });
    await directory.rolesOf("miner");
    const needs = "but needs 1000 TAO and a permit";
    assert.equal(directory.whyNoValidator?.("miner"), `it has 0 TAO of stake and no validator permit, ${needs}`);
    assert.equal(directory.whyNoValidator?.("poor"), `it has 999 TAO of stake and a validator permit, ${needs}`);
    assert.equal(directory.whyNoValidator?.("rich"), `it has 5000 TAO of stake and no validator permit, ${needs}`);
  });

  it("reads once for many callers, and again only after the age", async () => {
    let reads = 0;
    const time = clock();
    const chain = chainOf(async () => {
      reads += 1;
      return [neuron("miner")];
    });
    const directory = metagraphDirectory({ ...common, clock: time, chain });
    await Promise.all([directory.rolesOf("miner"), directory.rolesOf("owner"), directory.rolesOf("other")]);
    assert.equal(reads, 1);
    await time.advanceTo(1_000);
    await directory.rolesOf("miner");
    assert.equal(reads, 1);
    await time.advanceTo(1_001);
    await directory.rolesOf("miner");
    assert.equal(reads, 2);
  });

  it("serves those it knows while the chain is out of reach, up to the limit", async () => {
    let isDown = false;
    const time = clock();
    const chain = chainOf(async () => {
      if (isDown) throw new Error("no chain");
      return [neuron("miner")];
    });
    const directory = metagraphDirectory({ ...common, clock: time, chain });
    await directory.rolesOf("miner");
    isDown = true;
    await time.advanceTo(MAX_STALE_MS);
    assert.deepEqual(await directory.rolesOf("miner"), ["miner"]);
    await assert.rejects(directory.rolesOf("newcomer"), /no chain/);
    await time.advanceTo(MAX_STALE_MS + 1);
    await assert.rejects(directory.rolesOf("miner"), /no chain/);
    isDown = false;
    assert.deepEqual(await directory.rolesOf("miner"), ["miner"]);
  });

  it("lets a newcomer wait for the new metagraph instead of refusing by the old one", async () => {
    let neurons = [neuron("miner")];
    const time = clock();
    const directory = metagraphDirectory({ ...common, clock: time, chain: chainOf(async () => neurons) });
    await directory.rolesOf("miner");
    neurons = [neuron("miner"), neuron("newcomer")];
    await time.advanceTo(1_001);
    assert.deepEqual(await directory.rolesOf("newcomer"), ["miner"]);
  });
});
