/**
 * The ledger: the chain's state as a pure function of its events.
 *
 * Where it differs from the real chain, besides the consensus (core/yuma.ts): permits are worked out again whenever a
 * stake changes and not only at each tempo, so that a fresh development chain is usable at once; hotkeys are never
 * pruned, so a uid belongs to one hotkey for ever; a tempo's consensus includes the weights of its own block.
 */
import type { Block, Neuron } from "../../../core/ports.js";
import { maxUpscaled, U16_MAX } from "../../../core/weights.js";
import { yumaConsensus } from "../../../core/yuma.js";
import type { ChainRules, LedgerEvent } from "./events.js";

/** The subnet as it is at a block. Never changed afterwards. */
export interface SubnetState {
  readonly rules: ChainRules;
  /** Block of the last run of the consensus. */
  readonly lastEpochBlock: number;
  /** Ascending by uid; a neuron's place is its uid. */
  readonly neurons: readonly Neuron[];
}

/** The chain's state. */
export interface Ledger {
  /** Takes in the next event. Throws an Error for one that cannot follow. */
  apply(event: LedgerEvent): void;
  /** The newest block; undefined before block 0. */
  head(): Block | undefined;
  /** What the next block will hold, as far as is known. Undefined before the first rules. */
  pending(): SubnetState | undefined;
  /** The newest finalized block and the subnet at it. Never goes back. Undefined before block 0. */
  finalized(): { readonly block: Block; readonly subnet: SubnetState } | undefined;
  /** A finalized block by number. */
  finalizedBlock(number: number): Block | undefined;
  /** A hotkey's uid in the pending state. */
  uidOf(hotkey: string): number | undefined;
}

/** A ledger to which nothing has happened. */
export function emptyLedger(): Ledger {
  const blocks: Block[] = [];
  /** By block number; those before the newest finalized one are forgotten. */
  const subnets = new Map<number, SubnetState>();
  const uids = new Map<string, number>();
  let pending: SubnetState | undefined;
  let finalizedNumber = 0;

  function seal(block: Block, subnet: SubnetState): void {
    const parent = blocks.at(-1);
    if (block.number !== blocks.length || (parent !== undefined && block.parentHash !== parent.hash)) {
      throw new Error(`block ${block.number} does not follow block ${blocks.length - 1}`);
    }
    const sealed = afterTempo(subnet, block.number);
    blocks.push(block);
    subnets.set(block.number, sealed);
    pending = sealed;
    const newlyFinalized = Math.max(finalizedNumber, block.number - sealed.rules.finalityLag);
    for (; finalizedNumber < newlyFinalized; finalizedNumber += 1) subnets.delete(finalizedNumber);
  }

  return {
    apply(event) {
      if (event.kind === "rules") {
        pending = withPermits({ neurons: [], lastEpochBlock: 0, ...pending, rules: event.rules });
        return;
      }
      if (pending === undefined) throw new Error("the first event must set the rules");
      if (event.kind === "block") {
        seal(event.block, pending);
        return;
      }
      const known = uids.get(event.hotkey);
      if ((event.kind === "register") !== (known === undefined)) {
        throw new Error(`hotkey ${event.hotkey} is ${known === undefined ? "not registered" : "registered already"}`);
      }
      const uid = known ?? pending.neurons.length;
      uids.set(event.hotkey, uid);
      pending = afterCall(pending, event, uid, blocks.length);
    },
    head: () => blocks.at(-1),
    pending: () => pending,
    finalized() {
      const block = blocks[finalizedNumber];
      const subnet = subnets.get(finalizedNumber);
      return block === undefined || subnet === undefined ? undefined : { block, subnet };
    },
    finalizedBlock: (number) => (number <= finalizedNumber ? blocks[number] : undefined),
    uidOf: (hotkey) => uids.get(hotkey),
  };
}

/** The subnet after what happened to the neuron of a uid for a block. */
function afterCall(
  subnet: SubnetState,
  event: Exclude<LedgerEvent, { kind: "rules" | "block" }>,
  uid: number,
  blockNumber: number,
): SubnetState {
  switch (event.kind) {
    case "register":
      return { ...subnet, neurons: [...subnet.neurons, newNeuron(uid, event.hotkey, event.coldkey, blockNumber)] };
    case "stake":
      return withPermits(withNeuron(subnet, uid, { stakeRao: event.stakeRao }));
    case "axon":
      return withNeuron(subnet, uid, { axon: event.axon });
    case "weights": {
      const scaled = maxUpscaled(event.weights);
      const row = event.uids.map((target, index) => ({ uid: target, weightU16: scaled[index] ?? 0 }));
      row.sort((a, b) => a.uid - b.uid);
      return withNeuron(subnet, uid, { weights: row, lastUpdateBlock: blockNumber });
    }
  }
}

function newNeuron(uid: number, hotkey: string, coldkey: string, registeredBlock: number): Neuron {
  return {
    uid,
    hotkey,
    coldkey,
    stakeRao: 0n,
    validatorPermit: false,
    lastUpdateBlock: 0,
    registeredBlock,
    incentiveU16: 0,
    dividendsU16: 0,
    validatorTrustU16: 0,
    consensusU16: 0,
    weights: [],
  };
}

function withNeuron(subnet: SubnetState, uid: number, change: Partial<Neuron>): SubnetState {
  return {
    ...subnet,
    neurons: subnet.neurons.map((neuron) => (neuron.uid === uid ? { ...neuron, ...change } : neuron)),
  };
}

/** Gives the permits to those with the most stake among those with enough; the lower uid where stakes are equal. */
function withPermits(subnet: SubnetState): SubnetState {
  const { maxValidators, minStakeRao } = subnet.rules;
  const permitted = new Set(
    subnet.neurons
      .filter(({ stakeRao }) => stakeRao > 0n && stakeRao >= minStakeRao)
      .sort((a, b) => (a.stakeRao === b.stakeRao ? a.uid - b.uid : a.stakeRao > b.stakeRao ? -1 : 1))
      .slice(0, maxValidators)
      .map(({ uid }) => uid),
  );
  return {
    ...subnet,
    neurons: subnet.neurons.map((neuron) => ({ ...neuron, validatorPermit: permitted.has(neuron.uid) })),
  };
}

/** The subnet after the consensus where the block is a tempo's; otherwise as it is. */
function afterTempo(subnet: SubnetState, blockNumber: number): SubnetState {
  const { rules, lastEpochBlock } = subnet;
  if (blockNumber - lastEpochBlock < rules.tempo) return subnet;
  const { neurons } = withPermits(subnet);
  const ownerUid = neurons.find(({ hotkey }) => hotkey === rules.ownerHotkey)?.uid;
  const found = yumaConsensus({
    neuronCount: neurons.length,
    ...(ownerUid === undefined ? {} : { ownerUid }),
    validators: neurons.filter(({ validatorPermit, lastUpdateBlock }) => validatorPermit && lastUpdateBlock > 0),
  });
  const u16 = (part: number | undefined): number => Math.round((part ?? 0) * U16_MAX);
  return {
    rules,
    lastEpochBlock: blockNumber,
    neurons: neurons.map((neuron) => ({
      ...neuron,
      incentiveU16: u16(found.incentive[neuron.uid]),
      dividendsU16: u16(found.dividends[neuron.uid]),
      validatorTrustU16: u16(found.validatorTrust[neuron.uid]),
      consensusU16: u16(found.consensus[neuron.uid]),
    })),
  };
}
