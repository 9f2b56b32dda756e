/**
 * What only shows when all submissions of an epoch are held against each other, before the source is asked.
 */
import type { RowFinding, SubmissionCheck } from "../submission-check.js";
import { type CopyOf, copiesAmong } from "./copies.js";
import { implausibleRows } from "./plausible.js";

/** What came of it. Depends on nothing but the submissions and the seed. */
export interface Heuristics {
  /** Copies of earlier submissions, by hotkey. */
  readonly copies: ReadonlyMap<string, CopyOf>;
  /** Accepted rows that do not count after all, by hotkey. */
  readonly implausible: ReadonlyMap<string, readonly RowFinding[]>;
}

/** Holds the submissions of an epoch against each other. Copies are left out of what is plausible. */
export function compareSubmissions(checks: readonly SubmissionCheck[], seedBlockHash: string): Heuristics {
  const copies = copiesAmong(checks, seedBlockHash);
  return { copies, implausible: implausibleRows(checks.filter(({ hotkey }) => !copies.has(hotkey))) };
}
