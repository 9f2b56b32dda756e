/**
 * Which submissions are held against each other.
 */
import { byText } from "../apportion.js";
import { type SubmissionCheck, acceptedCount } from "../submission-check.js";

/** Those with something accepted and no proven lie, earlier receipts first. */
export function inOrderOfReceipts(checks: readonly SubmissionCheck[]): SubmissionCheck[] {
  return checks
    .filter((check) => check.lie === undefined && acceptedCount(check) > 0)
    .sort((a, b) => a.receivedMs - b.receivedMs || byText(a.hotkey, b.hotkey));
}
