/**
 * Prices that are far outside what all submissions of an epoch together show of a zip code and kind of home. Robust, so
 * that single wild values move nothing, and only against rows that one owner alone has: a home can be unusual, but then
 * others see it too.
 */
import { HomeType } from "../../../gen/zipnet/v1/listing_pb.js";
import { LossReason } from "../../../gen/zipnet/v1/report_pb.js";
import { livingAreaOf } from "../accepted-rows.js";
import { byText } from "../apportion.js";
import { lowerMedian } from "../median.js";
import { type RowFinding, type SubmissionCheck } from "../submission-check.js";
import { inOrderOfReceipts } from "./receipt-order.js";

/** A group of fewer listings has no middle to speak of. */
const MIN_LISTINGS = 20;
/** Owners that must have delivered the zip code. */
const MIN_COLDKEYS = 3;
/** How many times the usual distance from the middle is too far. Homes of ten times the usual price are none. */
const FAR = 20;

/** A listing of a zip code, as the first submission that has it shows it. */
interface Seen {
  readonly listingId: string;
  readonly kind: string;
  readonly value: number;
  readonly holders: { readonly hotkey: string; readonly coldkey: string }[];
}

/**
 * Rows to leave out, by hotkey, ascending by zip code and listing id. Does not depend on the order of the checks.
 */
export function implausibleRows(checks: readonly SubmissionCheck[]): Map<string, RowFinding[]> {
  const ordered = inOrderOfReceipts(checks);
  const found = new Map<string, RowFinding[]>();
  const zipCodes = new Set(ordered.flatMap(({ accepted }) => [...accepted.keys()]));
  for (const zipCode of [...zipCodes].sort(byText)) {
    const coverers = ordered.filter(({ accepted }) => accepted.has(zipCode));
    if (new Set(coverers.map(({ coldkey }) => coldkey)).size < MIN_COLDKEYS) continue;
    for (const group of kindsOf(listingsSeen(coverers, zipCode)).values()) {
      for (const [seen, detail] of outliersOf(group)) {
        for (const { hotkey } of seen.holders) {
          const finding = { reason: LossReason.IMPLAUSIBLE, zipCode, listingId: seen.listingId, detail };
          found.set(hotkey, [...(found.get(hotkey) ?? []), { ...finding, lostRowBps: 10_000 }]);
        }
      }
    }
  }
  for (const findings of found.values()) {
    findings.sort((a, b) => byText(a.zipCode, b.zipCode) || byText(a.listingId, b.listingId));
  }
  return found;
}

function listingsSeen(coverers: readonly SubmissionCheck[], zipCode: string): Seen[] {
  const seen = new Map<string, Seen>();
  for (const { hotkey, coldkey, acceptedRows } of coverers) {
    const rows = acceptedRows.get(zipCode);
    rows?.ids.forEach((listingId, index) => {
      const known = seen.get(listingId);
      if (known !== undefined) return void known.holders.push({ hotkey, coldkey });
      const area = livingAreaOf(rows, index);
      const priceUsd = rows.priceUsd[index] ?? 0;
      const kind = `${HomeType[rows.homeTypes[index] ?? 0]} by ${area === undefined ? "price" : "price per square foot"}`;
      const value = area === undefined ? priceUsd : Math.floor((100 * priceUsd) / area);
      seen.set(listingId, { listingId, kind, value, holders: [{ hotkey, coldkey }] });
    });
  }
  return [...seen.values()];
}

function kindsOf(listings: readonly Seen[]): Map<string, Seen[]> {
  const kinds = new Map<string, Seen[]>();
  for (const seen of listings) {
    const group = kinds.get(seen.kind);
    if (group === undefined) kinds.set(seen.kind, [seen]);
    else group.push(seen);
  }
  return kinds;
}

/** Listings too far from the middle of their kind that one owner alone has. */
function outliersOf(group: readonly Seen[]): [Seen, string][] {
  if (group.length < MIN_LISTINGS) return [];
  const middle = lowerMedian(group.map(({ value }) => value));
  const usual = lowerMedian(group.map(({ value }) => Math.abs(value - middle)));
  if (usual === 0) return [];
  return group
    .filter(({ value }) => Math.abs(value - middle) > FAR * usual)
    .filter(({ holders }) => new Set(holders.map(({ coldkey }) => coldkey)).size === 1)
    .map((seen) => [seen, detailOf(seen, middle, group.length)]);
}

function detailOf({ kind, value }: Seen, middle: number, listings: number): string {
  return `${kind} it is ${value}, where ${middle} is the middle of ${listings} listings, and nobody else has it`;
}
