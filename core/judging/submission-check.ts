/**
 * What the cheap checks find of a submission. Small, so that a validator holds the results of all miners at once.
 */
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import type { CheckedFile } from "../ports.js";
import type { AcceptedRows } from "./accepted-rows.js";

/** Losses of one reason that are told one by one; the rest is summed up. */
export const MAX_TOLD_PER_REASON = 100;

/** What came of fetching and reading one object of a manifest. */
export type FileContent =
  | ({ readonly kind: "read" } & CheckedFile)
  /** The bytes are the manifest's, but nobody can read them. */
  | { readonly kind: "unreadable" }
  /** The bytes are those that the store took from the miner, but their SHA-256 is not the manifest's. */
  | { readonly kind: "other-hash" }
  /** The store could not be asked. Never the miner's fault. */
  | { readonly kind: "out-of-reach" };

/** Something found in a row. */
export interface RowFinding {
  readonly reason: LossReason;
  readonly zipCode: string;
  readonly listingId: string;
  /** Deterministic sentence. */
  readonly detail: string;
  /** What the row lost of its quality, 1 to 10,000 basis points. */
  readonly lostRowBps: number;
}

/** What was found in rows beyond those that are told one by one. */
export interface UntoldFindings {
  readonly count: number;
  /** Sum over the rows, in basis points of one row. */
  readonly lostRowBps: number;
}

/** Evidence in the files themselves that a miner lied. */
export interface Lie {
  readonly reason: LossReason.WRONG_NONCE | LossReason.CONTRADICTION;
  readonly zipCode: string;
  readonly detail: string;
}

/** What the cheap checks found of one submission. */
export interface SubmissionCheck {
  readonly hotkey: string;
  /** The coldkey of its receipt; the hotkey where that names none. Hotkeys of one coldkey are one miner's. */
  readonly coldkey: string;
  readonly manifestSha256: string;
  /** The receipt's time, unix milliseconds. */
  readonly receivedMs: number;
  /** Present when the submission itself proves a lie. */
  readonly lie?: Lie;
  /** Rows of all files that could be read. */
  readonly rows: number;
  /** Sum over the rows of what each is worth, 0 to 10,000 basis points a row. */
  readonly rowQualityBps: number;
  readonly findings: readonly RowFinding[];
  readonly untold: ReadonlyMap<LossReason, UntoldFindings>;
  /** Ids of the accepted listings per zip code, ascending. Zip codes without any are not in it. */
  readonly accepted: ReadonlyMap<string, readonly string[]>;
  /** The same listings with what they say, in columns. */
  readonly acceptedRows: ReadonlyMap<string, AcceptedRows>;
  /** When its accepted rows say they were read, the first and the last, unix milliseconds. Absent without any. */
  readonly scrapedMs?: { readonly first: number; readonly last: number };
  /** Zip codes whose file says that there is no listing. */
  readonly empty: ReadonlySet<string>;
  /** Zip codes whose files nobody can read. */
  readonly unreadable: ReadonlySet<string>;
  /** Zip codes that the store did not give out, or nobody asked it for. */
  readonly outOfReach: ReadonlySet<string>;
  /** Present for a copy of an earlier submission. */
  readonly copyOf?: { readonly hotkey: string; readonly detail: string };
  /** Present when the epoch's rules leave the submission unread. */
  readonly isLeftOut?: true;
}

/** Number of accepted listings of a submission. */
export function acceptedCount(check: SubmissionCheck): number {
  let count = 0;
  for (const ids of check.accepted.values()) count += ids.length;
  return count;
}

/** Accepted listings of a submission in a zip code; undefined where it does not say how many there are. */
export function deliveredCount({ accepted, empty }: SubmissionCheck, zipCode: string): number | undefined {
  return accepted.get(zipCode)?.length ?? (empty.has(zipCode) ? 0 : undefined);
}

/** Whoever delivered nothing is as good as absent, unless it was the store that did not give it out. */
export function tookPart(check: SubmissionCheck): boolean {
  return acceptedCount(check) > 0 || check.outOfReach.size > 0;
}

/** A submission whose manifest could not be had: nothing is known of it but that it was received. */
export function unseenSubmission(input: {
  epoch: Epoch;
  hotkey: string;
  coldkey: string;
  manifestSha256: string;
  receivedMs: number;
}): SubmissionCheck {
  const { hotkey, coldkey, manifestSha256, receivedMs } = input;
  const outOfReach = new Set(input.epoch.zipCodes.map((assigned) => assigned.zipCode));
  return { ...nothingFound(), hotkey, coldkey, manifestSha256, receivedMs, outOfReach };
}

/** A check that has looked at nothing yet. */
export function nothingFound() {
  return {
    rows: 0,
    rowQualityBps: 0,
    findings: [],
    untold: new Map<LossReason, UntoldFindings>(),
    accepted: new Map<string, readonly string[]>(),
    acceptedRows: new Map<string, AcceptedRows>(),
    empty: new Set<string>(),
    unreadable: new Set<string>(),
    outOfReach: new Set<string>(),
  };
}
