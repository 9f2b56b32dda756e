/**
 * Files of others, read in this process. Fit for a process that may die of what it reads; the validator reads by
 * filesInChildren.
 */
import { fileFacts } from "../../core/judging/row-facts.js";
import type { SubmittedFiles } from "../../core/ports.js";
import { listingFiles } from "./listing-files.js";

/** Reads in this process. */
export function submittedFiles(): SubmittedFiles {
  const { decode } = listingFiles();
  return {
    decode,
    async check(content, context) {
      const { head, listings } = await decode(content);
      return { head, ...fileFacts(listings, context) };
    },
  };
}
