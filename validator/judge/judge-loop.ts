/**
 * Judging epoch after epoch: always the newest closed one that is not judged yet and still useful.
 */
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { RecordedEpochs } from "../../rpc/epoch-log/recorded-epochs.js";
import type { ValidatorConfig, ValidatorParts } from "../parts.js";
import { type ClosedEpoch, openClosedEpoch } from "./closed-epoch.js";
import { judgeEpoch } from "./judge-epoch.js";
import type { KeptFiles } from "./kept-files.js";
import { publishReport, tableOf } from "./publish.js";
import type { ScoreTable } from "../../gen/zipnet/v1/report_pb.js";
import { pauseMs } from "./waiting.js";
import { removeOldWork, workStore } from "./work-store.js";

/** What the loop needs. */
export interface JudgeLoopOptions {
  readonly parts: ValidatorParts;
  readonly config: ValidatorConfig;
  readonly epochs: RecordedEpochs;
  readonly kept: KeptFiles;
  /** Hears of every judgement, before it is published. */
  onJudged(table: ScoreTable): void;
}

/** An epoch is useful until the epoch after the next one closes, so at most three recorded ones can be. */
const LOOK_BACK_EPOCHS = 4;
const LONGEST_PAUSE_MS = 30_000;

/** Judges until the signal is aborted; resolves then. */
export async function judgeEpochs(options: JudgeLoopOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options.parts;
  let failures = 0;
  while (!signal.aborted) {
    const ticket = options.epochs.ticket();
    try {
      const closed = await newestUnjudged(options);
      if (closed === undefined) await rung(ticket, signal);
      else await judgeAndPublish(closed, options, signal);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      const what = messageOf(error);
      log.warn({ err: error }, `judging is held up and goes on from where it was: ${what}`);
      const pause = Math.min(pauseMs(failures), LONGEST_PAUSE_MS);
      await clock.sleepUntil(clock.now() + pause, signal).catch(() => {});
    }
  }
}

async function newestUnjudged({ parts, config, epochs }: JudgeLoopOptions): Promise<ClosedEpoch | undefined> {
  for (const { record, epoch } of await epochs.list(LOOK_BACK_EPOCHS)) {
    if (await workStore(parts.state, epoch.id).isPublished()) continue;
    const snapshot = await epochs.snapshot(epoch.id);
    if (snapshot === undefined) continue;
    try {
      const closed = openClosedEpoch(record, snapshot, parts.verify, config.serverHotkey);
      if (parts.clock.now() < closed.uselessFromMs) return closed;
    } catch (error) {
      if (!(error instanceof ZipnetError)) throw error;
      parts.log.error(
        { epoch_id: epoch.id, err: error },
        "the records of a closed epoch contradict each other; it is not judged",
      );
    }
  }
  return undefined;
}

async function judgeAndPublish(closed: ClosedEpoch, options: JudgeLoopOptions, signal: AbortSignal): Promise<void> {
  const { parts, config, kept } = options;
  const work = workStore(parts.state, closed.epoch.id);
  const report = await judgeEpoch({ parts, config, closed, work, kept }, signal);
  options.onJudged(tableOf(report));
  await publishReport(report, { parts, closed, work }, signal);
  await removeOldWork(parts.state, kept, closed.epoch.id);
}

function rung(ticket: ReturnType<RecordedEpochs["ticket"]>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = ticket.onRing(done);
    function done(): void {
      stop();
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
