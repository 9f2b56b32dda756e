/** Who is registered on the simulated subnet. */
import type { Metagraph, Neuron } from "../../core/ports.js";
import { OWNER } from "./judging.js";
import type { Miner } from "./miners.js";
import type { Validator } from "./validators.js";

/** Hotkeys and their uids. */
export interface SubnetNeurons {
  readonly count: number;
  readonly metagraph: Pick<Metagraph, "neurons" | "minAllowedWeights">;
  /** -1 for one that is not registered. */
  uidOf(hotkey: string): number;
}

/** The owner, the validators and the miners, in this order. */
export function subnetNeurons(validators: readonly Validator[], miners: readonly Miner[]): SubnetNeurons {
  const miner = { stakeRao: 0n, validatorPermit: false };
  const keys = [
    { hotkey: OWNER, coldkey: OWNER, ...miner },
    ...validators.map(({ hotkey, stakeRao }) => ({ hotkey, coldkey: hotkey, stakeRao, validatorPermit: true })),
    ...miners.map(({ hotkey, coldkey }) => ({ hotkey, coldkey, ...miner })),
  ];
  const neurons = keys.map((key, uid): Neuron => ({
    uid,
    ...key,
    lastUpdateBlock: 0,
    registeredBlock: 0,
    incentiveU16: 0,
    dividendsU16: 0,
    validatorTrustU16: 0,
    consensusU16: 0,
    weights: [],
  }));
  const uids = new Map(neurons.map(({ hotkey, uid }) => [hotkey, uid]));
  return {
    count: neurons.length,
    metagraph: { neurons, minAllowedWeights: 1 },
    uidOf: (hotkey) => uids.get(hotkey) ?? -1,
  };
}
