/**
 * The cheap checks that every submission gets: each file against the manifest, the epoch and the miner, and each row
 * by itself. A validator holds what the rows of one file show at a time.
 */
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import type { Manifest, ManifestObject } from "../../gen/zipnet/v1/submission_pb.js";
import { type FileContent, type Lie, type SubmissionCheck, nothingFound } from "./submission-check.js";
import { Tally } from "./tally.js";

/**
 * Checks a whole submission, file after file in the manifest's order. `read` is asked for one object at a time. The
 * first lie ends the check: what follows cannot matter any more.
 */
export async function checkSubmission(input: {
  epoch: Epoch;
  manifest: Manifest;
  /** As in SubmissionCheck. */
  coldkey: string;
  manifestSha256: string;
  receivedMs: number;
  read: (object: ManifestObject) => Promise<FileContent>;
}): Promise<SubmissionCheck> {
  const { epoch, manifest, coldkey, manifestSha256, receivedMs } = input;
  const tally = new Tally();
  let lie = lieOfManifest(epoch, manifest);
  for (const object of manifest.objects) {
    if (lie !== undefined) break;
    const content = await input.read(object);
    lie = lieOfFile(epoch, manifest.hotkey, object, content);
    if (lie === undefined) tally.add(object.zipCode, content);
  }
  const { hotkey } = manifest;
  if (lie !== undefined) return { ...nothingFound(), hotkey, coldkey, manifestSha256, receivedMs, lie };
  return { ...tally.result(), hotkey, coldkey, manifestSha256, receivedMs };
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
  const { head, rows } = content;
  if (head.nonce !== epoch.nonce) return lie(LossReason.WRONG_NONCE, "the file does not carry the epoch's nonce");
  if (head.epochId !== epoch.id) return lie(LossReason.WRONG_NONCE, "the file was made for another epoch");
  if (head.hotkey !== hotkey) return lie(LossReason.WRONG_NONCE, "the file was made by another hotkey");
  if (head.zipCode !== zipCode)
    return lie(LossReason.CONTRADICTION, "the file is of another zip code than its manifest says");
  if (rows.length === object.rows) return undefined;
  return lie(LossReason.CONTRADICTION, `the file has ${rows.length} rows, its manifest says ${object.rows}`);
}
