/**
 * The pallet's calls: its checks in its order, with its errors, and what a call changes.
 *
 * Left out is what has nothing to look at here: one mechanism, and the largest allowed weight is the largest possible.
 */
import { isEpochDue, stakeOf, storeRow, uidOf } from "./subnet.js";
import type { State } from "./state.js";

/** A call that the pallet refuses, by its name of the error. */
export class PalletError extends Error {
  constructor(readonly chainError: string) {
    super(chainError);
  }
}

/** A call of the pallet, with its arguments by name. */
export interface PalletCall {
  readonly method: string;
  readonly hotkey: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Numbers by which the pool says which check failed. */
const POOL_CODES: Readonly<Record<string, number>> = {
  NotEnoughStakeToSetWeights: 1,
  CommittingWeightsTooFast: 6,
  SettingWeightsTooFast: 6,
  HotKeyNotRegisteredInNetwork: 10,
  InvalidIpAddress: 11,
  ServingRateLimitExceeded: 12,
  InvalidPort: 13,
  InvalidRevealRound: 15,
};

function ensure(holds: boolean, chainError: string): void {
  if (!holds) throw new PalletError(chainError);
}

const number = (args: PalletCall["args"], name: string): number => Number(args[name]);
const numbers = (args: PalletCall["args"], name: string): number[] => args[name] as number[];

const SETS = new Set(["setWeights", "setMechanismWeights"]);
const COMMITS = new Set(["commitTimelockedWeights", "commitTimelockedMechanismWeights"]);

/** The pool's number of the check that a call fails before it is let in; undefined where it passes them. */
export function poolRefusal(state: State, call: PalletCall, block: number): number | undefined {
  try {
    checkBeforeDispatch(state, call, block);
    return undefined;
  } catch (error) {
    if (!(error instanceof PalletError)) throw error;
    return POOL_CODES[error.chainError] ?? 255;
  }
}

function checkBeforeDispatch(state: State, call: PalletCall, block: number): void {
  const { method, hotkey, args } = call;
  const netuid = number(args, "netuid");
  const uid = uidOf(state, netuid, hotkey);
  const isSet = SETS.has(method);
  if (isSet || COMMITS.has(method)) ensure(hasEnoughStake(state, netuid, hotkey), "NotEnoughStakeToSetWeights");
  if (COMMITS.has(method)) {
    const stored = state.number("drand.lastStoredRound");
    ensure(number(args, "revealRound") >= stored, "InvalidRevealRound");
  }
  if (isSet && uid !== undefined && !hasCommitReveal(state, netuid)) {
    ensure(passesRateLimit(state, netuid, uid, block), "SettingWeightsTooFast");
  }
  if (method === "serveAxon") checkAxon(state, call, block);
}

/** Carries a call out. Throws PalletError, and has changed nothing then. */
export function dispatch(state: State, call: PalletCall, block: number): void {
  checkBeforeDispatch(state, call, block);
  if (SETS.has(call.method)) setWeights(state, call, block);
  else if (COMMITS.has(call.method)) commitWeights(state, call, block);
  else if (call.method === "serveAxon") serveAxon(state, call, block);
  else ensure(false, "CallDisabled");
}

function hasCommitReveal(state: State, netuid: number): boolean {
  return state.get("subtensorModule.commitRevealWeightsEnabled", netuid) === true;
}

function isOwner(state: State, netuid: number, hotkey: string): boolean {
  return state.get("subtensorModule.subnetOwnerHotkey", netuid) === hotkey;
}

function hasEnoughStake(state: State, netuid: number, hotkey: string): boolean {
  const least = state.bigint("subtensorModule.stakeThreshold");
  return isOwner(state, netuid, hotkey) || stakeOf(state, netuid, hotkey) >= least;
}

function passesRateLimit(state: State, netuid: number, uid: number, block: number): boolean {
  const last = state.numbers("subtensorModule.lastUpdate", netuid)[uid] ?? 0;
  return last === 0 || block - last >= state.number("subtensorModule.weightsSetRateLimit", netuid);
}

function ensureMechanism(state: State, args: PalletCall["args"]): void {
  const exists = state.get("subtensorModule.networksAdded", number(args, "netuid")) === true;
  ensure(exists && (args["mecid"] === undefined || number(args, "mecid") === 0), "MechanismDoesNotExist");
}

function setWeights(state: State, { hotkey, args }: PalletCall, block: number): void {
  const netuid = number(args, "netuid");
  ensure(!hasCommitReveal(state, netuid), "CommitRevealEnabled");
  const [uids, weights] = [numbers(args, "dests"), numbers(args, "weights")];
  ensure(uids.length === weights.length, "WeightVecNotEqualSize");
  ensureMechanism(state, args);
  applyRow(state, netuid, { hotkey, uids, weights, versionKey: BigInt(args["versionKey"] as number | string) }, block);
}

/** A row, set directly or opened from a commit. */
export interface Row {
  readonly hotkey: string;
  readonly uids: readonly number[];
  readonly weights: readonly number[];
  readonly versionKey: bigint;
}

/** Sets a row. Throws PalletError, and has changed nothing then. A commit was limited, and counted as an update, when it came. */
export function applyRow(state: State, netuid: number, row: Row, block: number): void {
  const { hotkey, uids, weights, versionKey } = row;
  const isOpened = hasCommitReveal(state, netuid);
  const count = state.number("subtensorModule.subnetworkN", netuid);
  ensure(uids.length <= count, "UidsLengthExceedUidsInSubNet");
  const uid = uidOf(state, netuid, hotkey);
  if (uid === undefined) throw new PalletError("HotKeyNotRegisteredInSubNet");
  ensure(hasEnoughStake(state, netuid, hotkey), "NotEnoughStakeToSetWeights");
  const gate = state.bigint("subtensorModule.weightsVersionKey", netuid);
  ensure(gate === 0n || versionKey >= gate, "IncorrectWeightVersionKey");
  ensure(isOpened || passesRateLimit(state, netuid, uid, block), "SettingWeightsTooFast");
  const isSelf = uids.length === 1 && uids[0] === uid;
  const permits = state.get("subtensorModule.validatorPermit", netuid) as boolean[];
  ensure(isSelf || isOwner(state, netuid, hotkey) || permits[uid] === true, "NeuronNoValidatorPermit");
  ensure(new Set(uids).size === uids.length, "DuplicateUids");
  ensure(
    uids.every((target) => target < count),
    "UidVecContainInvalidOne",
  );
  const least = Math.min(state.number("subtensorModule.minAllowedWeights", netuid), count);
  ensure(isSelf || uids.length >= least, "WeightVecLengthIsLow");
  storeRow(state, netuid, uid, uids, weights);
  if (!isOpened) touch(state, netuid, uid, block);
}

function touch(state: State, netuid: number, uid: number, block: number): void {
  const updates = state.numbers("subtensorModule.lastUpdate", netuid);
  updates[uid] = block;
  state.put("subtensorModule.lastUpdate", [netuid], updates);
}

const MAX_UNREVEALED = 10;

function commitWeights(state: State, { hotkey, args }: PalletCall, block: number): void {
  const netuid = number(args, "netuid");
  ensureMechanism(state, args);
  ensure(hasCommitReveal(state, netuid), "CommitRevealDisabled");
  const version = state.number("subtensorModule.commitRevealWeightsVersion");
  ensure(number(args, "commitRevealVersion") === version, "IncorrectCommitRevealVersion");
  const uid = uidOf(state, netuid, hotkey);
  if (uid === undefined) throw new PalletError("HotKeyNotRegisteredInSubNet");
  ensure(passesRateLimit(state, netuid, uid, block), "CommittingWeightsTooFast");
  const index = state.number("subtensorModule.subnetEpochIndex", netuid);
  const epoch = isEpochDue(state, netuid, block) ? index + 1 : index;
  const commits = state.get("subtensorModule.timelockedWeightCommits", netuid, epoch) as unknown[][];
  ensure(commits.filter(([who]) => who === hotkey).length < MAX_UNREVEALED, "TooManyUnrevealedCommits");
  commits.push([hotkey, block, args["commit"], args["revealRound"]]);
  state.put("subtensorModule.timelockedWeightCommits", [netuid, epoch], commits);
  touch(state, netuid, uid, block);
}

function checkAxon(state: State, { hotkey, args }: PalletCall, block: number): void {
  const netuid = number(args, "netuid");
  ensure(uidOf(state, netuid, hotkey) !== undefined, "HotKeyNotRegisteredInNetwork");
  const type = number(args, "ipType");
  const ip = BigInt(args["ip"] as number | string);
  ensure(type === 4 || type === 6, "InvalidIpType");
  ensure(
    type === 4 ? ip < 0xff_ff_ff_ffn && ip !== 0x7f_00_00_01n : ip < 2n ** 128n - 1n && ip !== 1n,
    "InvalidIpAddress",
  );
  const last = (state.get("subtensorModule.axons", netuid, hotkey) as { block: number } | null)?.block ?? 0;
  const limit = state.number("subtensorModule.servingRateLimit", netuid);
  ensure(limit === 0 || last === 0 || block - last >= limit, "ServingRateLimitExceeded");
  ensure(number(args, "port") > 0, "InvalidPort");
}

function serveAxon(state: State, { hotkey, args }: PalletCall, block: number): void {
  const { netuid, version, ip, port, ipType, protocol, placeholder1, placeholder2 } = args;
  const axon = { block, version, ip, port, ipType, protocol, placeholder1, placeholder2 };
  state.put("subtensorModule.axons", [netuid, hotkey], axon);
}
