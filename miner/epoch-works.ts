/**
 * Which epochs are worked on: the newest one, and beside it those that are over and can still be handed in. No failed
 * epoch ends the miner or keeps it from the next one.
 */
import type { Log } from "../core/ports.js";
import { millisOf } from "../core/timestamps.js";
import type { Epoch } from "../gen/zipnet/v1/epoch_pb.js";
import { adoptRecord } from "./derive/adopt.js";
import type { Knowledge } from "./derive/knowledge.js";
import { submitLate } from "./late.js";
import { type MinerEvent, levelOf, noProgress, progressAfter, sentenceOf } from "./progress.js";
import { type ProgressReporter, progressReporter } from "./report-progress.js";
import { reasonOf } from "./work/failures.js";
import type { EpochParts, EpochSettings } from "./work/parts.js";
import { retryDelayMs } from "./work/plan.js";
import { type WorkMode, runEpoch } from "./work/run-epoch.js";
import { removeOldFiles } from "./work/saved-work.js";

/** What the works need. */
export interface WorksOptions {
  readonly parts: Omit<EpochParts, "tell"> & { readonly log: Log };
  readonly settings: EpochSettings;
  readonly knowledge: Knowledge;
  /** Whether the server is told how far the miner is. */
  readonly reportProgress: boolean;
  readonly signal: AbortSignal;
}

/** Work that goes on or has ended. */
interface Work {
  readonly epoch: Epoch;
  readonly isDerived: boolean;
  /** Resolves when it has come to rest, and never rejects. */
  readonly ended: Promise<void>;
  abort(reason: string): void;
}

/** The works. */
export class EpochWorks {
  #current: Work | undefined;
  /** Whether as derived or as recorded, the last work on each epoch that was the current one, as long as it goes on. */
  readonly #begun = new Map<string, Work>();
  readonly #late = new Map<string, Work>();

  constructor(private readonly options: WorksOptions) {}

  /** The record of an epoch is here. Its work takes the place of that on an older one, or on the same one as derived. */
  recorded(epoch: Epoch): void {
    const { clock, log } = this.options.parts;
    if (clock.now() >= millisOf(epoch.closeTime)) {
      log.debug({ epoch_id: epoch.id }, "the epoch is closed already");
      return this.late(epoch);
    }
    const current = this.#current;
    const isNews =
      current === undefined ||
      current.epoch.number < epoch.number ||
      (current.epoch.number === epoch.number && current.isDerived);
    if (isNews) this.takeUp(epoch);
  }

  /** Takes up an epoch whose record is here, whether it is open or its manifest may have arrived. */
  takeUp(epoch: Epoch): void {
    const why = this.#current?.epoch.id === epoch.id ? "is recorded" : "has begun";
    this.#begin(epoch, { kind: "whole" }, `epoch ${epoch.id} ${why}`);
  }

  /** An epoch that has no record was derived. */
  derived(epoch: Epoch): void {
    if (this.#current !== undefined && this.#current.epoch.number >= epoch.number) return;
    this.#begin(epoch, { kind: "derived" }, `epoch ${epoch.id} has begun`);
  }

  /** An epoch is over: what was scraped for it is handed in, if the server still takes it. */
  late(epoch: Epoch): void {
    if (this.#late.has(epoch.id)) return;
    // Beside the work on newer epochs, but never beside work on the same one: they share its files.
    const before = this.#begun.get(epoch.id);
    if (before?.isDerived === true) before.abort(`epoch ${epoch.id} is recorded`);
    const { parts, settings, knowledge } = this.options;
    const work = this.#start(epoch, false, before?.ended ?? Promise.resolve(), async (signal) => {
      const telling = { ...parts, tell: teller(parts.log, epoch, undefined) };
      await adoptRecord(telling, knowledge, epoch);
      await submitLate(telling, settings, epoch, signal);
    });
    this.#late.set(epoch.id, work);
  }

  /** Ends everything; resolves when it has come to rest. */
  async end(): Promise<void> {
    const works = [...this.#late.values(), ...(this.#current === undefined ? [] : [this.#current])];
    for (const work of works) work.abort("the miner stops");
    await Promise.all(works.map(({ ended }) => ended));
  }

  #begin(epoch: Epoch, mode: WorkMode, reason: string): void {
    this.#current?.abort(reason);
    const { parts, settings, knowledge, reportProgress } = this.options;
    const isDerived = mode.kind === "derived";
    // The server knows nothing of an epoch that it has not recorded.
    const reporter = reportProgress && !isDerived ? progressReporter(parts) : undefined;
    const telling = { ...parts, tell: teller(parts.log, epoch, reporter) };
    if (isDerived) {
      telling.tell({
        event: "epoch_derived",
        epoch_id: epoch.id,
        zip_codes: epoch.zipCodes.length,
        nonce: epoch.nonce,
      });
    }
    const before = this.#current?.ended ?? Promise.resolve();
    const work = this.#start(epoch, isDerived, before, async (signal) => {
      if (!isDerived) await adoptRecord(telling, knowledge, epoch);
      await workUntilClose(telling, settings, epoch, mode, reporter, signal);
    });
    this.#current = work;
    this.#begun.set(epoch.id, work);
    void work.ended.then(() => {
      if (this.#begun.get(epoch.id) === work) this.#begun.delete(epoch.id);
    });
  }

  /** Starts work on an epoch once the work before it has ended. */
  #start(epoch: Epoch, isDerived: boolean, before: Promise<void>, run: (signal: AbortSignal) => Promise<void>): Work {
    const { parts, signal } = this.options;
    const superseded = new AbortController();
    const stop = (): void => superseded.abort(new Error("the miner stops"));
    signal.addEventListener("abort", stop, { once: true });
    const tell = teller(parts.log, epoch, undefined);
    const ended = before
      .then(() => run(superseded.signal))
      .catch((error: unknown) => {
        if (!superseded.signal.aborted) tell({ event: "epoch_failed", epoch_id: epoch.id, reason: reasonOf(error) });
      })
      .finally(() => signal.removeEventListener("abort", stop));
    return { epoch, isDerived, ended, abort: (reason) => superseded.abort(new Error(reason)) };
  }
}

/** Logs an epoch's events and lets the reporter know how far it is. */
function teller(log: Log, epoch: Epoch, reporter: ProgressReporter | undefined): (event: MinerEvent) => void {
  let progress = noProgress(epoch.id);
  return (event) => {
    log[levelOf(event)](event, sentenceOf(event));
    progress = progressAfter(progress, event);
    reporter?.tell(progress);
  };
}

/**
 * Works on an epoch; when that breaks off (a full disk, a bug) it is taken up again from what is saved, later and
 * later, until the close.
 */
async function workUntilClose(
  parts: EpochParts & { readonly log: Log },
  settings: EpochSettings,
  epoch: Epoch,
  mode: WorkMode,
  reporter: ProgressReporter | undefined,
  signal: AbortSignal,
): Promise<void> {
  const times = {
    startMs: millisOf(epoch.startTime),
    closeMs: millisOf(epoch.closeTime),
  };
  const reporting = new AbortController();
  const reported = reporter?.run(reporting.signal, signal);
  try {
    await removeOldFiles(parts.state, epoch).catch((error: unknown) => {
      parts.log.warn({ err: error }, `old files could not be removed: ${reasonOf(error)}`);
    });
    for (let failures = 1; ; failures += 1) {
      try {
        await runEpoch(parts, settings, epoch, mode, signal);
        return;
      } catch (error) {
        signal.throwIfAborted();
        const retryMs = parts.clock.now() + retryDelayMs(times, failures, parts.random());
        if (retryMs >= times.closeMs) throw error;
        parts.tell({ event: "epoch_interrupted", epoch_id: epoch.id, reason: reasonOf(error) });
        await parts.clock.sleepUntil(retryMs, signal);
      }
    }
  } finally {
    reporting.abort();
    await reported;
  }
}
