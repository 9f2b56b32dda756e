/**
 * What the runtime APIs say of the subnet.
 */
import type { NodeBlock } from "./blocks.js";
import { hotkeysOf, stakeOf } from "./subnet.js";

/** An address that was never announced. */
const NO_AXON = { block: 0, version: 0, ip: 0, port: 0, ipType: 0, protocol: 0, placeholder1: 0, placeholder2: 0 };

/** SubnetInfoRuntimeApi.get_metagraph, those fields that this chain knows. */
export function metagraphOf({ state, number }: NodeBlock, netuid: number): object {
  const hotkeys = hotkeysOf(state, netuid);
  const stakes = hotkeys.map((hotkey) => stakeOf(state, netuid, hotkey));
  const list = (name: string): number[] => state.numbers(`subtensorModule.${name}`, netuid);
  const rule = (name: string): unknown => state.get(`subtensorModule.${name}`, netuid);
  return {
    netuid,
    block: number,
    ownerHotkey: rule("subnetOwnerHotkey"),
    tempo: rule("tempo"),
    minAllowedWeights: rule("minAllowedWeights"),
    weightsVersion: rule("weightsVersionKey"),
    weightsRateLimit: rule("weightsSetRateLimit"),
    maxValidators: rule("maxAllowedValidators"),
    servingRateLimit: rule("servingRateLimit"),
    commitRevealWeightsEnabled: rule("commitRevealWeightsEnabled"),
    commitRevealPeriod: rule("revealPeriodEpochs"),
    numUids: hotkeys.length,
    hotkeys,
    coldkeys: hotkeys.map((hotkey) => state.get("subtensorModule.owner", hotkey)),
    axons: hotkeys.map((hotkey) => state.get("subtensorModule.axons", netuid, hotkey) ?? NO_AXON),
    active: hotkeys.map(() => true),
    validatorPermit: state.get("subtensorModule.validatorPermit", netuid),
    lastUpdate: list("lastUpdate"),
    dividends: list("dividends"),
    incentives: list("incentive"),
    consensus: list("consensus"),
    blockAtRegistration: hotkeys.map((_, uid) => state.get("subtensorModule.blockAtRegistration", netuid, uid)),
    alphaStake: stakes,
    taoStake: stakes.map(() => 0),
    totalStake: stakes,
  };
}

/** SubnetInfoRuntimeApi.get_next_epoch_start_block. */
export function nextEpochBlock({ state }: NodeBlock, netuid: number): number {
  const of = (name: string): number => state.number(`subtensorModule.${name}`, netuid);
  const next = of("lastEpochBlock") + of("tempo");
  const pending = of("pendingEpochAt");
  return pending > 0 ? Math.min(pending, next) : next;
}
