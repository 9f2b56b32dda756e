/**
 * Reading the submissions of a closed epoch: they are fetched and checked so many at a time as there is room for.
 */
import type { SubmissionCheck } from "../../core/judging/submission-check.js";
import type { Receipt } from "../../gen/zipnet/v1/submission_pb.js";
import type { ValidatorParts } from "../parts.js";
import { checkSubmission } from "./check-submissions.js";
import { type FetchOptions, fetchOnce, manifestOf, notWhole } from "./fetch-files.js";
import { eachOf, pauseBefore } from "./waiting.js";

/** Submissions that are checked at the same time per file that is read: while one is read, the next comes from the disk. */
const SUBMISSIONS_PER_FILE = 2;

/** What reading needs. */
export type ReadOptions = FetchOptions & { readonly parts: Pick<ValidatorParts, "files"> };

/** What was downloaded for an epoch, in this run of the program or an earlier one. */
export interface Downloaded {
  readonly files: number;
  readonly bytes: number;
}

/** The submissions of an epoch, as far as they could be read. */
export interface ReadSubmissions {
  /** One per receipt, in the snapshot's order. */
  readonly checks: readonly SubmissionCheck[];
  /** Miners of which something stayed out of reach. */
  readonly missing: readonly string[];
  readonly downloaded: Downloaded;
}

/** Fetches and checks every submission that the rules have read. Waits for what is out of reach until the judging period ends. */
export async function readSubmissions(options: ReadOptions, signal: AbortSignal): Promise<ReadSubmissions> {
  const { closed, kept, parts } = options;
  const checks = new Map<string, SubmissionCheck>();
  for (let tries = 1; ; tries += 1) {
    const before = checks.size;
    const open = closed.receipts.filter(({ hotkey }) => closed.hotkeysToRead.has(hotkey) && !checks.has(hotkey));
    for (const batch of batches(open, Math.floor(kept.maxBytes / 2))) {
      if (!(await readBatch(batch, checks, options, signal))) break;
    }
    if (checks.size === closed.hotkeysToRead.size) break;
    if (checks.size > before) tries = 1;
    if (!(await pauseBefore(closed.judgingEndMs, tries, parts.clock, signal))) break;
  }
  const missing = [...closed.hotkeysToRead].filter((hotkey) => !checks.has(hotkey));
  const downloaded = await downloadedFor(checks, options);
  const all: SubmissionCheck[] = [];
  for (const receipt of closed.receipts) {
    signal.throwIfAborted();
    all.push(checks.get(receipt.hotkey) ?? (await checkSubmission(receipt, options)));
  }
  return { checks: all, missing, downloaded };
}

/** Receipts in their order, in parts of so many bytes; a larger submission is a part of its own. */
function batches(receipts: readonly Receipt[], maxBytes: number): Receipt[][] {
  const parts: Receipt[][] = [];
  let bytesLeft = 0;
  for (const receipt of receipts) {
    const bytes = Number(receipt.totalBytes);
    if (bytes > bytesLeft) {
      parts.push([]);
      bytesLeft = maxBytes;
    }
    parts.at(-1)?.push(receipt);
    bytesLeft -= bytes;
  }
  return parts;
}

/** Fetches a part and adds the checks of what is whole; whether the server could be asked. */
async function readBatch(
  batch: readonly Receipt[],
  checks: Map<string, SubmissionCheck>,
  options: ReadOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { kept, closed } = options;
  const hotkeys = batch.map(({ hotkey }) => hotkey);
  kept.hold(closed.epoch.id, hotkeys);
  const isUp = await fetchOnce(hotkeys, options, signal);
  const missing = new Set(await notWhole(hotkeys, options));
  const whole = batch.filter(({ hotkey }) => !missing.has(hotkey));
  await eachOf(whole, options.concurrency * SUBMISSIONS_PER_FILE, async (receipt) => {
    signal.throwIfAborted();
    const check = await checkSubmission(receipt, options);
    // A file that was damaged on the disk meanwhile is fetched again.
    if (check.outOfReach.size > 0) return;
    checks.set(receipt.hotkey, check);
    kept.noteChecked(receipt.hotkey);
  });
  return isUp;
}

/** Counts the files that were here. One that was fetched again, for whatever reason, counts once. */
async function downloadedFor(checks: ReadonlyMap<string, unknown>, options: FetchOptions): Promise<Downloaded> {
  const { closed, kept } = options;
  let [files, bytes] = [0, 0];
  for (const hotkey of closed.hotkeysToRead) {
    for (const object of (await manifestOf(hotkey, options))?.objects ?? []) {
      if (!checks.has(hotkey) && !kept.has(closed.epoch.id, hotkey, object)) continue;
      files += 1;
      bytes += object.sizeBytes;
    }
  }
  return { files, bytes };
}
