/**
 * What a validator's checks will say of a submission, before it is sent. Only what the source has to say is missing.
 */
import { create } from "@bufbuild/protobuf";
import { ZipnetError } from "../../core/errors.js";
import { type ScoreParts, heuristicParts } from "../../core/judging/candidates.js";
import { comparedChecks } from "../../core/judging/compared-checks.js";
import { rowContext } from "../../core/judging/row-facts.js";
import { checkSubmission } from "../../core/judging/structure.js";
import type { FileContent, SubmissionCheck } from "../../core/judging/submission-check.js";
import { expectedHeld } from "../../core/judging/volume.js";
import type { ListingFileHead, SubmittedFiles } from "../../core/ports.js";
import { millisOf } from "../../core/timestamps.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { type ManifestObject, ManifestObjectSchema, ManifestSchema } from "../../gen/zipnet/v1/submission_pb.js";

/** A file that is to be sent. */
export interface FileToSend {
  /** For messages. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** A file that was opened. */
export interface OpenedFile extends FileToSend {
  readonly head: ListingFileHead;
  readonly rows: number;
}

/** Files that can be read, and the names of those that cannot, each with why. */
export interface Opened {
  readonly files: readonly OpenedFile[];
  readonly unreadable: readonly { readonly name: string; readonly why: string }[];
}

/** Opens files, in the order given. */
export async function openFiles(files: readonly FileToSend[], reader: SubmittedFiles): Promise<Opened> {
  const opened: OpenedFile[] = [];
  const unreadable: { name: string; why: string }[] = [];
  for (const file of files) {
    try {
      const { head, listings } = await reader.decode(file.content);
      opened.push({ ...file, head, rows: listings.length });
    } catch (error) {
      if (!(error instanceof ZipnetError) || error.reason !== "FILE_UNREADABLE") throw error;
      unreadable.push({ name: file.name, why: error.message });
    }
  }
  return { files: opened, unreadable };
}

/** What comes of a submission by the checks that ask nobody. */
export interface Preview {
  readonly check: SubmissionCheck;
  /** The score that the provisional order goes by, if the receipt came now. */
  readonly parts: ScoreParts;
  /** Assigned zip codes that no file is for, in the epoch's order. */
  readonly missing: readonly string[];
}

/**
 * Checks a submission as validators do. Throws INVALID_FIELD for two files of one zip code, which no manifest can name.
 *
 * @param hotkey whose submission it is to be. @param nowMs unix milliseconds; a moment outside the epoch counts as its
 * start or its last.
 */
export async function previewSubmission(input: {
  epoch: Epoch;
  hotkey: string;
  files: readonly OpenedFile[];
  reader: SubmittedFiles;
  nowMs: number;
}): Promise<Preview> {
  const { epoch, hotkey, reader } = input;
  const { rules } = epoch;
  if (rules === undefined) throw new TypeError(`epoch ${epoch.id} has no rules`);
  const byZipCode = filesByZipCode(input.files);
  const receivedMs = Math.max(millisOf(epoch.startTime), Math.min(input.nowMs, millisOf(epoch.closeTime) - 1));
  const read = async ({ zipCode }: ManifestObject): Promise<FileContent> => {
    const file = byZipCode.get(zipCode);
    if (file === undefined) return { kind: "out-of-reach" };
    return { kind: "read", ...(await reader.check(file.content, rowContext(epoch, receivedMs, zipCode))) };
  };
  const objects = [...byZipCode].map(([zipCode, { rows }]) => create(ManifestObjectSchema, { zipCode, rows }));
  const manifest = create(ManifestSchema, { epochId: epoch.id, nonce: epoch.nonce, hotkey, objects });
  const alone = await checkSubmission({ epoch, manifest, coldkey: hotkey, manifestSha256: "", receivedMs, read });
  const [check = alone] = comparedChecks([alone], rules, "");
  return {
    check,
    parts: heuristicParts(check, expectedHeld(epoch), epoch, rules),
    missing: epoch.zipCodes.map(({ zipCode }) => zipCode).filter((zipCode) => !byZipCode.has(zipCode)),
  };
}

function filesByZipCode(files: readonly OpenedFile[]): Map<string, OpenedFile> {
  const byZipCode = new Map<string, OpenedFile>();
  for (const file of files.toSorted((a, b) => (a.head.zipCode < b.head.zipCode ? -1 : 1))) {
    const other = byZipCode.get(file.head.zipCode);
    if (other !== undefined) {
      const what = `${other.name} and ${file.name} are both of zip code ${file.head.zipCode}`;
      throw new ZipnetError("INVALID_FIELD", `${what}, but a submission has one file per zip code; leave one out`);
    }
    byZipCode.set(file.head.zipCode, file);
  }
  return byZipCode;
}
