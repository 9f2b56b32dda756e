/**
 * The checks of single rows, added up over a submission.
 */
import { millisOf } from "../timestamps.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import { acceptedRows } from "./accepted-rows.js";
import { type ReadingWindow, completenessOf, implausibleBecause } from "./row-checks.js";
import { type FileContent, MAX_TOLD_PER_REASON, type RowFinding, nothingFound } from "./submission-check.js";

/** Gathers what the rows of a submission show. */
export class Tally {
  private readonly found = nothingFound();
  private readonly findings: RowFinding[] = [];
  private readonly toldCount = new Map<LossReason, number>();
  private scrapedMs: { readonly first: number; readonly last: number } | undefined;
  private readonly seenIds = new Set<string>();
  private readonly assigned: ReadonlySet<string>;
  private readonly window: ReadingWindow;

  constructor(epoch: Epoch, receivedMs: number) {
    this.assigned = new Set(epoch.zipCodes.map((zip) => zip.zipCode));
    this.window = { startMs: millisOf(epoch.startTime), receivedMs };
  }

  add(zipCode: string, content: FileContent): void {
    if (content.kind === "unreadable") this.found.unreadable.add(zipCode);
    if (content.kind === "out-of-reach") this.found.outOfReach.add(zipCode);
    if (content.kind !== "read") return;
    if (content.listings.length === 0) this.found.empty.add(zipCode);
    const accepted = content.listings.filter((listing) => this.accepts(zipCode, listing));
    if (accepted.length === 0) return;
    const rows = acceptedRows(accepted);
    this.found.accepted.set(zipCode, rows.ids);
    this.found.acceptedRows.set(zipCode, rows);
    for (const timeMs of rows.scrapedMs) {
      const { first, last } = this.scrapedMs ?? { first: timeMs, last: timeMs };
      this.scrapedMs = { first: Math.min(first, timeMs), last: Math.max(last, timeMs) };
    }
  }

  result() {
    const times = this.scrapedMs === undefined ? {} : { scrapedMs: this.scrapedMs };
    return { ...this.found, ...times, findings: this.findings };
  }

  /** Whether a row is accepted. Its quality and what is wrong with it are counted either way. */
  accepts(zipCode: string, listing: Listing): boolean {
    this.found.rows += 1;
    const refused = this.refusal(zipCode, listing);
    if (refused !== undefined) {
      this.note({ ...refused, zipCode, listingId: listing.listingId, lostRowBps: 10_000 });
      return false;
    }
    this.seenIds.add(listing.listingId);
    const { missing, presentBps } = completenessOf(listing);
    this.found.rowQualityBps += presentBps;
    if (missing.length > 0) {
      const detail = `missing: ${missing.join(", ")}`;
      const lostRowBps = 10_000 - presentBps;
      this.note({ reason: LossReason.INCOMPLETE, zipCode, listingId: listing.listingId, detail, lostRowBps });
    }
    return true;
  }

  private refusal(zipCode: string, listing: Listing): { reason: LossReason; detail: string } | undefined {
    const implausible = implausibleBecause(listing, this.window);
    if (implausible !== undefined) return { reason: LossReason.IMPLAUSIBLE, detail: implausible };
    if (listing.zipCode !== zipCode || !this.assigned.has(zipCode)) {
      return {
        reason: LossReason.FOREIGN,
        detail: `a listing in ${listing.zipCode.slice(0, 10)} does not count for this file`,
      };
    }
    if (!this.seenIds.has(listing.listingId)) return undefined;
    return { reason: LossReason.DUPLICATE, detail: "the listing stands in the submission already" };
  }

  private note(finding: RowFinding): void {
    const told = this.toldCount.get(finding.reason) ?? 0;
    if (told < MAX_TOLD_PER_REASON) {
      this.toldCount.set(finding.reason, told + 1);
      // The id of an implausible row can be anything; a report has room for a normal one only.
      this.findings.push({ ...finding, listingId: finding.listingId.slice(0, 20) });
      return;
    }
    const before = this.found.untold.get(finding.reason) ?? { count: 0, lostRowBps: 0 };
    this.found.untold.set(finding.reason, {
      count: before.count + 1,
      lostRowBps: before.lostRowBps + finding.lostRowBps,
    });
  }
}

/**
 * The rows of one file that stand for its listings, by listing id: what a spot check compares. Takes the same row for a
 * repeated listing as checkSubmission does.
 */
export function listingsById(input: {
  epoch: Epoch;
  receivedMs: number;
  zipCode: string;
  listings: readonly Listing[];
}): Map<string, Listing> {
  const tally = new Tally(input.epoch, input.receivedMs);
  const rows = input.listings.filter((listing) => tally.accepts(input.zipCode, listing));
  return new Map(rows.map((listing) => [listing.listingId, listing]));
}
