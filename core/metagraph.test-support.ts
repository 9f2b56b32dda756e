/** A subnet for tests and benches: registered neurons of which nothing else is known, to be changed as needed. */
import type { Metagraph, Neuron } from "./ports.js";

/** A registered hotkey without stake, permit or weights; `more` changes it. */
export function sampleNeuron(uid: number, hotkey: string, more: Partial<Neuron> = {}): Neuron {
  return {
    uid,
    hotkey,
    coldkey: hotkey,
    stakeRao: 0n,
    validatorPermit: false,
    lastUpdateBlock: 0,
    registeredBlock: 0,
    incentiveU16: 0,
    dividendsU16: 0,
    validatorTrustU16: 0,
    consensusU16: 0,
    weights: [],
    ...more,
  };
}

/** The subnet of netuid 1 on "local", at block 1; `more` changes it. */
export function sampleMetagraph(neurons: readonly Neuron[], more: Partial<Metagraph> = {}): Metagraph {
  const zeros = "0".repeat(64);
  return {
    block: { number: 1, hash: zeros, parentHash: zeros, timeMs: 0 },
    network: "local",
    netuid: 1,
    tempo: 360,
    nextEpochBlock: 360,
    ownerHotkey: "",
    weightsRateLimit: 100,
    minAllowedWeights: 1,
    weightsVersionKey: 0n,
    minStakeRao: 0n,
    revealPeriodEpochs: 0,
    activityCutoff: 0,
    neurons,
    ...more,
  };
}
