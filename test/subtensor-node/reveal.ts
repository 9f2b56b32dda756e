/**
 * Opening commits: at the epoch that they are for, with the signature of their round of drand.
 */
import { hexToU8a } from "@polkadot/util";
import { encodeAddress } from "@polkadot/util-crypto";
import { openWithSignature } from "../../adapters/chain/subtensor/timelock/container.js";
import { decodePayload } from "../../adapters/chain/subtensor/timelock/payload.js";
import { PalletError, applyRow } from "./pallet.js";
import type { State } from "./state.js";
import { isEpochDue } from "./subnet.js";

type Commit = [hotkey: string, block: number, sealed: string, round: number];

/** Opens what is due in a block, before its own epoch is run. What cannot be opened yet waits; what is no row is dropped. */
export function revealCommits(state: State, netuid: number, block: number): void {
  if (state.get("subtensorModule.commitRevealWeightsEnabled", netuid) !== true) return;
  const index = state.number("subtensorModule.subnetEpochIndex", netuid);
  const epoch =
    index + (isEpochDue(state, netuid, block) ? 1 : 0) - state.number("subtensorModule.revealPeriodEpochs", netuid);
  if (epoch < 0) return;
  const commits = state.get("subtensorModule.timelockedWeightCommits", netuid, epoch) as Commit[];
  if (commits.length === 0) return;
  const waiting = commits.filter((commit) => !open(state, netuid, commit, block));
  state.put("subtensorModule.timelockedWeightCommits", [netuid, epoch], waiting);
}

/** Whether a commit is dealt with. */
function open(state: State, netuid: number, [hotkey, , sealed, round]: Commit, block: number): boolean {
  const pulse = state.get("drand.pulses", round) as { signature: string } | null;
  if (pulse === null) return false;
  const payload = decodePayload(openWithSignature(hexToU8a(sealed), pulse.signature.slice(2)));
  if (encodeAddress(payload.hotkey, 42) !== hotkey) return true;
  const [uids, weights] = [payload.weights.map(({ uid }) => uid), payload.weights.map(({ weightU16 }) => weightU16)];
  try {
    applyRow(state, netuid, { hotkey, uids, weights, versionKey: payload.versionKey }, block);
  } catch (error) {
    if (!(error instanceof PalletError)) throw error;
  }
  return true;
}
