/**
 * What a failure means for the work. Pure.
 */
import { ZipnetError, messageOf } from "../../core/errors.js";

/** An error in one sentence for people. */
export function reasonOf(error: unknown): string {
  if (error instanceof ZipnetError) return `${error.reason}: ${error.message}`;
  return messageOf(error);
}

/**
 * What a failed search means: try the zip code again later, or only a few times, because a page may have come broken or
 * the site has changed; leave it out; or read nothing more from the source at all. A source that challenges or refuses
 * us is not asked again.
 */
export function meaningForScraping(error: unknown): "try_again" | "try_a_few_times" | "leave_out" | "stop" {
  if (!(error instanceof ZipnetError)) return "leave_out";
  switch (error.reason) {
    case "UNAVAILABLE":
      return "try_again";
    case "SOURCE_CHANGED":
      return "try_a_few_times";
    case "SOURCE_BLOCKED":
    case "SOURCE_DISALLOWED":
      return "stop";
    default:
      return "leave_out";
  }
}

/**
 * What a failed upload means: try it again later, leave the zip code out, or ask the server for a receipt, because it
 * takes nothing more. Refusals that time or an operator can mend (an unregistered hotkey, a clock, a quota) are tried
 * again: nothing is lost by it before the close.
 */
export function meaningForUploading(error: unknown): "try_again" | "leave_out" | "ask_for_receipt" {
  if (!(error instanceof ZipnetError)) return "leave_out";
  switch (error.reason) {
    case "INVALID_FIELD":
    case "REQUEST_TOO_LARGE":
    case "ZIP_CODE_NOT_ASSIGNED":
    case "OBJECT_DIFFERS":
    case "UPLOAD_LIMIT_REACHED":
      return "leave_out";
    case "ALREADY_FINALIZED":
    case "EPOCH_CLOSED":
      return "ask_for_receipt";
    default:
      return "try_again";
  }
}

/**
 * What a refused manifest means: try again later, ask for a receipt, upload again what the server does not hold, or
 * fail, because the same manifest can never be taken.
 */
export function meaningForFinalizing(error: unknown): "try_again" | "ask_for_receipt" | "upload_again" | "fail" {
  if (!(error instanceof ZipnetError)) return "fail";
  switch (error.reason) {
    case "ALREADY_FINALIZED":
    case "EPOCH_CLOSED":
      return "ask_for_receipt";
    case "OBJECT_MISSING":
    case "OBJECT_DIFFERS":
      return "upload_again";
    case "INVALID_FIELD":
    case "REQUEST_TOO_LARGE":
    case "ZIP_CODE_NOT_ASSIGNED":
    case "WRONG_NONCE":
    case "RECORD_SIGNATURE_INVALID":
      return "fail";
    default:
      return "try_again";
  }
}
