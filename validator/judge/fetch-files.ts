/**
 * Fetching the submissions of a closed epoch. What the server or the store does not give out is asked for again until
 * the judging period ends; it is never held against a miner.
 */
import { createHash } from "node:crypto";
import { ZipnetError } from "../../core/errors.js";
import { openRecord, payloadSha256 } from "../../core/signed-record.js";
import type { SubmissionGrants } from "../../gen/zipnet/v1/judging_service_pb.js";
import { type Manifest, type ManifestObject, ManifestSchema } from "../../gen/zipnet/v1/submission_pb.js";
import type { ValidatorParts } from "../parts.js";
import { MAX_HOTKEYS_PER_CALL } from "../server-calls.js";
import type { ClosedEpoch } from "./closed-epoch.js";
import { eachOf, pauseBefore } from "./waiting.js";
import type { WorkStore } from "./work-store.js";

/** What fetching needs. */
export interface FetchOptions {
  readonly parts: Pick<ValidatorParts, "clock" | "log" | "server" | "transfer" | "verify">;
  readonly closed: ClosedEpoch;
  readonly work: WorkStore;
  readonly concurrency: number;
}

/** Fetches manifests and files into the work store. Resolves with the miners of which something is still missing. */
export async function fetchSubmissions(options: FetchOptions, signal: AbortSignal): Promise<readonly string[]> {
  const { clock, log } = options.parts;
  for (let tries = 1; ; tries += 1) {
    const missing = await unfetched(options);
    if (missing.length === 0) return missing;
    try {
      for (let first = 0; first < missing.length; first += MAX_HOTKEYS_PER_CALL) {
        await fetchFrom(missing.slice(first, first + MAX_HOTKEYS_PER_CALL), options, signal);
      }
      if ((await unfetched(options)).length === 0) return [];
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ZipnetError)) throw error;
      log.warn({ epoch_id: options.closed.epoch.id, err: error }, "the submissions are out of reach for now");
    }
    if (!(await pauseBefore(options.closed.judgingEndMs, tries, clock, signal))) return unfetched(options);
  }
}

/** What was downloaded for an epoch, in this run of the program or an earlier one. */
export interface Downloaded {
  readonly files: number;
  readonly bytes: number;
}

/** Counts the files that are here. What had to be sent again after an interruption counts once. */
export async function downloadedFor(options: FetchOptions): Promise<Downloaded> {
  let [files, bytes] = [0, 0];
  for (const hotkey of options.closed.hotkeysToRead) {
    const isWhole = await options.work.isFetched(hotkey);
    for (const { zipCode, sizeBytes } of (await manifestOf(hotkey, options))?.objects ?? []) {
      if (!isWhole && (await options.work.file(hotkey, zipCode)) === undefined) continue;
      files += 1;
      bytes += sizeBytes;
    }
  }
  return { files, bytes };
}

async function unfetched({ closed, work }: FetchOptions): Promise<string[]> {
  const missing: string[] = [];
  for (const { hotkey } of closed.receipts) {
    if (closed.hotkeysToRead.has(hotkey) && !(await work.isFetched(hotkey))) missing.push(hotkey);
  }
  return missing;
}

async function fetchFrom(hotkeys: readonly string[], options: FetchOptions, signal: AbortSignal): Promise<void> {
  const { parts, closed } = options;
  let pageToken = "";
  do {
    const page = await parts.server.downloadGrants(closed.epoch.id, hotkeys, pageToken, signal);
    for (const submission of page.submissions) await fetchGranted(submission, options, signal);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  for (const hotkey of hotkeys) await markIfWhole(hotkey, options);
}

/** Fetches the files of a page that are not here yet. A file that cannot be had now is left for the next try. */
async function fetchGranted(granted: SubmissionGrants, options: FetchOptions, signal: AbortSignal): Promise<void> {
  const { parts, work, closed } = options;
  const { hotkey } = granted;
  if (granted.manifest !== undefined && (await work.manifest(hotkey)) === undefined) {
    if (payloadSha256(granted.manifest) === manifestSha256Of(hotkey, closed))
      await work.saveManifest(hotkey, granted.manifest);
    else parts.log.warn({ hotkey }, "the server answered another manifest than its receipt names");
  }
  const objects = new Map((await manifestOf(hotkey, options))?.objects.map((object) => [object.key, object]));
  await eachOf(granted.grants, options.concurrency, async ({ key, url }) => {
    const object = objects.get(key);
    if (object === undefined || (await work.file(hotkey, object.zipCode)) !== undefined) return;
    try {
      const content = await parts.transfer.get(url, object.sizeBytes, signal);
      assertWhole(content, object);
      await work.saveFile(hotkey, object.zipCode, content);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ZipnetError)) throw error;
      parts.log.warn({ hotkey, zip_code: object.zipCode, err: error }, "a file is out of reach for now");
    }
  });
}

/**
 * The server checked length and MD5 against the store before it gave the receipt. So when they do not fit here, the
 * transfer is broken and not the miner's word; only the SHA-256, which nobody has checked yet, is.
 */
function assertWhole(content: Uint8Array, object: ManifestObject): void {
  const md5 = createHash("md5").update(content).digest("hex");
  if (content.length === object.sizeBytes && md5 === object.md5) return;
  throw new ZipnetError(
    "UNAVAILABLE",
    `${object.key} came with ${content.length} bytes and MD5 ${md5}, not as it was uploaded`,
  );
}

async function markIfWhole(hotkey: string, options: FetchOptions): Promise<void> {
  const manifest = await manifestOf(hotkey, options);
  if (manifest === undefined) return;
  for (const { zipCode } of manifest.objects) {
    if ((await options.work.file(hotkey, zipCode)) === undefined) return;
  }
  await options.work.markFetched(hotkey);
}

function manifestSha256Of(hotkey: string, closed: ClosedEpoch): string | undefined {
  return closed.receipts.find((receipt) => receipt.hotkey === hotkey)?.manifestSha256;
}

/**
 * A miner's manifest, checked; undefined while it is not here, or when it is not what a manifest must be: the server
 * should never have given a receipt for that, so it counts as not given out.
 */
export async function manifestOf(
  hotkey: string,
  { parts, work, closed }: Pick<FetchOptions, "work" | "closed"> & { parts: Pick<ValidatorParts, "verify"> },
): Promise<Manifest | undefined> {
  const record = await work.manifest(hotkey);
  if (record === undefined || payloadSha256(record) !== manifestSha256Of(hotkey, closed)) return undefined;
  try {
    return openRecord(ManifestSchema, record, parts.verify, hotkey);
  } catch (error) {
    if (error instanceof ZipnetError) return undefined;
    throw error;
  }
}
