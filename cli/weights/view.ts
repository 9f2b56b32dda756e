/**
 * What there is to say of a validator's weights, and setting them by hand.
 */
import type { Chain, Metagraph, Signer } from "../../core/ports.js";
import { WEIGHTS_VERSION_KEY } from "../../core/version.js";
import { activityWarning, weightsObstacles } from "../../core/weights-preflight.js";
import { type PlannedWeights, type Shares, heldWeights, plannedWeights, rowsText } from "./rows.js";

/** A validator's weights and what stands in their way. */
export interface WeightsView extends PlannedWeights {
  readonly metagraph: Metagraph;
  readonly hotkey: string;
  /** Why the chain would refuse them, one sentence each. */
  readonly obstacles: readonly string[];
}

/** The weights of these shares; without shares those that the chain holds. */
export async function viewWeights(
  chain: Chain,
  { hotkey }: Signer,
  shares: Shares | undefined,
  signal: AbortSignal,
): Promise<WeightsView> {
  const metagraph = await chain.metagraph(signal);
  const own = metagraph.neurons.find((neuron) => neuron.hotkey === hotkey);
  const obstacles = weightsObstacles({ metagraph, hotkey, versionKey: WEIGHTS_VERSION_KEY }).map(({ text }) => text);
  if (shares === undefined) return { ...heldWeights(metagraph, own), metagraph, hotkey, obstacles };
  const planned = plannedWeights(shares, metagraph, own);
  const nobody = planned.weights.length === 0 ? ["nobody who earned is registered: there is nothing to set"] : [];
  return { ...planned, metagraph, hotkey, obstacles: [...obstacles, ...nobody] };
}

/**
 * Sets the weights of a view, unless something stands in their way; the block that holds them. Rejects where the chain
 * refuses them all the same.
 */
export async function setViewed(
  chain: Chain,
  signer: Signer,
  { weights, obstacles }: WeightsView,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (obstacles.length > 0) return undefined;
  return (await chain.setWeights(signer, weights, WEIGHTS_VERSION_KEY, signal)).blockNumber;
}

/** A view as people read it. */
export function viewText({ metagraph, hotkey, rows, obstacles }: WeightsView): string {
  const { block, network, netuid, nextEpochBlock, revealPeriodEpochs } = metagraph;
  const own = metagraph.neurons.find((neuron) => neuron.hotkey === hotkey);
  const warning = activityWarning({ metagraph, hotkey });
  const last = own === undefined || own.lastUpdateBlock === 0 ? "never" : `in block ${own.lastUpdateBlock}`;
  const reveal =
    revealPeriodEpochs === 0
      ? []
      : [`The chain opens weights that are sent ${revealPeriodEpochs} of its epochs later.`];
  return [
    `${hotkey}${own === undefined ? "" : `, uid ${own.uid}`}, on ${network}/${netuid} at block ${block.number}`,
    `weights set last: ${last}; the subnet's next epoch: block ${nextEpochBlock}`,
    rowsText(rows),
    ...reveal,
    ...(warning === undefined ? [] : [`WARNING ${warning}`]),
    ...obstacles.map((obstacle) => `PROBLEM ${obstacle}`),
  ].join("\n");
}
