/**
 * What stands in the way of setting weights, found before anything is sent: the chain's own checks, each with a sentence
 * of its own.
 */
import type { Metagraph, Neuron } from "./ports.js";

/** Something for which the chain would refuse a setting of weights. */
export type Obstacle =
  /** Stays until somebody does something. */
  | { readonly kind: "lasting"; readonly chainError: string; readonly text: string }
  /** Is over at a block. */
  | { readonly kind: "passing"; readonly chainError: string; readonly text: string; readonly untilBlock: number };

/** Who wants to set weights, and on what. */
interface Preflight {
  readonly metagraph: Metagraph;
  readonly hotkey: string;
  /** Key of the judging rules that the program knows. */
  readonly versionKey: bigint;
}

/** Every obstacle, in the order in which the chain checks. `chainError` is the chain's name of each. */
export function weightsObstacles({ metagraph, hotkey, versionKey }: Preflight): readonly Obstacle[] {
  const own = metagraph.neurons.find((neuron) => neuron.hotkey === hotkey);
  if (own === undefined) {
    const text = `${hotkey} is not registered on subnet ${metagraph.netuid}: register it`;
    return [{ kind: "lasting", chainError: "HotKeyNotRegisteredInSubNet", text }];
  }
  return [
    ...stakeObstacle(metagraph, own),
    ...versionObstacle(metagraph, versionKey),
    ...rateObstacle(metagraph, own),
    ...permitObstacle(metagraph, own),
  ];
}

const RAO_PER_TAO = 1_000_000_000n;
const tao = (rao: bigint): string => {
  const fraction = String(rao % RAO_PER_TAO)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${rao / RAO_PER_TAO}${fraction === "" ? "" : `.${fraction}`}`;
};

function stakeObstacle({ minStakeRao, ownerHotkey }: Metagraph, { hotkey, stakeRao }: Neuron): Obstacle[] {
  if (stakeRao >= minStakeRao || hotkey === ownerHotkey) return [];
  const text = `${hotkey} has a stake of ${tao(stakeRao)}, but needs ${tao(minStakeRao)} to set weights: add stake`;
  return [{ kind: "lasting", chainError: "NotEnoughStakeToSetWeights", text }];
}

/** Weights by older judging rules are what the subnet's gate is there to keep out, so the key is never just raised. */
function versionObstacle({ weightsVersionKey }: Metagraph, versionKey: bigint): Obstacle[] {
  if (weightsVersionKey <= versionKey) return [];
  const text = `the subnet asks for version key ${weightsVersionKey}, this program has ${versionKey}: update it`;
  return [{ kind: "lasting", chainError: "IncorrectWeightVersionKey", text }];
}

function rateObstacle(metagraph: Metagraph, { lastUpdateBlock }: Neuron): Obstacle[] {
  const untilBlock = lastUpdateBlock + metagraph.weightsRateLimit;
  if (lastUpdateBlock === 0 || metagraph.block.number >= untilBlock) return [];
  const chainError = metagraph.revealPeriodEpochs > 0 ? "CommittingWeightsTooFast" : "SettingWeightsTooFast";
  const since = `weights were set in block ${lastUpdateBlock}`;
  const text = `the chain's rate limit: ${since}, the next setting is taken from block ${untilBlock} on`;
  return [{ kind: "passing", chainError, text, untilBlock }];
}

function permitObstacle({ ownerHotkey }: Metagraph, { hotkey, validatorPermit }: Neuron): Obstacle[] {
  if (validatorPermit || hotkey === ownerHotkey) return [];
  const text = `${hotkey} has no validator permit: permits go to the largest stakes, anew at every epoch of the subnet`;
  return [{ kind: "lasting", chainError: "NeuronNoValidatorPermit", text }];
}

/**
 * What is not as it should be though the chain takes weights: a validator whose row is soon too old to count. undefined
 * when all is well.
 */
export function activityWarning({ metagraph, hotkey }: Pick<Preflight, "metagraph" | "hotkey">): string | undefined {
  const { activityCutoff, block, neurons } = metagraph;
  const own = neurons.find((neuron) => neuron.hotkey === hotkey);
  if (activityCutoff === 0 || own === undefined || own.lastUpdateBlock === 0) return undefined;
  const age = block.number - own.lastUpdateBlock;
  if (2 * age < activityCutoff) return undefined;
  const state = age < activityCutoff ? "soon does not count any more" : "does not count any more";
  return `${hotkey} set weights ${age} blocks ago and ${state}: the subnet's activity cutoff is ${activityCutoff} blocks`;
}
