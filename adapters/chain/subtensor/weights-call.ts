/**
 * The calls that set weights: at once, or sealed until a round of drand where the subnet wants that.
 */
import { u8aToHex } from "@polkadot/util";
import { decodeAddress } from "@polkadot/util-crypto";
import { z } from "zod";
import { ZipnetError } from "../../../core/errors.js";
import type { UidWeight } from "../../../core/ports.js";
import type { Link } from "./link.js";
import { type StoragePlace, bigShape, readStorage } from "./metagraph.js";
import type { ApiName, Runtime } from "./runtime.js";
import { timelockCommit } from "./timelock/commit.js";
import type { RandomBytes } from "./timelock/container.js";
import { revealRound } from "./timelock/reveal-round.js";

/** Weights to set. */
export interface WeightsToSet {
  readonly netuid: number;
  readonly hotkey: string;
  readonly weights: readonly UidWeight[];
  readonly versionKey: bigint;
}

/** Mechanism of a subnet that weights are set for. */
const MECHANISM = 0;

/** Time from one block to the next, where the runtime does not say. */
const BLOCK_TIME_MS = 12_000;

const SLOT: ApiName = "AuraApi_slot_duration";

/** The call that sets weights at once. */
export function directCall(runtime: Runtime, { netuid, weights, versionKey }: WeightsToSet): string {
  const uids = weights.map(({ uid }) => uid);
  const values = weights.map(({ weightU16 }) => weightU16);
  // Older runtimes have no mechanisms.
  const call =
    runtime.call("subtensorModule", "setMechanismWeights", netuid, MECHANISM, uids, values, versionKey) ??
    runtime.call("subtensorModule", "setWeights", netuid, uids, values, versionKey);
  if (call !== undefined) return call;
  throw lacking(runtime, "call that sets weights");
}

/** The call that commits weights, which the chain opens and sets so many epochs later. */
export async function commitCall(
  link: Link,
  runtime: Runtime,
  commit: WeightsToSet & { readonly revealPeriodEpochs: number; readonly nowMs: number; readonly random: RandomBytes },
  signal: AbortSignal,
): Promise<string> {
  const { netuid, hotkey, weights, versionKey, revealPeriodEpochs, nowMs, random } = commit;
  const { schedule, version } = await readSchedule(link, runtime, netuid, signal);
  const blockTimeMs = await readBlockTime(link, runtime, signal);
  const round = revealRound(schedule, { revealPeriodEpochs, nowMs, blockTimeMs });
  // As hexadecimal: of bytes the codec would take the first for their length.
  const sealed = u8aToHex(timelockCommit({ hotkey: decodeAddress(hotkey), weights, versionKey }, round, random));
  const call =
    runtime.call("subtensorModule", "commitTimelockedMechanismWeights", netuid, MECHANISM, sealed, round, version) ??
    runtime.call("subtensorModule", "commitTimelockedWeights", netuid, sealed, round, version);
  if (call !== undefined) return call;
  throw lacking(runtime, "call that commits weights");
}

/** The subnet's epochs as of the newest block, which the one that holds the commit follows. */
async function readSchedule(link: Link, runtime: Runtime, netuid: number, signal: AbortSignal) {
  if (!runtime.hasStorage("subtensorModule.subnetEpochIndex")) throw lacking(runtime, "schedule of epochs");
  const hash = z.string().parse(await link.call("chain_getBlockHash", [], signal));
  const places: StoragePlace[] = [
    ["system.number"],
    ["subtensorModule.lastEpochBlock", netuid],
    ["subtensorModule.pendingEpochAt", netuid],
    ["subtensorModule.subnetEpochIndex", netuid],
    ["subtensorModule.tempo", netuid],
    ["subtensorModule.blocksSinceLastStep", netuid],
    ["subtensorModule.commitRevealWeightsVersion"],
  ];
  const values = z.array(bigShape.transform(Number)).parse(await readStorage(link, runtime, hash, places, signal));
  const [currentBlock = 0, lastEpochBlock = 0, pendingEpochAt = 0, subnetEpochIndex = 0] = values;
  const [, , , , tempo = 0, blocksSinceLastStep = 0, version = 0] = values;
  const schedule = { currentBlock, lastEpochBlock, pendingEpochAt, subnetEpochIndex, tempo, blocksSinceLastStep };
  return { schedule, version };
}

async function readBlockTime(link: Link, runtime: Runtime, signal: AbortSignal): Promise<number> {
  if (!runtime.hasApi(SLOT)) return BLOCK_TIME_MS;
  const answer = z.string().parse(await link.call("state_call", [SLOT, "0x"], signal));
  return Number(bigShape.parse(runtime.decodeAnswer(SLOT, answer)));
}

function lacking({ specVersion }: Runtime, what: string): ZipnetError {
  return new ZipnetError("UNAVAILABLE", `runtime ${specVersion} of the chain has no ${what} that this program knows`);
}
