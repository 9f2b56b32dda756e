/**
 * Deleting old listings by the owner's rule, while the server runs. Every replica may do it.
 */
import { messageOf } from "../core/errors.js";
import { epochNumberAt } from "../core/epoch-time.js";
import type { DataRetention } from "../core/ports.js";
import { MIN_KEPT_EPOCHS, leastKeepDays, retentionRule } from "../core/retention.js";
import type { ServerParts } from "./parts.js";

/** What is deleted, and where. */
export interface Retention {
  readonly store: DataRetention;
  /** Days; 0 deletes nothing, and leaves alone what somebody else told the store. */
  readonly keepDays: number;
}

/** What it works with. */
export type RetentionParts = Pick<ServerParts, "clock" | "deployment" | "epochs" | "log">;

/** Part of an epoch that passes first: when an epoch opens, the server has other things to do. */
const QUIET_PART = 4;

/** What is wrong with the days for epochs of a length; undefined when nothing is. */
export function keepDaysProblem(keepDays: number, epochLengthSeconds: number): string | undefined {
  const least = leastKeepDays(epochLengthSeconds);
  if (keepDays === 0 || keepDays >= least) return undefined;
  return `is ${keepDays}, but must be 0 or ${least} at least, so that the last ${MIN_KEPT_EPOCHS} closed epochs are kept`;
}

/** Makes the store keep the rule, once per epoch, until the signal is aborted. What fails is tried again in the next. */
export async function keepRetention(parts: RetentionParts, retention: Retention, signal: AbortSignal): Promise<void> {
  if (retention.keepDays === 0) return;
  const { clock, deployment, log } = parts;
  const lengthMs = deployment.epochLengthSeconds * 1000;
  while (!signal.aborted) {
    try {
      await applyOnce(parts, retention);
    } catch (error) {
      const facts = { event: "retention_failed", err: error };
      log.warn(facts, `old listings could not be deleted; tried again in the next epoch: ${messageOf(error)}`);
    }
    const next = epochNumberAt(clock.now(), deployment.epochLengthSeconds) + 1;
    await clock.sleepUntil(next * lengthMs + Math.floor(lengthMs / QUIET_PART), signal).catch(() => {}); // The signal ends it early.
  }
}

async function applyOnce({ clock, deployment, epochs, log }: RetentionParts, retention: Retention): Promise<void> {
  const { store, keepDays } = retention;
  const { epochLengthSeconds } = deployment;
  const newest = await epochs.newestEpoch();
  if (newest === undefined) return;
  const running = Math.min(newest.epoch.number, epochNumberAt(clock.now(), epochLengthSeconds));
  const outcome = await store.apply(retentionRule(keepDays, epochLengthSeconds, running), false);
  if (outcome.kind === "lifecycle") {
    if (!outcome.changes) return;
    log.info({ event: "lifecycle_set", keep_days: keepDays }, `the bucket now deletes listings after ${keepDays} days`);
    return;
  }
  const [first] = outcome.epochs;
  const last = outcome.epochs.at(-1);
  if (first === undefined || last === undefined) return;
  const sumOf = (part: "objects" | "bytes"): number => outcome.epochs.reduce((sum, epoch) => sum + epoch[part], 0);
  const facts = { epochs: outcome.epochs.length, objects: sumOf("objects"), bytes: sumOf("bytes") };
  log.info(
    { event: "listings_deleted", ...facts, first_epoch_id: first.epochId, last_epoch_id: last.epochId },
    `the listings of ${facts.epochs} epochs up to ${last.epochId} are deleted: older than ${keepDays} days`,
  );
}
