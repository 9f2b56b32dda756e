/**
 * Files of others, read in this process. Fit for a process that may die of what it reads; the validator reads by
 * filesInChildren.
 */
import { fileFacts } from "../../core/judging/row-facts.js";
import type { SubmittedFiles } from "../../core/ports.js";
import { listingFiles } from "./listing-files.js";
import { plainListingAt, readFile } from "./listing-rows.js";

/** Reads in this process. */
export function submittedFiles(): SubmittedFiles {
  return {
    decode: listingFiles().decode,
    async check(content, context) {
      const { head, rows } = readFile(content, plainListingAt);
      return { head, ...fileFacts(rows, context) };
    },
  };
}
