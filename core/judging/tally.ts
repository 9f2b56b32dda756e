/**
 * The checks of single rows, added up over a submission.
 */
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import { type AcceptedRows, rowsWhere } from "./accepted-rows.js";
import { type RowContext, type RowFacts, rowFacts } from "./row-facts.js";
import { Findings } from "./findings.js";
import { type FileContent, nothingFound } from "./submission-check.js";

/** Gathers what the rows of a submission show. */
export class Tally {
  private readonly found = nothingFound();
  private readonly findings = new Findings();
  private scrapedMs: { readonly first: number; readonly last: number } | undefined;
  private readonly seenIds = new Set<string>();

  add(zipCode: string, content: FileContent): void {
    if (content.kind === "unreadable") this.found.unreadable.add(zipCode);
    if (content.kind === "out-of-reach") this.found.outOfReach.add(zipCode);
    if (content.kind !== "read") return;
    if (content.rows.length === 0) this.found.empty.add(zipCode);
    const accepted = content.rows.filter((row) => this.accepts(zipCode, row));
    if (accepted.length === 0) return;
    const rows = rowsOf(accepted, content.sound);
    this.found.accepted.set(zipCode, rows.ids);
    this.found.acceptedRows.set(zipCode, rows);
    let { first, last } = this.scrapedMs ?? { first: Infinity, last: -Infinity };
    for (const timeMs of rows.scrapedMs) {
      first = Math.min(first, timeMs);
      last = Math.max(last, timeMs);
    }
    this.scrapedMs = { first, last };
  }

  result() {
    const times = this.scrapedMs === undefined ? {} : { scrapedMs: this.scrapedMs };
    const { findings, untold } = this.findings;
    return { ...this.found, ...times, findings, untold };
  }

  /** Whether a row is accepted. Its quality and what is wrong with it are counted either way. */
  accepts(zipCode: string, { listingId, presentBps, remark }: RowFacts): boolean {
    this.found.rows += 1;
    const isIncomplete = remark?.reason === LossReason.INCOMPLETE;
    if (remark !== undefined && !isIncomplete) {
      this.findings.add({ ...remark, zipCode, listingId, lostRowBps: 10_000 });
      return false;
    }
    if (this.seenIds.has(listingId)) {
      const detail = "the listing stands in the submission already";
      this.findings.add({ reason: LossReason.DUPLICATE, detail, zipCode, listingId, lostRowBps: 10_000 });
      return false;
    }
    this.seenIds.add(listingId);
    this.found.rowQualityBps += presentBps;
    if (isIncomplete) this.findings.add({ ...remark, zipCode, listingId, lostRowBps: 10_000 - presentBps });
    return true;
  }
}

/** The columns of accepted rows. Of a listing that stands twice in a file the first row counts, which is the first there, too. */
function rowsOf(accepted: readonly RowFacts[], sound: AcceptedRows): AcceptedRows {
  if (accepted.length === sound.ids.length) return sound;
  const left = new Set(accepted.map((row) => row.listingId));
  return rowsWhere(sound, (id) => left.delete(id));
}

/**
 * The rows of one file that stand for its listings, by listing id: what a spot check compares. Takes the same row for a
 * repeated listing as checkSubmission does.
 */
export function listingsById(listings: readonly Listing[], context: RowContext): Map<string, Listing> {
  const tally = new Tally();
  const rows = listings.filter((listing) => tally.accepts(context.zipCode, rowFacts(listing, context)));
  return new Map(rows.map((listing) => [listing.listingId, listing]));
}
