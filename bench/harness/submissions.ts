/**
 * What a bench of submissions stands on: a store, an epoch that begins soon, and the objects of its miners.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { openFolderObjects } from "../../adapters/objects/folder/folder-objects.js";
import { s3Objects } from "../../adapters/objects/s3/s3-objects.js";
import { parseS3Url } from "../../adapters/objects/s3/s3-url.js";
import { DATA_CONTENT_TYPE, dataKey } from "../../core/object-keys.js";
import type { ObjectStore } from "../../core/ports.js";
import { decodeRecord } from "../../core/signed-record.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { type ManifestObject, ManifestObjectSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { startRadosgw } from "../../test/parts/radosgw.js";
import { pause } from "./processes.js";

const POLL_MS = 50;
/** Bytes of one object: about 50 listings. */
const OBJECT_BYTES = 4_000;
/** A server starts within this time. */
export const START_MS = 10_000;

/** Waits until the store has a record. */
export async function recordAt(store: ObjectStore, key: string, withinMs: number): Promise<SignedRecord> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    const bytes = await store.get(key);
    if (bytes !== undefined) return decodeRecord(bytes);
    if (Date.now() > untilMs) throw new Error(`${key} did not come within ${withinMs} ms`);
    await pause(POLL_MS);
  }
}

/** The length from a least one on whose next epoch ends first: epochs of one length begin at fixed moments. */
export function epochSoon(leastMs: number): { lengthSeconds: number; startMs: number } {
  const fromMs = Date.now() + START_MS;
  const leastSeconds = Math.ceil(leastMs / 1000);
  const candidates = Array.from({ length: leastSeconds }, (_, more) => {
    const lengthSeconds = leastSeconds + more;
    const lengthMs = lengthSeconds * 1000;
    const startMs = Math.ceil(fromMs / lengthMs) * lengthMs;
    return { lengthSeconds, startMs, endMs: startMs + lengthMs };
  });
  const [first] = candidates.toSorted((a, b) => a.endMs - b.endMs);
  if (first === undefined) throw new TypeError("an epoch has a length");
  return first;
}

/** Writes a miner's objects straight into the store: how they get there is not measured. */
export async function fill(store: ObjectStore, epoch: Epoch, hotkey: string, count: number): Promise<ManifestObject[]> {
  const files: ManifestObject[] = [];
  for (const { zipCode } of epoch.zipCodes.slice(0, count)) {
    const content = Buffer.alloc(OBJECT_BYTES, `${hotkey} ${zipCode} `);
    const hash = (name: string): string => createHash(name).update(content).digest("hex");
    const key = dataKey(hotkey, epoch.id, zipCode, hash("sha256"));
    await store.putIfAbsent(key, content, DATA_CONTENT_TYPE);
    const facts = { zipCode, key, sizeBytes: content.length, md5: hash("md5"), sha256: hash("sha256"), rows: 50 };
    files.push(create(ManifestObjectSchema, facts));
  }
  return files;
}

/** A store, and the setting that names it. */
export async function openStore(
  kind: string,
  dir: string,
): Promise<{ objects: string; store: ObjectStore; stop(): Promise<void> }> {
  if (kind !== "s3") {
    const objects = `folder:${join(dir, "objects")}`;
    const publicUrl = "http://unused.invalid";
    const store = await openFolderObjects({ dir: join(dir, "objects"), publicUrl, clock: systemClock });
    return { objects, store, stop: async () => {} };
  }
  const radosgw = await startRadosgw();
  if ("missing" in radosgw) throw new Error(radosgw.missing);
  const store = s3Objects(parseS3Url(radosgw.url), systemClock);
  return { objects: radosgw.url, store, stop: () => radosgw.stop() };
}
