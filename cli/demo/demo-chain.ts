/**
 * The demo's chain: the one that it brings, or one that exists and has its participants on it.
 */
import type { LocalChain } from "../../adapters/chain/local/client.js";
import { localChain } from "../../adapters/chain/local/client.js";
import { type OpenChain, openChain } from "../../adapters/chain/open.js";
import { readChainPlace } from "../../adapters/settings/chain-settings.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import type { Signer } from "../../core/ports.js";
import { commandLog } from "../command-log.js";
import { type NetworkPlan, VALIDATORS, chainOf } from "./network.js";
import { keyOf } from "./setup.js";

/** Stake of each validator: 10,000 TAO. */
const VALIDATOR_STAKE_RAO = 10_000_000_000_000n;

/** Opens the demo's chain. Rejects with an Error for an address that is none, and for a chain without the demo's subnet. */
export function openDemoChain(plan: Pick<NetworkPlan, "chain" | "ports">, signal: AbortSignal): Promise<OpenChain> {
  const chain = readChainPlace(chainOf(plan));
  if (chain === undefined) throw new Error(`--chain is ${plan.chain}, but must be the ws:// address of a chain`);
  const settings = { network: "local", netuid: 1, chain, chainRequestsPerSecond: undefined };
  return openChain(settings, { clock: systemClock, log: commandLog }, signal);
}

/** Registers everybody on the demo's own chain; on another one, looks whether they are. */
export async function prepareChain(
  plan: Pick<NetworkPlan, "chain" | "ports">,
  keys: ReadonlyMap<string, Signer>,
  signal: AbortSignal,
): Promise<void> {
  if (plan.chain !== undefined) {
    await checkParticipants(plan, keys, signal);
    return;
  }
  const chain = localChain({ url: `http://127.0.0.1:${plan.ports.chain}`, clock: systemClock });
  try {
    await register(chain, keys, signal);
  } finally {
    chain.close();
  }
}

async function register(chain: LocalChain, keys: ReadonlyMap<string, Signer>, signal: AbortSignal): Promise<void> {
  for (const { hotkey } of keys.values()) await chain.register(hotkey, hotkey, signal);
  for (const name of VALIDATORS) await chain.setStake(keyOf(keys, name).hotkey, VALIDATOR_STAKE_RAO, signal);
}

/** Rejects with an Error that names every participant who is not registered, or is a validator without permit. */
async function checkParticipants(
  plan: Pick<NetworkPlan, "chain" | "ports">,
  keys: ReadonlyMap<string, Signer>,
  signal: AbortSignal,
): Promise<void> {
  const chain = await openDemoChain(plan, signal);
  try {
    const { neurons } = await chain.metagraph(signal);
    const problems = [...keys].flatMap(([name, { hotkey }]) => {
      const neuron = neurons.find((candidate) => candidate.hotkey === hotkey);
      if (neuron === undefined) return [`${name} (${hotkey}) is not registered`];
      return VALIDATORS.includes(name) && !neuron.validatorPermit
        ? [`${name} (${hotkey}) has no validator permit`]
        : [];
    });
    if (problems.length > 0)
      throw new Error(`subnet 1 of ${plan.chain} is not ready for the demo: ${problems.join("; ")}`);
  } finally {
    chain.close();
  }
}
