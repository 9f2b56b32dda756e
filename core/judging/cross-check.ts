/**
 * What the verified miners' listings say of everybody else's: who was not spot checked is paid for what somebody who
 * was has seen too.
 */
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import { type AcceptedRows, hardFactsAgree } from "./accepted-rows.js";
import { latestMomentOf } from "./comparison.js";
import { type LeftOutRow, withoutRows } from "./left-out.js";
import { CLOCK_TOLERANCE_MS } from "./row-checks.js";
import { type SubmissionCheck, deliveredCount } from "./submission-check.js";

/** A verified miner's row. */
interface KnownRow {
  readonly rows: AcceptedRows;
  readonly index: number;
}

/** The verified miners' rows by listing id, per zip code. Zip codes that none of them delivered are not in it. */
export type KnownListings = ReadonlyMap<string, ReadonlyMap<string, readonly KnownRow[]>>;

/** What the verified miners' submissions hold of these zip codes. */
export function knownListings(verified: readonly SubmissionCheck[], zipCodes: readonly string[]): KnownListings {
  const delivered = zipCodes.filter((zipCode) =>
    verified.some((check) => deliveredCount(check, zipCode) !== undefined),
  );
  return new Map(delivered.map((zipCode) => [zipCode, rowsById(verified, zipCode)]));
}

function rowsById(verified: readonly SubmissionCheck[], zipCode: string): Map<string, KnownRow[]> {
  const known = new Map<string, KnownRow[]>();
  for (const { acceptedRows } of verified) {
    const rows = acceptedRows.get(zipCode);
    rows?.ids.forEach((listingId, index) => {
      const before = known.get(listingId);
      if (before === undefined) known.set(listingId, [{ rows, index }]);
      else before.push({ rows, index });
    });
  }
  return known;
}

/** What came of a cross-check. */
export interface CrossChecked {
  /** The check without the rows that do not count. */
  readonly check: SubmissionCheck;
  /** Rows in zip codes that verified miners delivered, and how many of them count. */
  readonly compared: number;
  readonly counted: number;
}

/**
 * Holds the submission of a miner that is not verified against the verified ones'. In the zip codes that they delivered
 * a row counts when one of them has its listing with the same hard facts, and when it does not show an old price after
 * the time at which they say that it changed. Elsewhere every accepted row counts.
 *
 * @param startMs the epoch's start, unix milliseconds.
 */
export function crossCheck(check: SubmissionCheck, known: KnownListings, startMs: number): CrossChecked {
  const leftOut: LeftOutRow[] = [];
  let compared = 0;
  for (const [zipCode, rows] of check.acceptedRows) {
    const knownRows = known.get(zipCode);
    if (knownRows === undefined) continue;
    compared += rows.ids.length;
    rows.ids.forEach((listingId, index) => {
      const found = objection(rows, index, knownRows.get(listingId) ?? [], startMs);
      if (found !== undefined) leftOut.push({ ...found, zipCode, listingId });
    });
  }
  return { check: withoutRows(check, leftOut), compared, counted: compared - leftOut.length };
}

function objection(
  rows: AcceptedRows,
  index: number,
  known: readonly KnownRow[],
  startMs: number,
): Pick<LeftOutRow, "reason" | "detail"> | undefined {
  if (known.length === 0) return { reason: LossReason.UNCONFIRMED, detail: "no verified miner has this listing" };
  const agreeing = known.filter((other) => hardFactsAgree(rows, index, other.rows, other.index));
  if (agreeing.length === 0) {
    return { reason: LossReason.UNCONFIRMED, detail: "verified miners have this listing with other facts" };
  }
  if (!agreeing.some((other) => isStale(rows, index, other, startMs))) return undefined;
  return { reason: LossReason.STALE, detail: "the price had changed when this was said to be read" };
}

function isStale(own: AcceptedRows, index: number, other: KnownRow, startMs: number): boolean {
  const changedMs = (other.rows.priceChangedS[other.index] ?? 0) * 1000;
  if (changedMs < startMs || own.priceUsd[index] === other.rows.priceUsd[other.index]) return false;
  const isUntold = (own.priceChangedS[index] ?? 0) * 1000 < changedMs;
  return isUntold && (own.scrapedMs[index] ?? 0) >= latestMomentOf(changedMs) + CLOCK_TOLERANCE_MS;
}
