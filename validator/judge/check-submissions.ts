/**
 * The cheap checks on a submission, and the rows of one that are compared with the source.
 */
import { millisOf } from "../../core/timestamps.js";
import { ZipnetError } from "../../core/errors.js";
import { sha256Hex } from "../../core/hash.js";
import type { SampledListing } from "../../core/judging/sampling.js";
import { checkSubmission as checkFiles } from "../../core/judging/structure.js";
import { type FileContent, type SubmissionCheck, unseenSubmission } from "../../core/judging/submission-check.js";
import { listingsById } from "../../core/judging/tally.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import type { ManifestObject, Receipt } from "../../gen/zipnet/v1/submission_pb.js";
import type { ValidatorParts } from "../parts.js";
import type { ClosedEpoch } from "./closed-epoch.js";
import { isAsUploaded, manifestOf } from "./fetch-files.js";
import type { KeptFiles } from "./kept-files.js";
import type { WorkStore } from "./work-store.js";

/** What checking needs. */
export interface CheckOptions {
  readonly parts: Pick<ValidatorParts, "files" | "verify">;
  readonly closed: ClosedEpoch;
  readonly work: WorkStore;
  readonly kept: KeptFiles;
}

/** Checks a submission by what is here of it, one file in memory at a time. */
export async function checkSubmission(receipt: Receipt, options: CheckOptions): Promise<SubmissionCheck> {
  const { epoch } = options.closed;
  const { hotkey, manifestSha256 } = receipt;
  const receivedMs = millisOf(receipt.receivedTime);
  const coldkey = receipt.coldkey === "" ? hotkey : receipt.coldkey;
  const unseen = unseenSubmission({ epoch, hotkey, coldkey, manifestSha256, receivedMs });
  if (!options.closed.hotkeysToRead.has(hotkey)) return { ...unseen, isLeftOut: true };
  const manifest = await manifestOf(hotkey, options);
  if (manifest === undefined) return unseen;
  const read = (object: ManifestObject): Promise<FileContent> => readObject(hotkey, object, options);
  return checkFiles({ epoch, manifest, coldkey, manifestSha256, receivedMs, read });
}

async function readObject(hotkey: string, object: ManifestObject, options: CheckOptions): Promise<FileContent> {
  const { parts, closed, kept } = options;
  const content = await kept.read(closed.epoch.id, hotkey, object);
  if (content === undefined) return { kind: "out-of-reach" };
  if (sha256Hex(content) !== object.sha256) {
    if (isAsUploaded(content, object)) return { kind: "other-hash" };
    // It was as uploaded when it came: our disk is to blame, not the miner.
    await kept.drop(closed.epoch.id, hotkey, object);
    return { kind: "out-of-reach" };
  }
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

/** The submitted rows of a sample, in its order, of the files that are here. */
export async function rowsOf(
  check: SubmissionCheck,
  sample: readonly SampledListing[],
  options: CheckOptions,
): Promise<SampledRow[]> {
  const { epoch } = options.closed;
  const objects = (await manifestOf(check.hotkey, options))?.objects ?? [];
  const rows = new Map<string, Listing>();
  for (const zipCode of new Set(sample.map((sampled) => sampled.zipCode))) {
    const object = objects.find((candidate) => candidate.zipCode === zipCode);
    const content = object && (await readObject(check.hotkey, object, options));
    if (content?.kind !== "read") continue;
    const byId = listingsById({ epoch, receivedMs: check.receivedMs, zipCode, listings: content.listings });
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
