/** What validators' checks will say of a submission, as a person reads it. */
import Table from "cli-table3";
import { percentText } from "../../core/judging/next-rank.js";
import { type RowFinding, acceptedCount } from "../../core/judging/submission-check.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import type { Opened, Preview } from "../../miner/inspect/preview.js";

const STYLE = { head: [], border: [], compact: true };
const nameText = (reason: LossReason): string => (LossReason[reason] ?? "unknown").toLowerCase().replaceAll("_", " ");

/** The preview, and whether a validator would find nothing to hold against the submission as a whole. */
export function previewText(epoch: Epoch, { files, unreadable }: Opened, preview: Preview): string {
  const { check, parts, missing } = preview;
  const lines = [`epoch ${epoch.id}: ${files.length} files, ${check.rows} rows, ${acceptedCount(check)} accepted`];
  for (const { name, why } of unreadable) lines.push(`PROBLEM  ${name} holds nothing for a validator: ${why}`);
  if (check.lie !== undefined) {
    const where = check.lie.zipCode === "" ? "" : ` (zip code ${check.lie.zipCode})`;
    lines.push(`PROBLEM  this would be called a lie${where}: ${check.lie.detail}`);
  }
  if (missing.length > 0) lines.push(`${missing.length} assigned zip codes have no file: ${missing.join(", ")}`);
  if (check.lie === undefined) lines.push(findingsText(preview), scoreText(preview));
  if (isGood(unreadable, preview)) lines.push("nothing here would be held against you; the source has the last word");
  else lines.push(`as it is, it would be worth ${percentText(parts.scoreBps)}`);
  return `${lines.join("\n")}\n`;
}

/** Whether the submission can be sent as it is. */
export function isGood(unreadable: Opened["unreadable"], { check }: Preview): boolean {
  return unreadable.length === 0 && check.lie === undefined && acceptedCount(check) > 0;
}

function findingsText({ check }: Preview): string {
  const byReason = new Map<LossReason, { count: number; lostRowBps: number; first?: RowFinding }>();
  for (const finding of check.findings) {
    const { count, lostRowBps, first = finding } = byReason.get(finding.reason) ?? { count: 0, lostRowBps: 0 };
    byReason.set(finding.reason, { count: count + 1, lostRowBps: lostRowBps + finding.lostRowBps, first });
  }
  for (const [reason, untold] of check.untold) {
    const known = byReason.get(reason) ?? { count: 0, lostRowBps: 0 };
    const sum = { count: known.count + untold.count, lostRowBps: known.lostRowBps + untold.lostRowBps };
    byReason.set(reason, { ...known, ...sum });
  }
  if (byReason.size === 0) return "no row has anything wrong with it";
  const table = new Table({ head: ["what", "rows", "of row quality", "for example"], style: STYLE });
  for (const [reason, { count, lostRowBps, first }] of [...byReason].toSorted(([a], [b]) => a - b)) {
    const where = first === undefined ? "" : `${first.zipCode} ${first.listingId}: ${first.detail}`;
    const lost = percentText(Math.floor(lostRowBps / Math.max(1, check.rows)));
    table.push([nameText(reason), String(count), lost, where.trim()]);
  }
  return table.toString();
}

function scoreText({ parts }: Preview): string {
  return [
    `score by what the catalogue expects, if the receipt came now: ${percentText(parts.scoreBps)}`,
    `(speed ${percentText(parts.speedBps)}, quality ${percentText(parts.qualityBps)}, volume ${percentText(parts.volumeBps)})`,
  ].join(" ");
}
