/**
 * What a miner tells of its work: to the log, whose `event` facts are a stable interface for programs, and to the
 * server, for people who watch. Pure.
 */
import { create } from "@bufbuild/protobuf";
import { type Progress, ProgressPhase, ProgressSchema } from "../gen/zipnet/v1/submission_pb.js";

/** Something that happened in the work on an epoch, exactly as it stands in the log. Times are ISO 8601 in UTC. */
export type MinerEvent = { readonly epoch_id: string } & (
  | {
      readonly event: "epoch_started";
      /** Zip codes that this miner means to cover. */
      readonly zip_codes: number;
      readonly close_time: string;
      /** What was found from before a restart. */
      readonly scraped: number;
      readonly uploaded: number;
      readonly uploaded_bytes: number;
      readonly listings: number;
    }
  /** The source was looked at before the first search, by this zip code, and has the shape that is read. */
  | { readonly event: "source_checked"; readonly zip_code: string }
  /** A page of a zip code's search is taken apart. */
  | { readonly event: "page_read"; readonly zip_code: string; readonly listings: number }
  | {
      readonly event: "zip_code_scraped";
      readonly zip_code: string;
      readonly listings: number;
      readonly pages: number;
      /** Pages that had been read before a restart or a failure, and were not asked for again. */
      readonly recalled: number;
      /** Listings left out because the source itself places them in another zip code. */
      readonly foreign: number;
      /** Listings left out because they were there already. */
      readonly repeated: number;
      /** Results that the source claims, but shows in no search however narrow. */
      readonly hidden: number;
      /** Zip codes scraped so far, of all that are meant to be covered. */
      readonly done: number;
      readonly total: number;
    }
  | {
      readonly event: "zip_code_uploaded";
      readonly zip_code: string;
      readonly bytes: number;
      readonly done: number;
      readonly total: number;
    }
  | {
      readonly event: "zip_code_postponed";
      readonly zip_code: string;
      readonly doing: "scrape" | "upload";
      readonly reason: string;
    }
  | { readonly event: "zip_code_left_out"; readonly zip_code: string; readonly reason: string }
  /** The source challenged or refused the miner, or has changed its shape; the miner stopped reading it. */
  | { readonly event: "blocked"; readonly zip_code: string; readonly reason: string }
  /** Nothing more is collected; the manifest is signed and saved. */
  | { readonly event: "sealed"; readonly zip_codes: number; readonly missing: number; readonly listings: number }
  | { readonly event: "submission_postponed"; readonly reason: string }
  | {
      readonly event: "finalized";
      readonly received_time: string;
      readonly position: number;
      readonly zip_codes: number;
      readonly listings: number;
    }
  /** No record of the running epoch came in time, so it was computed from the chain and the catalogue. */
  | { readonly event: "epoch_derived"; readonly zip_codes: number; readonly nonce: string }
  /** Everything that can be collected for a derived epoch is; it waits for the server's record. */
  | { readonly event: "awaiting_record"; readonly zip_codes: number; readonly listings: number }
  /** The server's record of a derived epoch has come, and is the same. */
  | { readonly event: "epoch_confirmed"; readonly scraped: number }
  /** The server's record of a derived epoch has come, and is another: it counts. Files kept and dropped. */
  | { readonly event: "epoch_corrected"; readonly kept: number; readonly dropped: number }
  /** The epoch is over, but the server, which was away, takes what was collected until this moment. */
  | { readonly event: "late_submission"; readonly zip_codes: number; readonly accepted_until: string }
  /** The work broke off and will be taken up again from what is saved. */
  | { readonly event: "epoch_interrupted"; readonly reason: string }
  /** The work ended without a receipt. */
  | { readonly event: "epoch_failed"; readonly reason: string }
);

/** How loud an event is. */
export function levelOf(event: MinerEvent): "debug" | "info" | "warn" | "error" {
  switch (event.event) {
    case "page_read":
      return "debug";
    case "zip_code_postponed":
    case "zip_code_left_out":
    case "submission_postponed":
    case "epoch_interrupted":
    case "blocked":
    case "epoch_derived":
    case "epoch_corrected":
      return "warn";
    case "epoch_failed":
      return "error";
    default:
      return "info";
  }
}

/** The event as a sentence for people. */
export function sentenceOf(event: MinerEvent): string {
  switch (event.event) {
    case "epoch_started": {
      const before = event.scraped > 0 ? `, ${event.scraped} of them scraped before` : "";
      return `epoch ${event.epoch_id}: ${event.zip_codes} zip codes to cover until ${event.close_time}${before}`;
    }
    case "source_checked":
      return `the source has the shape that is read, by zip code ${event.zip_code}`;
    case "page_read":
      return `zip code ${event.zip_code}: a page of ${event.listings} listings`;
    case "zip_code_scraped":
      return `zip code ${event.zip_code}: ${event.listings} listings on ${event.pages} pages (${event.done} of ${event.total})`;
    case "zip_code_uploaded":
      return `zip code ${event.zip_code}: ${event.bytes} bytes uploaded (${event.done} of ${event.total})`;
    case "zip_code_postponed":
      return `zip code ${event.zip_code}: ${event.doing} is tried again later: ${event.reason}`;
    case "zip_code_left_out":
      return `zip code ${event.zip_code} is left out: ${event.reason}`;
    case "blocked":
      return `nothing more is read from the source since zip code ${event.zip_code}: ${event.reason}`;
    case "sealed":
      return `epoch ${event.epoch_id}: submitting ${event.listings} listings of ${event.zip_codes} zip codes, ${event.missing} are missing`;
    case "submission_postponed":
      return `epoch ${event.epoch_id}: the submission is tried again later: ${event.reason}`;
    case "finalized":
      return `epoch ${event.epoch_id}: the server holds our ${event.listings} listings since ${event.received_time}, as number ${event.position}`;
    case "epoch_derived":
      return `epoch ${event.epoch_id} has no record in reach and is derived from the chain: ${event.zip_codes} zip codes`;
    case "awaiting_record":
      return `epoch ${event.epoch_id}: ${event.listings} listings of ${event.zip_codes} zip codes wait for the server's record`;
    case "epoch_confirmed":
      return `epoch ${event.epoch_id}: the server's record is the epoch that was derived`;
    case "epoch_corrected":
      return `epoch ${event.epoch_id}: the server's record is another than the derived one: ${event.kept} files are kept, ${event.dropped} dropped`;
    case "late_submission":
      return `epoch ${event.epoch_id} is over, but the server was away and takes ${event.zip_codes} zip codes until ${event.accepted_until}`;
    case "epoch_interrupted":
      return `epoch ${event.epoch_id}: the work broke off and is taken up again: ${event.reason}`;
    case "epoch_failed":
      return `epoch ${event.epoch_id} ends without a submission: ${event.reason}`;
  }
}

/** The progress of an epoch that nothing is known of yet. */
export function noProgress(epochId: string): Progress {
  return create(ProgressSchema, { epochId, phase: ProgressPhase.SCRAPING });
}

/** The longest note that the contract allows. */
const LONGEST_NOTE = 300;

/** The progress after an event. The input stays as it is. */
export function progressAfter(progress: Progress, event: MinerEvent): Progress {
  switch (event.event) {
    case "epoch_started":
      return create(ProgressSchema, {
        epochId: event.epoch_id,
        phase: event.scraped < event.zip_codes ? ProgressPhase.SCRAPING : ProgressPhase.UPLOADING,
        zipCodesDone: event.scraped,
        zipCodesTotal: event.zip_codes,
        listings: event.listings,
        uploadedObjects: event.uploaded,
        uploadedBytes: BigInt(event.uploaded_bytes),
      });
    case "zip_code_scraped":
      return {
        ...progress,
        phase: event.done < event.total ? progress.phase : ProgressPhase.UPLOADING,
        zipCodesDone: event.done,
        listings: progress.listings + event.listings,
        note: "",
      };
    case "zip_code_uploaded":
      return {
        ...progress,
        uploadedObjects: event.done,
        uploadedBytes: progress.uploadedBytes + BigInt(event.bytes),
      };
    case "blocked":
      return { ...progress, phase: ProgressPhase.BLOCKED, note: noteOf(event) };
    case "sealed":
      // Whoever was blocked stays so until the receipt is there: that is what a person has to know.
      return progress.phase === ProgressPhase.BLOCKED ? progress : { ...progress, phase: ProgressPhase.UPLOADING };
    case "finalized":
      return { ...progress, phase: ProgressPhase.FINALIZED };
    case "epoch_failed":
      return { ...progress, phase: ProgressPhase.FAILED, note: noteOf(event) };
    case "source_checked":
    case "page_read":
    case "epoch_derived":
    case "awaiting_record":
    case "epoch_confirmed":
    case "epoch_corrected":
    case "late_submission":
      return progress;
    case "zip_code_postponed":
    case "zip_code_left_out":
    case "submission_postponed":
    case "epoch_interrupted":
      return { ...progress, note: noteOf(event) };
  }
}

function noteOf(event: MinerEvent): string {
  const sentence = sentenceOf(event);
  return sentence.length <= LONGEST_NOTE ? sentence : `${sentence.slice(0, LONGEST_NOTE - 3)}...`;
}
