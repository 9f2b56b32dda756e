/**
 * The cheap checks that every submission gets: each file against the manifest, the epoch and the miner, and each row
 * by itself. Their result is small, so that a validator holds the results of all miners and the rows of one file.
 */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import type { Manifest, ManifestObject } from "../../gen/zipnet/v1/submission_pb.js";
import type { ListingFileHead } from "../ports.js";
import { byText } from "./apportion.js";
import { type ReadingWindow, completenessOf, implausibleBecause } from "./row-checks.js";

/** Losses of one reason that are told one by one; the rest is summed up. */
export const MAX_TOLD_PER_REASON = 100;

/** What came of fetching and reading one object of a manifest. */
export type FileContent =
  | { readonly kind: "read"; readonly head: ListingFileHead; readonly listings: readonly Listing[] }
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
  /** Zip codes whose files nobody can read. */
  readonly unreadable: ReadonlySet<string>;
  /** Zip codes that the store did not give out. */
  readonly outOfReach: ReadonlySet<string>;
}

/** Number of accepted listings of a submission. */
export function acceptedCount(check: SubmissionCheck): number {
  let count = 0;
  for (const ids of check.accepted.values()) count += ids.length;
  return count;
}

/** A submission whose manifest could not be had: nothing is known of it but that it was received. */
export function unseenSubmission(input: {
  epoch: Epoch;
  hotkey: string;
  manifestSha256: string;
  receivedMs: number;
}): SubmissionCheck {
  const { hotkey, manifestSha256, receivedMs } = input;
  const outOfReach = new Set(input.epoch.zipCodes.map((assigned) => assigned.zipCode));
  return { ...nothingFound(), hotkey, manifestSha256, receivedMs, outOfReach };
}

function nothingFound() {
  return {
    rows: 0,
    rowQualityBps: 0,
    findings: [],
    untold: new Map<LossReason, UntoldFindings>(),
    accepted: new Map<string, string[]>(),
    unreadable: new Set<string>(),
    outOfReach: new Set<string>(),
  };
}

/**
 * Checks a whole submission, file after file in the manifest's order. `read` is asked for one object at a time. The
 * first lie ends the check: what follows cannot matter any more.
 */
export async function checkSubmission(input: {
  epoch: Epoch;
  manifest: Manifest;
  manifestSha256: string;
  receivedMs: number;
  read: (object: ManifestObject) => Promise<FileContent>;
}): Promise<SubmissionCheck> {
  const { epoch, manifest, manifestSha256, receivedMs } = input;
  const tally = new Tally(epoch, receivedMs);
  let lie = lieOfManifest(epoch, manifest);
  for (const object of manifest.objects) {
    if (lie !== undefined) break;
    const content = await input.read(object);
    lie = lieOfFile(epoch, manifest.hotkey, object, content);
    if (lie === undefined) tally.add(object.zipCode, content);
  }
  const { hotkey } = manifest;
  if (lie !== undefined) return { ...nothingFound(), hotkey, manifestSha256, receivedMs, lie };
  return { ...tally.result(), hotkey, manifestSha256, receivedMs };
}

function lieOfManifest(epoch: Epoch, manifest: Manifest): Lie | undefined {
  const reason = LossReason.WRONG_NONCE;
  if (manifest.nonce !== epoch.nonce)
    return { reason, zipCode: "", detail: "the manifest does not carry the epoch's nonce" };
  if (manifest.epochId !== epoch.id) return { reason, zipCode: "", detail: "the manifest is for another epoch" };
  return undefined;
}

function lieOfFile(epoch: Epoch, hotkey: string, object: ManifestObject, content: FileContent): Lie | undefined {
  const { zipCode } = object;
  const lie = (reason: Lie["reason"], detail: string): Lie => ({ reason, zipCode, detail });
  if (content.kind === "other-hash") return lie(LossReason.CONTRADICTION, "the file's SHA-256 is not the manifest's");
  if (content.kind !== "read") return undefined;
  const { head, listings } = content;
  if (head.nonce !== epoch.nonce) return lie(LossReason.WRONG_NONCE, "the file does not carry the epoch's nonce");
  if (head.epochId !== epoch.id) return lie(LossReason.WRONG_NONCE, "the file was made for another epoch");
  if (head.hotkey !== hotkey) return lie(LossReason.WRONG_NONCE, "the file was made by another hotkey");
  if (head.zipCode !== zipCode)
    return lie(LossReason.CONTRADICTION, "the file is of another zip code than its manifest says");
  if (listings.length === object.rows) return undefined;
  return lie(LossReason.CONTRADICTION, `the file has ${listings.length} rows, its manifest says ${object.rows}`);
}

/** Gathers what the rows of a submission show. */
class Tally {
  private readonly found = nothingFound();
  private readonly findings: RowFinding[] = [];
  private readonly toldCount = new Map<LossReason, number>();
  private readonly seenIds = new Set<string>();
  private readonly assigned: ReadonlySet<string>;
  private readonly window: ReadingWindow;

  constructor(epoch: Epoch, receivedMs: number) {
    this.assigned = new Set(epoch.zipCodes.map((zip) => zip.zipCode));
    this.window = { startMs: epoch.startTime === undefined ? 0 : timestampMs(epoch.startTime), receivedMs };
  }

  add(zipCode: string, content: FileContent): void {
    if (content.kind === "unreadable") this.found.unreadable.add(zipCode);
    if (content.kind === "out-of-reach") this.found.outOfReach.add(zipCode);
    if (content.kind !== "read") return;
    const accepted = content.listings.filter((listing) => this.accepts(zipCode, listing)).map((row) => row.listingId);
    if (accepted.length > 0) this.found.accepted.set(zipCode, accepted.sort(byText));
  }

  result() {
    return { ...this.found, findings: this.findings };
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
