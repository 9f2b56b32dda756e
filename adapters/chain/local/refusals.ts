/**
 * When the chain says no: the real chain's checks of a setting of weights, in its order and with its error names.
 *
 * Checks of the real chain that have nothing to look at here are left out: commit-reveal is off, there is one
 * mechanism, and the largest allowed weight is the largest possible one.
 */
import { isIP } from "node:net";
import type { Axon } from "../../../core/ports.js";
import type { SubnetState } from "./ledger.js";

/** A call that the chain refuses. */
export class ChainRefusal extends Error {
  override readonly name = "ChainRefusal";

  constructor(
    /** The real chain's name of the error, for example "SettingWeightsTooFast". */
    readonly chainError: string,
    message: string,
    /** Facts for programs. */
    readonly metadata: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** Blocks after its era block for which a call is good. */
export const ERA_BLOCKS = 64;

/** A setting of weights whose signature is verified. */
interface WeightsCall {
  readonly hotkey: string;
  readonly netuid: number;
  readonly uids: readonly number[];
  readonly weights: readonly number[];
  readonly versionKey: bigint;
}

/** Throws ChainRefusal unless the era block is finalized and the block that would hold the call is within the era. */
export function checkEra(eraBlock: number, finalizedNumber: number, nextNumber: number): void {
  if (eraBlock > finalizedNumber) {
    throw new ChainRefusal("Future", `the era begins at block ${eraBlock}, but only ${finalizedNumber} is finalized`);
  }
  if (nextNumber > eraBlock + ERA_BLOCKS) {
    throw new ChainRefusal(
      "AncientBirthBlock",
      `the era begins at block ${eraBlock} and ends ${ERA_BLOCKS} blocks later, but the next block is ${nextNumber}; ` +
        "sign again with a newer block",
    );
  }
}

/**
 * Throws ChainRefusal for an announcement that breaks a rule. The real chain also limits how often a hotkey may announce
 * itself; here it may as often as it likes.
 */
export function checkAxon(call: { readonly hotkey: string; readonly axon: Axon }, { neurons }: SubnetState): void {
  const { ip, port } = call.axon;
  if (!neurons.some(({ hotkey }) => hotkey === call.hotkey)) {
    throw new ChainRefusal(
      "HotKeyNotRegisteredInNetwork",
      `hotkey ${call.hotkey} is not registered; register it first`,
    );
  }
  if (isIP(ip) === 0 || /^[0.:]+$/.test(ip)) {
    const shown = JSON.stringify(ip.slice(0, 60));
    throw new ChainRefusal(
      "InvalidIpAddress",
      `the address is ${shown}, but must be an IPv4 or IPv6 address of a machine`,
    );
  }
  if (port < 1 || port > 65_535) {
    throw new ChainRefusal("InvalidPort", `the port is ${port}, but must be 1 to 65535`);
  }
}

/** Throws ChainRefusal for a setting of weights that breaks a rule. */
export function checkWeights(call: WeightsCall, subnet: SubnetState, nextNumber: number): void {
  const { rules, neurons } = subnet;
  const count = call.uids.length;
  if (call.weights.length !== count) {
    throw new ChainRefusal("WeightVecNotEqualSize", `there are ${count} uids and ${call.weights.length} weights`);
  }
  if (call.netuid !== rules.netuid) {
    throw new ChainRefusal("MechanismDoesNotExist", `the subnet is ${rules.netuid}, there is no ${call.netuid}`);
  }
  if (count > neurons.length) {
    throw new ChainRefusal("UidsLengthExceedUidsInSubNet", `${count} uids, but the subnet has ${neurons.length}`);
  }
  checkSender(call, subnet, nextNumber);
  if (new Set(call.uids).size !== count) {
    throw new ChainRefusal("DuplicateUids", "a uid stands in the row twice");
  }
  const unknown = call.uids.find((uid) => uid >= neurons.length);
  if (unknown !== undefined) {
    throw new ChainRefusal(
      "UidVecContainInvalidOne",
      `uid ${unknown} does not exist; uids end at ${neurons.length - 1}`,
    );
  }
  const least = Math.min(rules.minAllowedWeights, neurons.length);
  if (count < least && !onlyItself(call, subnet)) {
    throw new ChainRefusal("WeightVecLengthIsLow", `the row has ${count} weights, but must have ${least} or more`);
  }
}

function checkSender(call: WeightsCall, subnet: SubnetState, nextNumber: number): void {
  const { rules, neurons } = subnet;
  const sender = neurons.find(({ hotkey }) => hotkey === call.hotkey);
  if (sender === undefined) {
    throw new ChainRefusal("HotKeyNotRegisteredInSubNet", `hotkey ${call.hotkey} is not registered on the subnet`);
  }
  const isOwner = sender.hotkey === rules.ownerHotkey;
  if (!isOwner && sender.stakeRao < rules.minStakeRao) {
    throw new ChainRefusal(
      "NotEnoughStakeToSetWeights",
      `hotkey ${call.hotkey} has ${sender.stakeRao} rao of stake, but needs ${rules.minStakeRao}`,
    );
  }
  if (rules.weightsVersionKey !== 0n && call.versionKey < rules.weightsVersionKey) {
    throw new ChainRefusal(
      "IncorrectWeightVersionKey",
      `the version key is ${call.versionKey}, but must be ${rules.weightsVersionKey} or more`,
    );
  }
  const earliest = sender.lastUpdateBlock + rules.weightsRateLimit;
  if (sender.lastUpdateBlock !== 0 && nextNumber < earliest) {
    throw new ChainRefusal(
      "SettingWeightsTooFast",
      `weights were set in block ${sender.lastUpdateBlock}; try again from block ${earliest} on`,
      { earliest_block: String(earliest) },
    );
  }
  if (!sender.validatorPermit && !isOwner && !onlyItself(call, subnet)) {
    throw new ChainRefusal("NeuronNoValidatorPermit", `hotkey ${call.hotkey} has no validator permit`);
  }
}

/** Whether the row is the sender's weight on itself, which the chain lets everybody set. */
function onlyItself(call: WeightsCall, subnet: SubnetState): boolean {
  const [uid] = call.uids;
  return call.uids.length === 1 && uid !== undefined && subnet.neurons[uid]?.hotkey === call.hotkey;
}
