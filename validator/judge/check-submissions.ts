/**
 * The cheap checks on every submission, and the rows of one that are compared with the source.
 */
import { millisOf } from "../../core/timestamps.js";
import { ZipnetError } from "../../core/errors.js";
import { sha256Hex } from "../../core/hash.js";
import type { SampledListing } from "../../core/judging/sampling.js";
import { checkSubmission } from "../../core/judging/structure.js";
import { type FileContent, type SubmissionCheck, unseenSubmission } from "../../core/judging/submission-check.js";
import { listingsById } from "../../core/judging/tally.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import type { ManifestObject, Receipt } from "../../gen/zipnet/v1/submission_pb.js";
import type { ValidatorParts } from "../parts.js";
import type { ClosedEpoch } from "./closed-epoch.js";
import { manifestOf } from "./fetch-files.js";
import type { WorkStore } from "./work-store.js";

/** What checking needs. */
export interface CheckOptions {
  readonly parts: Pick<ValidatorParts, "files" | "verify">;
  readonly closed: ClosedEpoch;
  readonly work: WorkStore;
}

/** Checks every submission of the snapshot, one file in memory at a time. */
export async function checkSubmissions(options: CheckOptions, signal: AbortSignal): Promise<SubmissionCheck[]> {
  const checks: SubmissionCheck[] = [];
  for (const receipt of options.closed.receipts) {
    signal.throwIfAborted();
    checks.push(await checkOne(receipt, options));
  }
  return checks;
}

async function checkOne(receipt: Receipt, options: CheckOptions): Promise<SubmissionCheck> {
  const { epoch } = options.closed;
  const { hotkey, manifestSha256 } = receipt;
  const receivedMs = millisOf(receipt.receivedTime);
  const unseen = unseenSubmission({ epoch, hotkey, manifestSha256, receivedMs });
  if (!options.closed.hotkeysToRead.has(hotkey)) return { ...unseen, isLeftOut: true };
  const manifest = await manifestOf(hotkey, options);
  if (manifest === undefined) return unseen;
  const read = (object: ManifestObject): Promise<FileContent> => readObject(hotkey, object, options);
  return checkSubmission({ epoch, manifest, manifestSha256, receivedMs, read });
}

async function readObject(hotkey: string, object: ManifestObject, { parts, work }: CheckOptions): Promise<FileContent> {
  const content = await work.file(hotkey, object.zipCode);
  if (content === undefined) return { kind: "out-of-reach" };
  if (sha256Hex(content) !== object.sha256) return { kind: "other-hash" };
  try {
    return { kind: "read", ...(await parts.files.decode(content)) };
  } catch (error) {
    if (error instanceof ZipnetError && error.reason === "FILE_UNREADABLE") return { kind: "unreadable" };
    throw error;
  }
}

/** A sampled listing with the row that the miner submitted. */
export interface SampledRow extends SampledListing {
  readonly submitted: Listing;
}

/** The submitted rows of a sample, in its order. */
export async function rowsOf(
  check: SubmissionCheck,
  sample: readonly SampledListing[],
  { parts, work, closed }: CheckOptions,
): Promise<SampledRow[]> {
  const rows = new Map<string, Listing>();
  for (const zipCode of new Set(sample.map((sampled) => sampled.zipCode))) {
    const content = await work.file(check.hotkey, zipCode);
    if (content === undefined) throw new Error(`the file of ${check.hotkey} for ${zipCode} was here and is gone`);
    const { listings } = await parts.files.decode(content);
    const byId = listingsById({ epoch: closed.epoch, receivedMs: check.receivedMs, zipCode, listings });
    for (const { listingId } of sample.filter((sampled) => sampled.zipCode === zipCode)) {
      const row = byId.get(listingId);
      if (row !== undefined) rows.set(`${zipCode}/${listingId}`, row);
    }
  }
  return sample.flatMap((sampled) => {
    const submitted = rows.get(`${sampled.zipCode}/${sampled.listingId}`);
    return submitted === undefined ? [] : [{ ...sampled, submitted }];
  });
}
