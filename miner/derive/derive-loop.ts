/**
 * Deriving the running epoch when its record does not come: neither the server nor a relay has it, or none is in reach.
 */
import { decodeCatalogue } from "../../core/catalogue.js";
import { deriveEpochs } from "../../core/derive-epochs.js";
import { epochIdOf, epochNumberAt, epochNumberOfId, epochStartMs } from "../../core/epoch-time.js";
import { messageOf } from "../../core/errors.js";
import type { Chain, Clock, Log } from "../../core/ports.js";
import { firstBlockAtOrAfter } from "../../core/seed-block.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { Announced, Knowledge } from "./knowledge.js";

/** What deriving needs. */
export interface DeriveLoopOptions {
  readonly chain: Pick<Chain, "finalizedBlock" | "block">;
  readonly knowledge: Knowledge;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds after an epoch's start that its record is waited for. */
  readonly patienceMs: number;
  /** Hears of every epoch that is derived, while it runs and has no record; again after a restart. */
  onDerived(epoch: Epoch): void;
}

/** Between two looks where nothing can be derived yet, in milliseconds. */
const RETRY_MS = 5_000;

/** Derives every epoch that has no record when the patience is over, until the signal; resolves then. */
export async function deriveWhenCutOff(options: DeriveLoopOptions, signal: AbortSignal): Promise<void> {
  const { clock, knowledge } = options;
  let derived = -1;
  while (!signal.aborted) {
    const announced = await knowledge.announced();
    let nextMs = clock.now() + RETRY_MS;
    if (announced !== undefined) {
      const { epochLengthSeconds } = announced;
      const lengthMs = epochLengthSeconds * 1000;
      // The patience is for the network; a short epoch is not to pass with waiting.
      const patienceMs = Math.min(options.patienceMs, lengthMs / 2);
      const number = epochNumberAt(clock.now(), epochLengthSeconds);
      const dueMs = epochStartMs(number, epochLengthSeconds) + patienceMs;
      if (clock.now() < dueMs) nextMs = dueMs;
      else {
        const isDone = derived === number || (await deriveOne(options, announced, number, signal));
        if (isDone) derived = number;
        nextMs = isDone ? dueMs + lengthMs : clock.now() + Math.min(RETRY_MS, lengthMs / 16);
      }
    }
    await clock.sleepUntil(nextMs, signal).catch(() => undefined); // Only the signal ends it early.
  }
}

/** Derives an epoch unless its record is here; whether there is nothing left to do for it. */
async function deriveOne(
  { chain, knowledge, log, onDerived }: DeriveLoopOptions,
  announced: Announced,
  number: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { epochLengthSeconds, network, netuid, catalogueSha256, rules, newestEpochId } = announced;
  const idOf = (each: number): string => epochIdOf(epochStartMs(each, epochLengthSeconds));
  const id = idOf(number);
  if (await knowledge.isRecorded(id)) return true;
  const catalogue = await knowledge.catalogue(catalogueSha256);
  if (catalogue === undefined || rules === undefined) return false;
  try {
    // What the server held when it was asked last is here without a gap; what came later is derived where it is missing.
    const complete = epochNumberOfId(newestEpochId, epochLengthSeconds) ?? number - 1;
    const recorded = await knowledge.recorded(idOf(Math.max(0, number - 2 * rules.cooldownEpochs)));
    const known = recorded.filter((epoch) => epoch.number < number);
    const { epochs, missing } = await deriveEpochs({
      epochLengthSeconds,
      network,
      netuid,
      catalogue: decodeCatalogue(catalogue),
      catalogueSha256,
      rules,
      first: Math.max(0, complete + 1, number - rules.cooldownEpochs),
      last: number,
      before: known,
      seedBlockAt: async (timeMs) =>
        firstBlockAtOrAfter(timeMs, await chain.finalizedBlock(signal), (block) => chain.block(block, signal)),
    });
    const epoch = epochs.find((each) => each.number === number);
    const reason = missing.find(({ epochId }) => epochId === id)?.reason ?? "a block before it is not finalized";
    if (epoch === undefined) {
      log.debug({ epoch_id: id }, `epoch ${id} cannot be derived yet: ${reason}`);
      return false;
    }
    await knowledge.saveDerived(epoch);
    onDerived(epoch);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    log.warn(
      { epoch_id: id, err: error },
      `epoch ${id} could not be derived, which is tried again: ${messageOf(error)}`,
    );
    return false;
  }
}
