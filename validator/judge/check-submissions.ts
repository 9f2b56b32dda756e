/**
 * The cheap checks on a submission, and the rows of one that are compared with the source.
 */
import { createHash } from "node:crypto";
import { millisOf } from "../../core/timestamps.js";
import { ZipnetError } from "../../core/errors.js";
import { rowContext } from "../../core/judging/row-facts.js";
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
  const read = (object: ManifestObject): Promise<FileContent> => checkObject(hotkey, object, receivedMs, options);
  return checkFiles({ epoch, manifest, coldkey, manifestSha256, receivedMs, read });
}

async function checkObject(
  hotkey: string,
  object: ManifestObject,
  receivedMs: number,
  options: CheckOptions,
): Promise<FileContent> {
  const content = await readObject(hotkey, object, options);
  if (content === "out-of-reach" || content === "other-hash") return { kind: content };
  const context = rowContext(options.closed.epoch, receivedMs, object.zipCode);
  try {
    return { kind: "read", ...(await options.parts.files.check(content, context)) };
  } catch (error) {
    if (error instanceof ZipnetError && error.reason === "FILE_UNREADABLE") return { kind: "unreadable" };
    throw error;
  }
}

/** The bytes of an object, when they are what its manifest says. */
async function readObject(
  hotkey: string,
  object: ManifestObject,
  { closed, kept }: CheckOptions,
): Promise<Uint8Array | "out-of-reach" | "other-hash"> {
  const content = await kept.read(closed.epoch.id, hotkey, object);
  if (content === undefined) return "out-of-reach";
  if (createHash("sha256").update(content).digest("hex") === object.sha256) return content;
  if (isAsUploaded(content, object)) return "other-hash";
  // It was as uploaded when it came: our disk is to blame, not the miner.
  await kept.drop(closed.epoch.id, hotkey, object);
  return "out-of-reach";
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
    if (content === undefined || typeof content === "string") continue;
    const { listings } = await options.parts.files.decode(content);
    const byId = listingsById(listings, rowContext(epoch, check.receivedMs, zipCode));
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
