/**
 * What to do next for one epoch. Pure: where the work stands and the time go in, the next step comes out. Everything
 * that survives a crash is read from local state; this file says what follows from it.
 */
import { type Pace, isHopeless } from "./pace.js";

/** Uploads that run at the same time. They cost the source nothing, so they do not count against the concurrency. */
const UPLOADS_AT_ONCE = 4;

/** The first wait after something was out of reach. Doubles with every failure in a row. */
const FIRST_RETRY_MS = 1000;

/** No wait is longer than this, and none longer than a twentieth of the epoch. */
const LONGEST_RETRY_MS = 60_000;

/** Failures in a row after which a zip code may be given up for the sake of the others' speed. */
const PATIENCE_FAILURES = 3;

/** Searches in a row without one new page, from which on the source as a whole is left alone between them. */
export const FRUITLESS_IN_A_ROW = 3;

/** All miners hand in at the same time, so it may take so many times what it took before. */
const HAND_IN_SAFETY = 4;

/** Where one zip code stands. */
export interface ZipCodeWork {
  /** What has to be done with it next, or how it ended. */
  readonly stage: "scrape" | "upload" | "uploaded" | "left_out";
  /** Whether that is being done right now. */
  readonly busy: boolean;
  /** How often in a row the stage found something out of reach. */
  readonly failures: number;
  /** When the first of these failures was, in unix milliseconds. */
  readonly failingSinceMs: number;
  /** Not to be tried again before this moment, in unix milliseconds. */
  readonly notBeforeMs: number;
}

/** Where the work on an epoch stands. */
export interface EpochWork {
  readonly startMs: number;
  readonly closeMs: number;
  /** The longest that handing in took in the epochs before, in milliseconds; undefined while that is not known. */
  readonly handInMs: number | undefined;
  /** Whether the epoch was derived and has no record yet: nothing can be uploaded then. */
  readonly awaitsRecord: boolean;
  /** Zip codes that are scraped at the same time. */
  readonly concurrency: number;
  /** The zip codes that this miner means to cover, in the assignment's order. */
  readonly zipCodes: ReadonlyMap<string, ZipCodeWork>;
  /** What the epoch expects of each zip code. */
  readonly expectedListings: ReadonlyMap<string, number>;
  /** How quickly zip codes were scraped so far. */
  readonly pace: Pace;
  /** Why nothing more may be read from the source; undefined while it may. */
  readonly sourceStopped: string | undefined;
  /** Whether the source was found to have the shape that is read; until then nothing is searched. */
  readonly isSourceChecked: boolean;
  /** Searches in a row that broke off at their first new page because it had another shape than pages have. */
  readonly changedInARow: number;
  /** Searches in a row that ended without a result and without one new page. */
  readonly fruitlessInARow: number;
  /** No search is begun before this moment, in unix milliseconds. */
  readonly sourceNotBeforeMs: number;
  /** Why no submission can come of it any more; undefined while it can. */
  readonly failed: string | undefined;
  /** How far the submission as a whole is. */
  readonly submission: "collecting" | "sealed" | "receipted";
  /** The server takes nothing more, so it has to be asked whether it holds a receipt of ours. */
  readonly askForReceipt: boolean;
  /** Failures in a row of finalizing or asking. */
  readonly failures: number;
  /** Finalizing or asking is not to be tried again before this moment. */
  readonly notBeforeMs: number;
}

/** What to do next. */
export type Step =
  | { readonly kind: "scrape" | "upload"; readonly zipCode: string }
  /** Look whether the source has the shape that is read, by this zip code. */
  | { readonly kind: "check_source"; readonly zipCode: string }
  /** Nothing can be begun before the moment, unless something that is under way ends. */
  | { readonly kind: "wait"; readonly untilMs: number }
  /** Make and save the manifest of what is uploaded. */
  | { readonly kind: "seal" }
  /** Hand the saved manifest in. */
  | { readonly kind: "finalize" }
  /** Ask the server whether it holds a receipt of ours. */
  | { readonly kind: "ask_for_receipt" }
  /** Nothing more can be done before the server's record comes. */
  | { readonly kind: "await_record" }
  /** The receipt is saved. */
  | { readonly kind: "done" }
  /** There is nothing that could still be submitted. */
  | { readonly kind: "give_up"; readonly reason: string };

/** A zip code that nothing has been done for. */
export const UNTOUCHED: ZipCodeWork = {
  stage: "scrape",
  busy: false,
  failures: 0,
  failingSinceMs: 0,
  notBeforeMs: 0,
};

/**
 * The moments at which a miner stops scraping and stops uploading, so that what it has is finalized before the close:
 * scraping ends 2 percent of the epoch before the close, or, where it is known what handing in takes, four times that
 * before it, within half a percent and 10 percent of the epoch. In all cases at least 3 seconds. Uploading ends half of
 * that time later.
 */
export function deadlinesOf({ startMs, closeMs, handInMs }: Pick<EpochWork, "startMs" | "closeMs" | "handInMs">): {
  scrapeUntilMs: number;
  uploadUntilMs: number;
} {
  const lengthMs = closeMs - startMs;
  const wantedMs = handInMs === undefined ? lengthMs / 50 : Math.max(handInMs * HAND_IN_SAFETY, lengthMs / 200);
  const marginMs = Math.max(3000, Math.min(wantedMs, lengthMs / 10));
  return { scrapeUntilMs: closeMs - marginMs, uploadUntilMs: closeMs - marginMs / 2 };
}

/** How many of an assignment's zip codes a miner covers that means to cover so many percent: rounded up, at least 1. */
export function coveredCount(assigned: number, coverPercent: number): number {
  return Math.max(1, Math.ceil((assigned * coverPercent) / 100));
}

/**
 * How long to wait after so many failures in a row, in milliseconds.
 *
 * @param random 0 to 1, spreads the waits of many miners over half of the time.
 * @param atMostMs the longest wait, unless a twentieth of the epoch is shorter; by default a minute.
 */
export function retryDelayMs(
  work: Pick<EpochWork, "startMs" | "closeMs">,
  failures: number,
  random: number,
  atMostMs = LONGEST_RETRY_MS,
): number {
  const longestMs = Math.min(atMostMs, (work.closeMs - work.startMs) / 20);
  const delayMs = Math.min(longestMs, FIRST_RETRY_MS * 2 ** (failures - 1));
  return Math.round(delayMs * (1 - random / 2));
}

/** The next step. Called again after every step and whenever something under way ends. */
export function nextStep(work: EpochWork, nowMs: number): Step {
  if (work.submission === "receipted") return { kind: "done" };
  if (work.failed !== undefined) return { kind: "give_up", reason: work.failed };
  if (work.askForReceipt || (work.submission === "sealed" && nowMs >= work.closeMs)) {
    return whenDue(work, nowMs, { kind: "ask_for_receipt" });
  }
  if (work.submission === "sealed") return whenDue(work, nowMs, { kind: "finalize" });
  if (nowMs >= work.closeMs && !work.awaitsRecord)
    return { kind: "give_up", reason: "the epoch closed before anything could be finalized" };
  return nextCollectingStep(work, nowMs);
}

function whenDue(work: EpochWork, nowMs: number, step: Step): Step {
  return nowMs < work.notBeforeMs ? { kind: "wait", untilMs: work.notBeforeMs } : step;
}

function nextCollectingStep(work: EpochWork, nowMs: number): Step {
  const { scrapeUntilMs, uploadUntilMs } = deadlinesOf(work);
  const entries = [...work.zipCodes];
  const anyUploaded = entries.some(([, zip]) => zip.stage === "uploaded");
  // Without one upload there is nothing to seal, so uploading goes on to the very close.
  const openStages = {
    scrape: work.sourceStopped === undefined && nowMs < scrapeUntilMs && !isOnlyUnreachableLeft(work, nowMs),
    upload: !work.awaitsRecord && (nowMs < uploadUntilMs || !anyUploaded),
  };
  // A source that gives nothing is asked by one search at a time.
  const isProbing = work.fruitlessInARow >= FRUITLESS_IN_A_ROW;
  const slots = { upload: UPLOADS_AT_ONCE, scrape: isProbing || !work.isSourceChecked ? 1 : work.concurrency };

  let pending = false;
  let wakeMs = nowMs < scrapeUntilMs ? scrapeUntilMs : nowMs < uploadUntilMs ? uploadUntilMs : work.closeMs;
  for (const stage of ["upload", "scrape"] as const) {
    if (!openStages[stage]) continue;
    const open = entries.filter(([zipCode, zip]) => zip.stage === stage && !isGivenUp(work, zipCode, nowMs));
    if (open.length > 0) pending = true;
    if (open.filter(([, zip]) => zip.busy).length >= slots[stage]) continue;
    const waiting = open.filter(([, zip]) => !zip.busy);
    const fromMs = stage === "scrape" ? work.sourceNotBeforeMs : 0;
    const ready = fromMs > nowMs ? [] : waiting.filter(([, zip]) => zip.notBeforeMs <= nowMs);
    const next = ready[0];
    if (next !== undefined) return stage === "scrape" ? firstLook(work, ready, next[0]) : { kind: stage, zipCode: next[0] }; // prettier-ignore
    wakeMs = Math.min(wakeMs, ...waiting.map(([, zip]) => Math.max(fromMs, zip.notBeforeMs)));
  }
  if (pending) return { kind: "wait", untilMs: wakeMs };
  if (work.awaitsRecord) return { kind: "await_record" };
  return anyUploaded ? { kind: "seal" } : { kind: "give_up", reason: whyNothing(work, nowMs >= scrapeUntilMs) };
}

/** Scraping the next zip code; while nothing is known of the source, a look at it by the one that should show the most. */
function firstLook(work: EpochWork, ready: readonly (readonly [string, ZipCodeWork])[], next: string): Step {
  if (work.isSourceChecked) return { kind: "scrape", zipCode: next };
  const expected = (zipCode: string): number => work.expectedListings.get(zipCode) ?? 0;
  const zipCode = ready.reduce((best, [each]) => (expected(each) > expected(best) ? each : best), next);
  return { kind: "check_source", zipCode };
}

/** Whether a zip code is not begun any more, because it can hardly be finished. What was begun before has pages already. */
function isGivenUp(work: EpochWork, zipCode: string, nowMs: number): boolean {
  const zip = work.zipCodes.get(zipCode);
  if (zip === undefined || zip.stage !== "scrape" || zip.busy || zip.failures > 0) return false;
  const { scrapeUntilMs } = deadlinesOf(work);
  const expected = work.expectedListings.get(zipCode) ?? 0;
  return isHopeless(work.pace, expected, { startMs: work.startMs, scrapeUntilMs }, nowMs);
}

/**
 * Whether all that is left is a tenth of the zip codes at most, each out of reach for a twentieth of the epoch: waiting
 * longer would cost a step of speed for all the others.
 */
function isOnlyUnreachableLeft(work: EpochWork, nowMs: number): boolean {
  const unfinished = [...work.zipCodes.values()].filter(({ stage }) => stage === "scrape" || stage === "upload");
  const patienceMs = (work.closeMs - work.startMs) / 20;
  return (
    unfinished.length > 0 &&
    unfinished.length * 10 <= work.zipCodes.size &&
    unfinished.every(
      (zip) =>
        zip.stage === "scrape" &&
        !zip.busy &&
        zip.failures >= PATIENCE_FAILURES &&
        nowMs - zip.failingSinceMs >= patienceMs,
    )
  );
}

function whyNothing(work: EpochWork, closeIsNear: boolean): string {
  if (work.sourceStopped !== undefined)
    return `no zip code was finished before the source stopped: ${work.sourceStopped}`;
  if (closeIsNear) return "no zip code was finished before the close came near";
  return "every zip code had to be left out";
}
