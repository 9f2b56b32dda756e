/**
 * Fetching the submissions of a closed epoch. What the server or the store does not give out is asked for again until
 * the judging period ends; it is never held against a miner.
 */
import { createHash } from "node:crypto";
import { ZipnetError } from "../../core/errors.js";
import type { Transfer } from "../../core/ports.js";
import { openRecord, payloadSha256 } from "../../core/signed-record.js";
import type { CreateDownloadGrantsResponse, DownloadGrant } from "../../gen/zipnet/v1/judging_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { type Manifest, type ManifestObject, ManifestSchema } from "../../gen/zipnet/v1/submission_pb.js";
import type { ValidatorParts } from "../parts.js";
import { type JudgingCalls, MAX_HOTKEYS_PER_CALL } from "../server-calls.js";
import type { ClosedEpoch } from "./closed-epoch.js";
import type { KeptFiles } from "./kept-files.js";
import { eachOf, pauseBefore } from "./waiting.js";
import type { WorkStore } from "./work-store.js";

/** What fetching needs. */
export interface FetchOptions {
  readonly parts: Pick<ValidatorParts, "clock" | "log" | "verify"> & {
    readonly server: Pick<JudgingCalls, "downloadGrants">;
    readonly transfer: Pick<Transfer, "get">;
  };
  readonly closed: ClosedEpoch;
  readonly work: WorkStore;
  readonly kept: KeptFiles;
  /** Downloads that go on at the same time, over all miners. */
  readonly concurrency: number;
}

/**
 * Tries once to fetch what is not here of these miners' manifests and files. Files that cannot be had now are left out.
 * Resolves with whether the server could be asked.
 */
export async function fetchOnce(
  hotkeys: readonly string[],
  options: FetchOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const missing = await notWhole(hotkeys, options);
  try {
    for (let first = 0; first < missing.length; first += MAX_HOTKEYS_PER_CALL) {
      await fetchFrom(missing.slice(first, first + MAX_HOTKEYS_PER_CALL), options, signal);
    }
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ZipnetError)) throw error;
    const { log } = options.parts;
    log.warn({ epoch_id: options.closed.epoch.id, err: error }, "the submissions are out of reach for now");
    return false;
  }
}

/** Fetches a miner's files again that had to make room for others; tries until the judging period ends. */
export async function fetchAgain(hotkey: string, options: FetchOptions, signal: AbortSignal): Promise<void> {
  options.kept.hold(options.closed.epoch.id, [hotkey]);
  for (let tries = 1; (await notWhole([hotkey], options)).length > 0; tries += 1) {
    await fetchOnce([hotkey], options, signal);
    if ((await notWhole([hotkey], options)).length === 0) return;
    if (!(await pauseBefore(options.closed.judgingEndMs, tries, options.parts.clock, signal))) return;
  }
}

/** Those of the miners of which the manifest or a file is not here. */
export async function notWhole(
  hotkeys: readonly string[],
  options: Pick<FetchOptions, "work" | "closed" | "kept" | "parts">,
): Promise<string[]> {
  const { closed, kept } = options;
  const missing: string[] = [];
  for (const hotkey of hotkeys) {
    const objects = (await manifestOf(hotkey, options))?.objects;
    if (objects?.every((object) => kept.has(closed.epoch.id, hotkey, object)) !== true) missing.push(hotkey);
  }
  return missing;
}

async function fetchFrom(hotkeys: readonly string[], options: FetchOptions, signal: AbortSignal): Promise<void> {
  const { parts, closed } = options;
  let pageToken = "";
  do {
    const page = await parts.server.downloadGrants(closed.epoch.id, hotkeys, pageToken, signal);
    await fetchPage(page, options, signal);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}

/** A file of a page that is not here. */
interface Wanted {
  readonly hotkey: string;
  readonly object: ManifestObject;
  readonly url: string;
}

/** Fetches the files of a page that are not here yet. A file that cannot be had now is left for the next try. */
async function fetchPage(
  { submissions }: CreateDownloadGrantsResponse,
  options: FetchOptions,
  signal: AbortSignal,
): Promise<void> {
  const { parts, closed, kept, concurrency } = options;
  const wanted: Wanted[] = [];
  for (const { hotkey, manifest, grants } of submissions) {
    if (manifest !== undefined) await keepManifest(hotkey, manifest, options);
    wanted.push(...(await wantedOf(hotkey, grants, options)));
  }
  await eachOf(wanted, concurrency, async ({ hotkey, object, url }) => {
    try {
      const content = await parts.transfer.get(url, object.sizeBytes, signal);
      assertWhole(content, object);
      await kept.save(closed.epoch.id, hotkey, object, content);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ZipnetError)) throw error;
      parts.log.warn({ hotkey, zip_code: object.zipCode, err: error }, "a file is out of reach for now");
    }
  });
}

async function keepManifest(
  hotkey: string,
  manifest: SignedRecord,
  { work, closed, parts }: FetchOptions,
): Promise<void> {
  if ((await work.manifest(hotkey)) !== undefined) return;
  if (payloadSha256(manifest) === manifestSha256Of(hotkey, closed)) await work.saveManifest(hotkey, manifest);
  else parts.log.warn({ hotkey }, "the server answered another manifest than its receipt names");
}

async function wantedOf(hotkey: string, grants: readonly DownloadGrant[], options: FetchOptions): Promise<Wanted[]> {
  const { closed, kept } = options;
  const objects = new Map((await manifestOf(hotkey, options))?.objects.map((object) => [object.key, object]));
  return grants.flatMap(({ key, url }) => {
    const object = objects.get(key);
    return object === undefined || kept.has(closed.epoch.id, hotkey, object) ? [] : [{ hotkey, object, url }];
  });
}

/** Whether a content has the length and the MD5 of an object. */
export function isAsUploaded(content: Uint8Array, { sizeBytes, md5 }: ManifestObject): boolean {
  return content.length === sizeBytes && createHash("md5").update(content).digest("hex") === md5;
}

/**
 * The server checked length and MD5 against the store before it gave the receipt. So when they do not fit here, the
 * transfer is broken and not the miner's word; only the SHA-256, which nobody has checked yet, is.
 */
function assertWhole(content: Uint8Array, object: ManifestObject): void {
  if (isAsUploaded(content, object)) return;
  throw new ZipnetError(
    "UNAVAILABLE",
    `${object.key} came with ${content.length} bytes, and not with the length or MD5 it was uploaded with`,
  );
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
