/**
 * The work on one epoch, from wherever local state says it stands to the receipt: asks the plan for the next step and
 * takes it.
 */
import { millisOf } from "../../core/timestamps.js";
import type { Clock } from "../../core/ports.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { MinerEvent } from "../progress.js";
import { begun } from "./changes.js";
import { checkBeforeSearch } from "./check-source.js";
import { type Outcome, scrape, upload } from "./collect.js";
import { HandInTimer, longestHandInMs } from "./hand-in.js";
import { NO_PACE } from "./pace.js";
import type { EpochParts, EpochSettings } from "./parts.js";
import { type EpochWork, UNTOUCHED, coveredCount, deadlinesOf, nextStep } from "./plan.js";
import { type SavedWork, savedWork } from "./saved-work.js";
import { askForReceipt, finalize, seal } from "./submit.js";

/** How an epoch is worked on. */
export type WorkMode =
  /** From scraping to the receipt, before the close. */
  | { readonly kind: "whole" }
  /** Only scraping: the epoch was derived, and there is no record of it yet. */
  | { readonly kind: "derived" }
  /** Only handing in what was scraped: the epoch is over, and submissions to it are taken until a moment, in unix milliseconds. */
  | { readonly kind: "late"; readonly acceptedUntilMs: number };

/** Where the work stands by what is saved, and how to tell so. */
async function loadWork(
  saved: SavedWork,
  handInMs: number | undefined,
  epoch: Epoch,
  settings: EpochSettings,
  mode: WorkMode,
): Promise<{ work: EpochWork; event: MinerEvent }> {
  const closeMs = mode.kind === "late" ? mode.acceptedUntilMs : millisOf(epoch.closeTime);
  const covered = mode.kind === "late" ? 0 : coveredCount(epoch.zipCodes.length, settings.coverPercent);
  const planned = epoch.zipCodes.slice(0, covered);
  const [scraped, uploaded] = [await saved.scraped(), await saved.uploaded()];
  const zipCodes = new Map(planned.map(({ zipCode }) => [zipCode, UNTOUCHED]));
  // What was scraped before the operator lowered the coverage is submitted all the same.
  for (const { zipCode } of scraped) zipCodes.set(zipCode, { ...UNTOUCHED, stage: "upload" });
  for (const { zipCode } of uploaded) zipCodes.set(zipCode, { ...UNTOUCHED, stage: "uploaded" });
  const [manifest, receipt] = [await saved.manifest(), await saved.receipt()];
  return {
    work: {
      startMs: millisOf(epoch.startTime),
      closeMs,
      handInMs,
      awaitsRecord: mode.kind === "derived",
      concurrency: settings.concurrency,
      zipCodes,
      expectedListings: new Map(epoch.zipCodes.map(({ zipCode, expectedListings }) => [zipCode, expectedListings])),
      pace: NO_PACE,
      sourceStopped: undefined,
      // What was found in order before a restart is not looked at again.
      isSourceChecked: !settings.checkSource || scraped.length > 0,
      changedInARow: 0,
      fruitlessInARow: 0,
      sourceNotBeforeMs: 0,
      failed: undefined,
      submission: receipt !== undefined ? "receipted" : manifest !== undefined ? "sealed" : "collecting",
      askForReceipt: false,
      failures: 0,
      notBeforeMs: 0,
    },
    event: {
      event: "epoch_started",
      epoch_id: epoch.id,
      zip_codes: zipCodes.size,
      close_time: new Date(closeMs).toISOString(),
      scraped: scraped.length,
      uploaded: uploaded.length,
      uploaded_bytes: uploaded.reduce((sum, object) => sum + object.sizeBytes, 0),
      listings: scraped.reduce((sum, object) => sum + object.rows, 0),
    },
  };
}

/**
 * Works on an epoch until its receipt is saved, nothing can be submitted any more, or a derived one's record is all that
 * is missing; tells which. Rejects with the
 * signal's reason when aborted, and when local state fails. Whatever was saved is taken up again by the next call.
 */
export async function runEpoch(
  parts: EpochParts,
  settings: EpochSettings,
  epoch: Epoch,
  mode: WorkMode,
  signal: AbortSignal,
): Promise<void> {
  const saved = savedWork(parts.state, epoch.id);
  const loaded = await loadWork(saved, await longestHandInMs(parts.state), epoch, settings, mode);
  const handIn = new HandInTimer(parts.clock);
  let work = loaded.work;
  parts.tell(loaded.event);

  let stages = { scrape: new AbortController(), upload: new AbortController() };
  const running = new Set<Promise<void>>();
  let broken: { readonly error: unknown } | undefined;

  function take(outcome: Outcome): void {
    work = outcome.change(work);
    if (outcome.event !== undefined) parts.tell(outcome.event(work));
    if (work.sourceStopped !== undefined) stages.scrape.abort(new Error("the source stopped us"));
  }
  function begin(kind: "scrape" | "upload" | "check_source", zipCode: string): void {
    work = begun(work, zipCode);
    const done = effects[kind](zipCode)
      .then(take, (error: unknown) => {
        broken ??= { error };
      })
      .finally(() => running.delete(done));
    running.add(done);
  }
  const effects = {
    check_source: (zipCode: string) => checkBeforeSearch(parts, epoch, zipCode, stages.scrape.signal),
    scrape: (zipCode: string) => scrape(parts, saved, epoch, zipCode, stages.scrape.signal),
    upload: (zipCode: string) =>
      handIn.timed("upload", () => upload(parts, saved, epoch, zipCode, stages.upload.signal)),
  };
  async function endStages(): Promise<void> {
    for (const stage of Object.values(stages)) stage.abort(new Error("it is time to finalize"));
    await Promise.all(running);
    stages = { scrape: new AbortController(), upload: new AbortController() };
  }

  try {
    for (;;) {
      signal.throwIfAborted();
      if (broken !== undefined) throw broken.error;
      abortLateStages(stages, work, parts.clock.now());
      const step = nextStep(work, parts.clock.now());
      if (step.kind === "done") return await handIn.keep(parts.state);
      if (step.kind === "wait") await somethingEnds(parts.clock, step.untilMs, running, signal);
      else if (step.kind === "scrape" || step.kind === "upload" || step.kind === "check_source")
        begin(step.kind, step.zipCode);
      else if (running.size > 0) await endStages();
      else if (step.kind === "seal") take(await seal(parts, saved, epoch));
      else if (step.kind === "finalize")
        take(await handIn.timed("finalize", () => finalize(parts, settings, saved, epoch, signal)));
      else if (step.kind === "ask_for_receipt") take(await askForReceipt(parts, settings, saved, epoch, signal));
      else if (step.kind === "await_record") return parts.tell(await collected(saved, epoch.id));
      else if (step.kind === "give_up") {
        parts.tell({ event: "epoch_failed", epoch_id: epoch.id, reason: step.reason });
        return;
      }
    }
  } finally {
    await endStages();
  }
}

/** What waits for the record of a derived epoch. */
async function collected(saved: SavedWork, epochId: string): Promise<MinerEvent> {
  const scraped = await saved.scraped();
  const listings = scraped.reduce((sum, object) => sum + object.rows, 0);
  return { event: "awaiting_record", epoch_id: epochId, zip_codes: scraped.length, listings };
}

/** Stops what must not go on so near to the close, so that it does not keep what is there from being finalized. */
function abortLateStages(
  stages: { readonly scrape: AbortController; readonly upload: AbortController },
  work: EpochWork,
  nowMs: number,
): void {
  const { scrapeUntilMs } = deadlinesOf(work);
  if (nowMs >= scrapeUntilMs) stages.scrape.abort(new Error("the close is near"));
}

/** Resolves when anything that runs has ended, when the moment has come, or when the signal is aborted. */
async function somethingEnds(
  clock: Clock,
  untilMs: number,
  running: ReadonlySet<Promise<void>>,
  signal: AbortSignal,
): Promise<void> {
  const awake = new AbortController();
  const wake = (): void => awake.abort();
  signal.addEventListener("abort", wake, { once: true });
  await Promise.race([clock.sleepUntil(untilMs, awake.signal).catch(() => undefined), ...running]);
  signal.removeEventListener("abort", wake);
  awake.abort();
}
