/**
 * What a program and the children that read files for it say to each other.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { AcceptedRows } from "../../../core/judging/accepted-rows.js";
import type { RowContext, RowFacts, RowRemark } from "../../../core/judging/row-facts.js";
import type { CheckedFile, ListingFileHead, ReadFile } from "../../../core/ports.js";
import { ListingSchema } from "../../../gen/zipnet/v1/listing_pb.js";

/** What a child is to do. It gets one job at a time. */
export type Job =
  | { readonly kind: "check"; readonly content: Uint8Array; readonly context: RowContext }
  | { readonly kind: "decode"; readonly content: Uint8Array };

/** The facts of all rows, column by column: small, and quick to pass on. */
export interface PackedFile {
  readonly kind: "checked";
  readonly head: ListingFileHead;
  readonly listingIds: readonly string[];
  readonly presentBps: Uint16Array;
  /** Rows with a remark, by their number from 0. */
  readonly remarks: ReadonlyMap<number, RowRemark>;
  readonly sound: AcceptedRows;
}

/** All rows, each as a Listing in binary form. */
interface PackedListings {
  readonly kind: "decoded";
  readonly head: ListingFileHead;
  readonly listings: readonly Uint8Array[];
}

/** What a child says: "ready" once, then an answer for each job. */
export type Answer =
  | { readonly kind: "ready" }
  | PackedFile
  | PackedListings
  | { readonly kind: "unreadable"; readonly message: string; readonly where: string };

/** Packs a checked file. */
export function packChecked({ head, rows, sound }: CheckedFile): PackedFile {
  const remarks = new Map<number, RowRemark>();
  for (const [row, { remark }] of rows.entries()) if (remark !== undefined) remarks.set(row, remark);
  return {
    kind: "checked",
    head,
    listingIds: rows.map((row) => row.listingId),
    presentBps: Uint16Array.from(rows, (row) => row.presentBps),
    remarks,
    sound,
  };
}

/** The opposite of packChecked. */
export function unpackChecked({ head, listingIds, presentBps, remarks, sound }: PackedFile): CheckedFile {
  const rows = listingIds.map((listingId, row): RowFacts => {
    const remark = remarks.get(row);
    const facts = { listingId, presentBps: presentBps[row] ?? 0 };
    return remark === undefined ? facts : { ...facts, remark };
  });
  return { head, rows, sound };
}

/** Packs a file that was read. */
export function packListings({ head, listings }: ReadFile): PackedListings {
  return { kind: "decoded", head, listings: listings.map((listing) => toBinary(ListingSchema, listing)) };
}

/** The opposite of packListings. */
export function unpackListings({ head, listings }: PackedListings): ReadFile {
  return { head, listings: listings.map((bytes) => fromBinary(ListingSchema, bytes)) };
}
