/**
 * The miner: follows the epochs, works on the newest one that is open, and is never ended by a failed epoch.
 */
import { millisOf } from "../core/timestamps.js";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Log } from "../core/ports.js";
import { openRecord } from "../core/signed-record.js";
import { type Epoch, EpochSchema } from "../gen/zipnet/v1/epoch_pb.js";
import type { FollowOptions } from "../rpc/follower/follower.js";
import { type MinerEvent, levelOf, noProgress, progressAfter, sentenceOf } from "./progress.js";
import { type ProgressReporter, progressReporter } from "./report-progress.js";
import { reasonOf } from "./work/failures.js";
import type { EpochParts, EpochSettings } from "./work/parts.js";
import { retryDelayMs } from "./work/plan.js";
import { runEpoch } from "./work/run-epoch.js";
import { POSITION_KEY, newestSavedEpoch, removeOldFiles, saveEpoch, savedWork } from "./work/saved-work.js";

/** What a miner is made of. main.ts makes the parts. */
export interface MinerParts extends Omit<EpochParts, "tell"> {
  readonly log: Log;
  /** Follows the epochs until the signal is aborted: followEpochs with all that is not the miner's business filled in. */
  readonly follow: (own: Pick<FollowOptions, "tokens" | "onEvent">, signal: AbortSignal) => Promise<void>;
}

/** What the operator decides. */
export interface MinerConfig extends EpochSettings {
  readonly network: string;
  readonly netuid: number;
  /** Whether the server is told how far the miner is. */
  readonly reportProgress: boolean;
}

/** The epoch that is being worked on. */
interface CurrentWork {
  readonly epoch: Epoch;
  readonly ended: Promise<void>;
  abort(reason: string): void;
}

/** Runs until the signal is aborted; resolves when everything has come to rest. Rejects when local state fails or is another miner's. */
export async function runMiner(parts: MinerParts, config: MinerConfig, signal: AbortSignal): Promise<void> {
  const { state, log } = parts;
  let current: CurrentWork | undefined;

  function workOn(epoch: Epoch): void {
    if (current !== undefined && current.epoch.number >= epoch.number) return;
    current?.abort(`epoch ${epoch.id} has begun`);
    current = startWork(parts, config, epoch, current?.ended ?? Promise.resolve(), signal);
  }

  const resumable = await resumableEpoch(parts, config);
  if (resumable !== undefined) workOn(resumable);
  try {
    await parts.follow(
      {
        tokens: {
          load: () => state.read(POSITION_KEY),
          save: (position) => state.write(POSITION_KEY, position),
        },
        async onEvent(event) {
          if (event.kind === "closed") return;
          // The position moves on once this resolves, and then this epoch is not delivered again.
          await saveEpoch(state, event.epoch.id, event.record);
          if (isOpen(event.epoch, parts.clock.now())) workOn(event.epoch);
          else log.debug({ epoch_id: event.epoch.id }, "the epoch is closed already");
        },
      },
      signal,
    );
  } finally {
    current?.abort("the miner stops");
    await current?.ended;
  }
}

function isOpen(epoch: Epoch, nowMs: number): boolean {
  return epoch.closeTime !== undefined && nowMs < timestampMs(epoch.closeTime);
}

/** The newest saved epoch, when there is still something to be had for it: it is open, or its manifest may have arrived. */
async function resumableEpoch(parts: MinerParts, config: MinerConfig): Promise<Epoch | undefined> {
  const record = await newestSavedEpoch(parts.state);
  if (record === undefined) return undefined;
  let epoch: Epoch;
  try {
    epoch = openRecord(EpochSchema, record, parts.verify, config.serverHotkey);
  } catch (error) {
    parts.log.warn({ err: error }, `the saved epoch is not this server's and is ignored: ${reasonOf(error)}`);
    return undefined;
  }
  if (epoch.network !== config.network || epoch.netuid !== config.netuid) return undefined;
  const saved = savedWork(parts.state, epoch.id);
  if ((await saved.receipt()) !== undefined) return undefined;
  return isOpen(epoch, parts.clock.now()) || (await saved.manifest()) !== undefined ? epoch : undefined;
}

/** Starts the work on an epoch once the work before it has ended. */
function startWork(
  parts: MinerParts,
  config: MinerConfig,
  epoch: Epoch,
  before: Promise<void>,
  signal: AbortSignal,
): CurrentWork {
  const superseded = new AbortController();
  const stop = (): void => superseded.abort(new Error("the miner stops"));
  signal.addEventListener("abort", stop, { once: true });
  const reporter = config.reportProgress ? progressReporter(parts) : undefined;
  const tell = teller(parts.log, epoch, reporter);
  const ended = before
    .then(() => workUntilClose({ ...parts, tell }, config, epoch, reporter, superseded.signal))
    // Nothing that goes wrong with one epoch may keep the miner from the next one.
    .catch((error: unknown) => {
      if (!superseded.signal.aborted) tell({ event: "epoch_failed", epoch_id: epoch.id, reason: reasonOf(error) });
    })
    .finally(() => signal.removeEventListener("abort", stop));
  return {
    epoch,
    ended,
    abort: (reason) => {
      superseded.abort(new Error(reason));
    },
  };
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
  parts: EpochParts & Pick<MinerParts, "log">,
  config: MinerConfig,
  epoch: Epoch,
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
        await runEpoch(parts, config, epoch, signal);
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
