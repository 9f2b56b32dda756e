/**
 * Deriving an epoch as the server will record it, with what records there are or from the deployment's first epoch on.
 */
import { decodeCatalogue } from "../../core/catalogue.js";
import { deriveEpochs } from "../../core/derive-epochs.js";
import { epochIdOf, epochNumberAt, epochNumberOfId, epochStartMs } from "../../core/epoch-time.js";
import { sha256Hex } from "../../core/hash.js";
import type { Chain, VerifySignature } from "../../core/ports.js";
import { openRecord } from "../../core/signed-record.js";
import { millisOf } from "../../core/timestamps.js";
import { type Epoch, EpochSchema, type Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import type { RecordSource } from "./source.js";
import { seedBlockAt } from "./verify.js";

/** What an epoch is derived with, besides what came before it. */
export interface DeriveInput {
  readonly chain: Pick<Chain, "finalizedBlock" | "block">;
  /** Bytes of the catalogue to draw from. */
  readonly catalogue: Uint8Array;
  readonly network: string;
  readonly netuid: number;
  /** Id of the epoch; undefined for the running one. */
  readonly epochId: string | undefined;
  readonly nowMs: number;
}

/** From where on: what is known of the deployment. */
export interface KnownHistory {
  readonly epochLengthSeconds: number;
  readonly rules: Rules;
  /** Recorded epochs, in any order. */
  readonly epochs: readonly Epoch[];
  /** Number of the deployment's first epoch; where epochs are known, those after the newest of them are derived. */
  readonly first: number;
}

/** The history that a source has: rules and length are its newest epoch's. Rejects when it has no epoch of the server. */
export async function historyOf(
  source: RecordSource,
  serverHotkey: string,
  verify: VerifySignature,
): Promise<KnownHistory> {
  const newestRecord = await source.epoch("");
  if (newestRecord === undefined) throw new Error(`${source.name} has no epoch; give --first-epoch instead`);
  const newest = openRecord(EpochSchema, newestRecord, verify, serverHotkey);
  const { rules } = newest;
  if (rules === undefined) throw new Error(`epoch ${newest.id} has no rules`);
  const epochLengthSeconds = (millisOf(newest.closeTime) - millisOf(newest.startTime)) / 1000;
  // Twice the cooldown: enough for an epoch that lies one cooldown back.
  const first = Math.max(0, newest.number - 2 * rules.cooldownEpochs);
  const records = await source.epochs(epochIdOf(epochStartMs(first, epochLengthSeconds)), newest.id);
  const before = records.map((record) => openRecord(EpochSchema, record, verify, serverHotkey));
  return { epochLengthSeconds, rules, epochs: [...before, newest], first: newest.number + 1 };
}

/** Derives an epoch. Throws an Error that says why it cannot be. */
export async function deriveEpoch(input: DeriveInput, history: KnownHistory, signal: AbortSignal): Promise<Epoch> {
  const { chain, catalogue, network, netuid, epochId, nowMs } = input;
  const { epochLengthSeconds, rules, epochs } = history;
  const number =
    epochId === undefined ? epochNumberAt(nowMs, epochLengthSeconds) : epochNumberOfId(epochId, epochLengthSeconds);
  if (number === undefined) throw new Error(`${epochId} is no epoch of ${epochLengthSeconds} seconds`);
  const derived = await deriveEpochs({
    epochLengthSeconds,
    network,
    netuid,
    catalogue: decodeCatalogue(catalogue),
    catalogueSha256: sha256Hex(catalogue),
    rules,
    first: Math.min(history.first, number),
    last: number,
    before: epochs.filter((epoch) => epoch.number < number),
    seedBlockAt: (timeMs) => seedBlockAt(chain, timeMs, signal),
  });
  const found = derived.epochs.find((epoch) => epoch.number === number);
  if (found !== undefined) return found;
  const id = epochIdOf(epochStartMs(number, epochLengthSeconds));
  throw new Error(`epoch ${id} cannot be derived: ${derived.missing.at(-1)?.reason ?? "it is before the first epoch"}`);
}
