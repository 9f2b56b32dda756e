/**
 * How the work on an epoch changes with what happened. Pure: each function answers the changed work.
 */
import { paceAfter } from "./pace.js";
import { type EpochWork, FRUITLESS_IN_A_ROW, type ZipCodeWork, UNTOUCHED, retryDelayMs } from "./plan.js";

/** One zip code changed in some of its fields. */
function withZipCode(work: EpochWork, zipCode: string, change: (zip: ZipCodeWork) => ZipCodeWork): EpochWork {
  const zip = work.zipCodes.get(zipCode);
  if (zip === undefined) return work;
  return { ...work, zipCodes: new Map(work.zipCodes).set(zipCode, change(zip)) };
}

/** Its stage has been begun. */
export function begun(work: EpochWork, zipCode: string): EpochWork {
  return withZipCode(work, zipCode, (zip) => ({ ...zip, busy: true }));
}

/** It reached another stage. */
export function reached(work: EpochWork, zipCode: string, stage: ZipCodeWork["stage"]): EpochWork {
  return withZipCode(work, zipCode, () => ({ ...UNTOUCHED, stage }));
}

/** It was begun and put down again without a result or a failure. */
export function putDown(work: EpochWork, zipCode: string): EpochWork {
  return withZipCode(work, zipCode, (zip) => ({ ...zip, busy: false }));
}

/** Something that its stage needs was out of reach. `random`: as in retryDelayMs. */
export function postponed(work: EpochWork, zipCode: string, nowMs: number, random: number): EpochWork {
  return withZipCode(work, zipCode, (zip) => ({
    ...zip,
    busy: false,
    failures: zip.failures + 1,
    failingSinceMs: zip.failures === 0 ? nowMs : zip.failingSinceMs,
    notBeforeMs: nowMs + retryDelayMs(work, zip.failures + 1, random),
  }));
}

/** It was scraped, from its first page to its last in so many milliseconds; undefined where some pages were here before. */
export function scrapedInFull(work: EpochWork, zipCode: string, tookMs: number | undefined): EpochWork {
  const expected = work.expectedListings.get(zipCode) ?? 0;
  const pace = tookMs === undefined ? work.pace : paceAfter(work.pace, expected, tookMs);
  return { ...reached(work, zipCode, "upload"), pace, changedInARow: 0, fruitlessInARow: 0 };
}

/** The longest pause of a source that gives nothing, unless the epoch is short. */
const LONGEST_SOURCE_PAUSE_MS = 300_000;

/** A search ended without a result. Where searches in a row had not even a new page, the source gets longer and longer pauses. */
function fruitless(work: EpochWork, hadProgress: boolean, nowMs: number, random: number): EpochWork {
  const fruitlessInARow = hadProgress ? 0 : work.fruitlessInARow + 1;
  const pauses = fruitlessInARow - FRUITLESS_IN_A_ROW + 1;
  if (pauses < 1) return { ...work, fruitlessInARow };
  const pauseMs = retryDelayMs(work, pauses, random, LONGEST_SOURCE_PAUSE_MS);
  return { ...work, fruitlessInARow, sourceNotBeforeMs: nowMs + pauseMs };
}

/** The source was out of reach for a search, or answered with failures. `random`: as in retryDelayMs. */
export function foundUnreachable(
  work: EpochWork,
  zipCode: string,
  hadProgress: boolean,
  nowMs: number,
  random: number,
): EpochWork {
  return fruitless(postponed(work, zipCode, nowMs, random), hadProgress, nowMs, random);
}

/** Searches of one zip code that break off at a page of another shape before it is left out. */
const CHANGED_TRIES = 3;
/** Searches in a row that break off at their first new page before the site counts as changed. */
const CHANGED_IN_A_ROW = 6;

/**
 * A page of its search had another shape than pages have. A page may come broken, so the zip code is tried again, but only
 * a few times; and when searches in a row find nothing else, the site has changed and is left alone.
 *
 * @param hadProgress whether the search had read a page before that it did not know.
 * @param random as in retryDelayMs.
 */
export function foundChanged(
  work: EpochWork,
  zipCode: string,
  found: { readonly hadProgress: boolean; readonly reason: string },
  nowMs: number,
  random: number,
): EpochWork {
  const changedInARow = (found.hadProgress ? 0 : work.changedInARow) + 1;
  const failures = (work.zipCodes.get(zipCode)?.failures ?? 0) + 1;
  const changed =
    failures >= CHANGED_TRIES ? reached(work, zipCode, "left_out") : postponed(work, zipCode, nowMs, random);
  const withPause = fruitless(changed, found.hadProgress, nowMs, random);
  const isStopped = work.sourceStopped === undefined && changedInARow >= CHANGED_IN_A_ROW;
  return { ...withPause, changedInARow, ...(isStopped && { sourceStopped: found.reason }) };
}

/** The server was out of reach for finalizing or asking. `random`: as in retryDelayMs. */
export function submissionPostponed(work: EpochWork, nowMs: number, random: number): EpochWork {
  const failures = work.failures + 1;
  return { ...work, failures, notBeforeMs: nowMs + retryDelayMs(work, failures, random) };
}
