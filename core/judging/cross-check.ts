/**
 * What the verified miners' listings say of others': who was not spot checked is paid for what somebody who was has seen
 * too, and nobody is paid for what was known to be old.
 */
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import { type AcceptedRows, hardFactsAgree } from "./accepted-rows.js";
import { type LeftOutRow, withoutRows } from "./left-out.js";
import { CLOCK_TOLERANCE_MS } from "./row-checks.js";
import { type SubmissionCheck, deliveredCount } from "./submission-check.js";

/** Verified miners that must have seen a change before it makes somebody's row stale, so that none of them can alone. */
const MIN_WITNESSES = 2;

/** A verified miner's row. */
interface KnownRow {
  readonly coldkey: string;
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
  for (const { coldkey, acceptedRows } of verified) {
    const rows = acceptedRows.get(zipCode);
    rows?.ids.forEach((listingId, index) => {
      const before = known.get(listingId);
      if (before === undefined) known.set(listingId, [{ coldkey, rows, index }]);
      else before.push({ coldkey, rows, index });
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
 * Holds a submission against the verified ones. In the zip codes that they delivered a row of a miner that is not
 * verified counts only when one of them has its listing with the same hard facts. A row of anybody is stale and does not
 * count when two of them, of other coldkeys, had seen a later change of the price when it claims to be read, and it does
 * not show that.
 */
export function crossCheck(check: SubmissionCheck, known: KnownListings, isVerified: boolean): CrossChecked {
  const leftOut: LeftOutRow[] = [];
  let compared = 0;
  for (const [zipCode, rows] of check.acceptedRows) {
    const knownRows = known.get(zipCode);
    if (knownRows === undefined) continue;
    compared += rows.ids.length;
    rows.ids.forEach((listingId, index) => {
      const own = { coldkey: check.coldkey, rows, index };
      const found = objection(own, knownRows.get(listingId) ?? [], isVerified);
      if (found !== undefined) leftOut.push({ ...found, zipCode, listingId });
    });
  }
  return { check: withoutRows(check, leftOut), compared, counted: compared - leftOut.length };
}

function objection(
  own: KnownRow,
  known: readonly KnownRow[],
  isVerified: boolean,
): Pick<LeftOutRow, "reason" | "detail"> | undefined {
  const agrees = (other: KnownRow): boolean => hardFactsAgree(own.rows, own.index, other.rows, other.index);
  if (!isVerified && !known.some(agrees)) {
    const detail = known.length === 0 ? "no verified miner has this listing" : "verified miners have other facts";
    return { reason: LossReason.UNCONFIRMED, detail };
  }
  // Nearly all listings keep their price, so that facts are compared once in most cases.
  const witnesses = known.filter((other) => sawLaterPrice(other, own)).filter(agrees);
  const coldkeys = new Set(witnesses.map(({ coldkey }) => coldkey));
  coldkeys.delete(own.coldkey);
  if (coldkeys.size < MIN_WITNESSES) return undefined;
  return { reason: LossReason.STALE, detail: "others saw a later price before this was said to be read" };
}

function sawLaterPrice(other: KnownRow, own: KnownRow): boolean {
  const [theirs, ours] = [other.rows, own.rows];
  if (theirs.priceUsd[other.index] === ours.priceUsd[own.index]) return false;
  const isEarlier = (theirs.scrapedMs[other.index] ?? 0) <= (ours.scrapedMs[own.index] ?? 0) - CLOCK_TOLERANCE_MS;
  return isEarlier && (theirs.priceChangedS[other.index] ?? 0) > (ours.priceChangedS[own.index] ?? 0);
}
