/**
 * Rows that were accepted and do not count after all.
 */
import { rowsWhere } from "./accepted-rows.js";
import { Findings } from "./findings.js";
import { type RowFinding, type SubmissionCheck, acceptedCount } from "./submission-check.js";

/** A row that does not count, and why. */
export type LeftOutRow = Omit<RowFinding, "lostRowBps">;

/**
 * A check without some of its accepted rows, which become findings. A row takes with it what an accepted row of the
 * submission is worth on average, rounded down.
 *
 * @param leftOut accepted rows, each once.
 */
export function withoutRows(check: SubmissionCheck, leftOut: readonly LeftOutRow[]): SubmissionCheck {
  if (leftOut.length === 0) return check;
  const lostRowBps = Math.floor(check.rowQualityBps / acceptedCount(check));
  const accepted = new Map(check.accepted);
  const acceptedRows = new Map(check.acceptedRows);
  for (const zipCode of new Set(leftOut.map((row) => row.zipCode))) {
    const ids = new Set(leftOut.filter((row) => row.zipCode === zipCode).map((row) => row.listingId));
    const before = acceptedRows.get(zipCode);
    const rows = before && rowsWhere(before, (id) => !ids.has(id));
    accepted.delete(zipCode);
    acceptedRows.delete(zipCode);
    if (rows === undefined || rows.ids.length === 0) continue;
    accepted.set(zipCode, rows.ids);
    acceptedRows.set(zipCode, rows);
  }
  const rowQualityBps = check.rowQualityBps - lostRowBps * leftOut.length;
  const findings = leftOut.map((row) => ({ ...row, lostRowBps }));
  return { ...check, ...withFindings(check, findings), rowQualityBps, accepted, acceptedRows };
}

/** A check's findings and further ones: the first of each reason one by one, the rest summed up. */
export function withFindings(
  check: SubmissionCheck,
  further: readonly RowFinding[],
): Pick<SubmissionCheck, "findings" | "untold"> {
  const all = new Findings(check);
  for (const finding of further) all.add(finding);
  return { findings: all.findings, untold: all.untold };
}
