/**
 * Handing in what was collected for an epoch that is over, where the server was away and takes it still.
 */
import { millisOf } from "../core/timestamps.js";
import type { Epoch } from "../gen/zipnet/v1/epoch_pb.js";
import type { GetSubmissionResponse } from "../gen/zipnet/v1/submission_service_pb.js";
import { reasonOf } from "./work/failures.js";
import type { EpochParts, EpochSettings } from "./work/parts.js";
import { retryDelayMs } from "./work/plan.js";
import { runEpoch } from "./work/run-epoch.js";
import { savedWork } from "./work/saved-work.js";

/**
 * Asks the server how long it takes submissions to the epoch, and hands in what is there. Does nothing where nothing was
 * scraped or the receipt is saved. Rejects with the signal's reason when aborted, and when local state fails.
 */
export async function submitLate(
  parts: EpochParts,
  settings: EpochSettings,
  epoch: Epoch,
  signal: AbortSignal,
): Promise<void> {
  const saved = savedWork(parts.state, epoch.id);
  const scraped = await saved.scraped();
  if (scraped.length === 0 || (await saved.receipt()) !== undefined) return;
  const held = await heldByServer(parts, epoch, signal);
  if (held === undefined) return;
  const acceptedUntilMs = millisOf(held.acceptedUntil ?? epoch.closeTime);
  const until = new Date(acceptedUntilMs).toISOString();
  if (parts.clock.now() >= acceptedUntilMs && held.receipt === undefined) {
    const reason = `the epoch is over, and the server takes nothing for it since ${until}`;
    return parts.tell({ event: "epoch_failed", epoch_id: epoch.id, reason });
  }
  parts.tell({
    event: "late_submission",
    epoch_id: epoch.id,
    zip_codes: scraped.length,
    accepted_until: until,
  });
  await runEpoch(parts, settings, epoch, { kind: "late", acceptedUntilMs }, signal);
}

/** What the server holds of our submission; asked for again while it does not answer, until nobody needs it any more. */
async function heldByServer(
  { server, clock, random, tell }: EpochParts,
  epoch: Epoch,
  signal: AbortSignal,
): Promise<GetSubmissionResponse | undefined> {
  const times = { startMs: millisOf(epoch.startTime), closeMs: millisOf(epoch.closeTime) };
  const uselessMs = 2 * times.closeMs - times.startMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return await server.submission(epoch.id, signal);
    } catch (error) {
      signal.throwIfAborted();
      const reason = reasonOf(error);
      if (clock.now() >= uselessMs) {
        tell({ event: "epoch_failed", epoch_id: epoch.id, reason });
        return undefined;
      }
      tell({ event: "submission_postponed", epoch_id: epoch.id, reason });
      await clock.sleepUntil(clock.now() + retryDelayMs(times, failures, random()), signal);
    }
  }
}
