/**
 * Records in the object store, with the cache in front, which may be lost, wrong or out of reach without harm.
 */
import { RECORD_CONTENT_TYPE } from "../../core/object-keys.js";
import type { Cache, Log, ObjectStore } from "../../core/ports.js";
import { decodeRecord, encodeRecord } from "../../core/signed-record.js";
import { ZipnetError } from "../../core/errors.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { type RecordTrust, openTrusted } from "./trusted-records.js";

/** Reads and writes records by object key. */
export interface RecordReads {
  /** A record; undefined when there is none. `isRecent` keeps it in the cache for the other replicas. */
  get(key: string, isRecent: boolean): Promise<SignedRecord | undefined>;
  /** Writes a record unless there is one; answers the one that is stored. */
  put(key: string, record: SignedRecord): Promise<SignedRecord>;
}

/** Records over a store and a cache. */
export function recordReads(options: {
  readonly objects: ObjectStore;
  readonly cache: Cache;
  readonly cacheTtlMs: number;
  /** What the cache holds counts only when it is signed so. */
  readonly trust: RecordTrust;
  readonly log: Log;
}): RecordReads {
  const { objects, cache, cacheTtlMs, trust, log } = options;
  const cacheKey = (key: string): string => `record/${key}`;

  async function tryCache<T>(what: () => Promise<T>): Promise<T | undefined> {
    try {
      return await what();
    } catch (error) {
      log.warn({ err: error }, "the cache is out of reach; records are read from the object store");
      return undefined;
    }
  }
  async function cached(key: string): Promise<SignedRecord | undefined> {
    const bytes = await tryCache(() => cache.get(cacheKey(key)));
    const opened = bytes === undefined ? undefined : openTrusted(bytes, trust);
    if (opened?.key === key) return opened.record;
    if (bytes !== undefined) log.warn({ key }, "what the cache holds for this record is not it; the store's is taken");
    return undefined;
  }
  const keep = (key: string, bytes: Uint8Array): Promise<void> =>
    tryCache(() => cache.set(cacheKey(key), bytes, cacheTtlMs));

  return {
    async get(key, isRecent) {
      const near = isRecent ? await cached(key) : undefined;
      if (near !== undefined) return near;
      const bytes = await objects.get(key);
      if (bytes === undefined) return undefined;
      if (isRecent) await keep(key, bytes);
      return decodeRecord(bytes);
    },
    async put(key, record) {
      const bytes = encodeRecord(record);
      const isMine = await objects.putIfAbsent(key, bytes, RECORD_CONTENT_TYPE);
      const stored = isMine ? bytes : await objects.get(key);
      if (stored === undefined) throw new ZipnetError("UNAVAILABLE", `${key} is taken but cannot be read`);
      await keep(key, stored);
      return decodeRecord(stored);
    },
  };
}
