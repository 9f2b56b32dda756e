/**
 * The two things that are done for one zip code: scrape it into a saved file, and upload that file. Each resolves with
 * what it means for the work; it rejects only when local state fails.
 */
import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { SearchPage } from "../../core/ports.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { type ManifestObject, ManifestObjectSchema } from "../../gen/zipnet/v1/submission_pb.js";
import type { MinerEvent } from "../progress.js";
import { foundChanged, foundUnreachable, postponed, putDown, reached, scrapedInFull } from "./changes.js";
import { type KnownZipCode, assertStillShown, isDoubtful } from "./doubts.js";
import { meaningForScraping, meaningForUploading, reasonOf } from "./failures.js";
import type { EpochParts } from "./parts.js";
import { pageMemory } from "./page-memory.js";
import type { EpochWork } from "./plan.js";
import type { SavedWork } from "./saved-work.js";
import { type ScrapedZipCode, scrapeZipCode } from "./scrape.js";
import { uploadFile } from "./upload.js";

/** What came of something that was done: how the work changes, and what there is to tell once it has. */
export interface Outcome {
  readonly change: (work: EpochWork) => EpochWork;
  readonly event?: (work: EpochWork) => MinerEvent;
}

/** Zip codes of the work that were scraped, whether uploaded or not. */
function scrapedCount(work: EpochWork): number {
  return [...work.zipCodes.values()].filter(({ stage }) => stage === "upload" || stage === "uploaded").length;
}

/** Zip codes of the work that were uploaded. */
function uploadedCount(work: EpochWork): number {
  return [...work.zipCodes.values()].filter(({ stage }) => stage === "uploaded").length;
}

/** Scrapes a zip code and saves its file. Put down without harm when the signal is aborted. */
export async function scrape(
  parts: EpochParts,
  saved: SavedWork,
  epoch: Epoch,
  zipCode: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const memory = pageMemory(parts.state, epoch.id, zipCode, parts.clock);
  const expectedListings = epoch.zipCodes.find((each) => each.zipCode === zipCode)?.expectedListings ?? 0;
  const beganMs = parts.clock.now();
  let pages = 0;
  const onPage = async (page: SearchPage): Promise<void> => {
    parts.tell({ event: "page_read", epoch_id: epoch.id, zip_code: zipCode, listings: page.listings.length });
    pages += 1;
    await memory.accept();
  };
  let found: ScrapedZipCode;
  let content: Uint8Array;
  let isDoubted = false;
  try {
    found = await orAborted(scrapeZipCode(parts.source(memory.around), zipCode, signal, onPage), signal);
    isDoubted = isDoubtful(found, expectedListings);
    if (isDoubted) {
      const doubted = { zipCode, listings: found.listings.length, expectedListings };
      const asItIs = parts.source((reader) => reader);
      await orAborted(assertStillShown(asItIs, await fullestOf(saved), doubted, signal), signal);
    }
    const head = { epochId: epoch.id, nonce: epoch.nonce, hotkey: parts.signer.hotkey, zipCode };
    content = parts.files.encode(head, found.listings);
  } catch (error) {
    await memory.settled();
    // Pages that are doubted must be read again, and prove nothing.
    if (isDoubted) await memory.forget();
    if (signal.aborted) return { change: (work) => putDown(work, zipCode) };
    return scrapingFailed(parts, epoch, zipCode, error, !isDoubted && pages > memory.recalled);
  }
  await saved.saveScraped(factsOf(zipCode, content, found.listings.length), content);
  await memory.forget();
  const tookMs = memory.recalled === 0 ? parts.clock.now() - beganMs : undefined;
  return {
    change: (work) => scrapedInFull(work, zipCode, tookMs),
    event: (work) => ({
      event: "zip_code_scraped",
      epoch_id: epoch.id,
      zip_code: zipCode,
      listings: found.listings.length,
      pages: found.pages,
      recalled: memory.recalled,
      foreign: found.foreign,
      repeated: found.repeated,
      hidden: found.hidden,
      done: scrapedCount(work),
      total: work.zipCodes.size,
    }),
  };
}

/** Uploads a zip code's saved file and saves that it was. Put down without harm when the signal is aborted. */
export async function upload(
  parts: EpochParts,
  saved: SavedWork,
  epoch: Epoch,
  zipCode: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const { object, content } = await saved.readScraped(zipCode);
  let uploaded: ManifestObject;
  try {
    uploaded = await orAborted(uploadFile(parts, epoch.id, object, content, signal), signal);
  } catch (error) {
    if (signal.aborted) return { change: (work) => putDown(work, zipCode) };
    return uploadingFailed(parts, epoch, zipCode, error);
  }
  await saved.saveUploaded(uploaded);
  return {
    change: (work) => reached(work, zipCode, "uploaded"),
    event: (work) => ({
      event: "zip_code_uploaded",
      epoch_id: epoch.id,
      zip_code: zipCode,
      bytes: uploaded.sizeBytes,
      done: uploadedCount(work),
      total: work.zipCodes.size,
    }),
  };
}

/** What a manifest says of a file, but for its key. */
export function factsOf(zipCode: string, content: Uint8Array, rows: number): ManifestObject {
  return create(ManifestObjectSchema, {
    zipCode,
    sizeBytes: content.length,
    md5: createHash("md5").update(content).digest("hex"),
    sha256: createHash("sha256").update(content).digest("hex"),
    rows,
  });
}

/** The scraped zip code with the most listings; undefined while none has any. */
async function fullestOf(saved: SavedWork): Promise<KnownZipCode | undefined> {
  const scraped = (await saved.scraped()).map(({ zipCode, rows }) => ({ zipCode, listings: rows }));
  const [fullest] = scraped.toSorted((one, other) => other.listings - one.listings);
  return fullest !== undefined && fullest.listings > 0 ? fullest : undefined;
}

/** What a failed search means. hadProgress: whether it had read a page before that it did not know. */
export function scrapingFailed(
  parts: EpochParts,
  epoch: Epoch,
  zipCode: string,
  error: unknown,
  hadProgress: boolean,
): Outcome {
  const reason = reasonOf(error);
  switch (meaningForScraping(error)) {
    case "try_again":
      return {
        change: (work) => foundUnreachable(work, zipCode, hadProgress, parts.clock.now(), parts.random()),
        event: () => ({ event: "zip_code_postponed", epoch_id: epoch.id, zip_code: zipCode, doing: "scrape", reason }),
      };
    case "try_a_few_times":
      return tryAFewTimes(parts, epoch, zipCode, { reason, hadProgress });
    case "leave_out":
      return leaveOut(epoch, zipCode, reason);
    case "stop":
      return {
        change: (work) => ({ ...putDown(work, zipCode), sourceStopped: work.sourceStopped ?? reason }),
        event: () => ({ event: "blocked", epoch_id: epoch.id, zip_code: zipCode, reason }),
      };
  }
}

function uploadingFailed(parts: EpochParts, epoch: Epoch, zipCode: string, error: unknown): Outcome {
  const reason = reasonOf(error);
  switch (meaningForUploading(error)) {
    case "try_again":
      return {
        change: (work) => postponed(work, zipCode, parts.clock.now(), parts.random()),
        event: () => ({ event: "zip_code_postponed", epoch_id: epoch.id, zip_code: zipCode, doing: "upload", reason }),
      };
    case "leave_out":
      return leaveOut(epoch, zipCode, reason);
    case "ask_for_receipt":
      return { change: (work) => ({ ...putDown(work, zipCode), askForReceipt: true }) };
  }
}

function tryAFewTimes(
  parts: EpochParts,
  epoch: Epoch,
  zipCode: string,
  found: { readonly hadProgress: boolean; readonly reason: string },
): Outcome {
  const { reason } = found;
  const facts = { epoch_id: epoch.id, zip_code: zipCode, reason };
  return {
    change: (work) => foundChanged(work, zipCode, found, parts.clock.now(), parts.random()),
    event: (work) => {
      if (work.sourceStopped === reason) return { event: "blocked", ...facts };
      const isLeftOut = work.zipCodes.get(zipCode)?.stage === "left_out";
      return isLeftOut
        ? { event: "zip_code_left_out", ...facts }
        : { event: "zip_code_postponed", doing: "scrape", ...facts };
    },
  };
}

function leaveOut(epoch: Epoch, zipCode: string, reason: string): Outcome {
  return {
    change: (work) => reached(work, zipCode, "left_out"),
    event: () => ({ event: "zip_code_left_out", epoch_id: epoch.id, zip_code: zipCode, reason }),
  };
}

/** The promise, or the signal's reason at once when it is aborted, even where the other side does not listen to it. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
