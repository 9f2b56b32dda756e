/**
 * What the rows of a file show by themselves, without other files: all of a file that leaves the process in which it is
 * read. Small, and the same on every validator.
 */
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import { millisOf } from "../timestamps.js";
import { type AcceptedRows, acceptedRows } from "./accepted-rows.js";
import { type ReadingWindow, completenessOf, implausibleBecause } from "./row-checks.js";

/** Longest id of a listing; the id of an implausible row can be anything, and a report has room for a normal one only. */
const MAX_ID_CHARACTERS = 20;

/** What the rows of a file are held against. */
export interface RowContext extends ReadingWindow {
  /** What the manifest says that the file is of. */
  readonly zipCode: string;
  /** Whether the zip code is the epoch's. */
  readonly isAssigned: boolean;
}

/** Why a row is not, or not fully, what was asked for. INCOMPLETE: it counts all the same; otherwise it is refused. */
export interface RowRemark {
  readonly reason: LossReason.INCOMPLETE | LossReason.IMPLAUSIBLE | LossReason.FOREIGN;
  /** Deterministic sentence. */
  readonly detail: string;
}

/** What one row shows. */
export interface RowFacts {
  /** At most 20 characters; of a row that is not refused the whole id. */
  readonly listingId: string;
  /** Present part of the fields that its kind of home has, 0 to 10,000 basis points; 0 of a refused row. */
  readonly presentBps: number;
  readonly remark?: RowRemark;
}

/** What the rows of a file show. */
export interface FileFacts {
  /** One entry per row, in the file's order. */
  readonly rows: readonly RowFacts[];
  /** The rows that are not refused, ascending by id; of rows with one id, in the file's order. */
  readonly sound: AcceptedRows;
}

/** What the rows of a miner's file of a zip code are held against. receivedMs: the receipt's time, unix milliseconds. */
export function rowContext(epoch: Epoch, receivedMs: number, zipCode: string): RowContext {
  const isAssigned = epoch.zipCodes.some((assigned) => assigned.zipCode === zipCode);
  return { zipCode, isAssigned, startMs: millisOf(epoch.startTime), receivedMs };
}

/** What the rows of a file show. */
export function fileFacts(listings: readonly Listing[], context: RowContext): FileFacts {
  const rows = listings.map((listing) => rowFacts(listing, context));
  return { rows, sound: acceptedRows(listings.filter((_, row) => !isRefused(rows[row]))) };
}

/** Whether a row is refused whatever the other rows are. */
function isRefused(row: RowFacts | undefined): boolean {
  return row?.remark !== undefined && row.remark.reason !== LossReason.INCOMPLETE;
}

/** What a row shows. */
export function rowFacts(listing: Listing, context: RowContext): RowFacts {
  const refused = refusal(listing, context);
  if (refused !== undefined) {
    return { listingId: listing.listingId.slice(0, MAX_ID_CHARACTERS), presentBps: 0, remark: refused };
  }
  const { listingId } = listing;
  const { missing, presentBps } = completenessOf(listing);
  if (missing.length === 0) return { listingId, presentBps };
  return { listingId, presentBps, remark: { reason: LossReason.INCOMPLETE, detail: `missing: ${missing.join(", ")}` } };
}

function refusal(listing: Listing, context: RowContext): RowRemark | undefined {
  const implausible = implausibleBecause(listing, context);
  if (implausible !== undefined) return { reason: LossReason.IMPLAUSIBLE, detail: implausible };
  if (listing.zipCode === context.zipCode && context.isAssigned) return undefined;
  const found = listing.zipCode.slice(0, 10);
  return { reason: LossReason.FOREIGN, detail: `a listing in ${found} does not count for this file` };
}
