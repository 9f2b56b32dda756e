/**
 * What each miner was granted in an epoch: it keeps one miner from filling the owner's bucket, and one key from being
 * granted for two contents, which matters where a store overwrites.
 *
 * The ledger is in the cache, one entry per miner and epoch. Where the cache does not have it, it begins with what the
 * store holds under the miner's prefix, so that neither a restart nor an emptied cache begins anew. Only grants that are
 * not used yet are forgotten then.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ZipnetError } from "../core/errors.js";
import { dataPrefix, namesOfDataKey } from "../core/object-keys.js";
import type { Cache, CacheLock, Clock, ObjectStore } from "../core/ports.js";
import {
  CreateUploadGrantsRequestSchema,
  type ObjectSpec,
  ObjectSpecSchema,
} from "../gen/zipnet/v1/submission_service_pb.js";

/** How much one miner may be granted in one epoch. */
export interface StorageLimits {
  readonly maxObjectsPerEpoch: number;
  readonly maxBytesPerEpoch: number;
}

/** Counts grants. All reject with UNAVAILABLE where cache or store are out of reach. */
export interface GrantLedger {
  /**
   * Enters objects that are about to be granted; those that are in it count once. Where it rejects, nothing is entered:
   * with UPLOAD_LIMIT_REACHED, or OBJECT_DIFFERS for a key that was granted for another content.
   *
   * @param ttlMs how long the entry is needed.
   */
  enter(epochId: string, hotkey: string, asked: readonly ObjectSpec[], ttlMs: number): Promise<void>;
  /** What a miner was granted so far. */
  granted(epochId: string, hotkey: string): Promise<GrantedTotal>;
}

/** How much was granted. */
interface GrantedTotal {
  readonly objects: number;
  readonly bytes: number;
}

/** A lock that its holder lost ends by itself after this time. */
const LOCK_TTL_MS = 10_000;
const LOCK_ATTEMPT_INTERVAL_MS = 50;

/** What a ledger works on. */
export interface LedgerParts {
  readonly cache: Pick<Cache, "get" | "set" | "lock">;
  readonly objects: Pick<ObjectStore, "list">;
  readonly clock: Clock;
  readonly limits: StorageLimits;
}

/** The ledger of all miners. */
export function grantLedger({ cache, objects, clock, limits }: LedgerParts): GrantLedger {
  // Calls of one miner to this process wait here, in order; the lock is for other replicas.
  const queues = new Map<string, Promise<void>>();

  async function kept(epochId: string, hotkey: string): Promise<ObjectSpec[]> {
    const bytes = await cache.get(ledgerKey(epochId, hotkey));
    if (bytes !== undefined) return fromBinary(CreateUploadGrantsRequestSchema, bytes).objects;
    const stored: ObjectSpec[] = [];
    for await (const { key, sizeBytes, md5 } of objects.list(dataPrefix(hotkey, epochId))) {
      const names = namesOfDataKey(key);
      if (names !== undefined) stored.push(create(ObjectSpecSchema, { ...names, sizeBytes, md5 }));
    }
    return stored;
  }

  async function enterAlone(epochId: string, hotkey: string, asked: readonly ObjectSpec[], ttlMs: number) {
    const before = await kept(epochId, hotkey);
    const after = withObjects(before, asked, limits, epochId);
    if (after.length === before.length) return;
    const bytes = toBinary(
      CreateUploadGrantsRequestSchema,
      create(CreateUploadGrantsRequestSchema, { epochId, objects: after }),
    );
    await cache.set(ledgerKey(epochId, hotkey), bytes, ttlMs);
  }

  async function lockOf(name: string): Promise<CacheLock> {
    const giveUpMs = clock.now() + LOCK_TTL_MS * 2;
    for (;;) {
      const lock = await cache.lock(name, LOCK_TTL_MS);
      if (lock !== undefined) return lock;
      if (clock.now() >= giveUpMs) {
        throw new ZipnetError("UNAVAILABLE", "your grants are being counted by other calls for too long; ask again");
      }
      await clock.sleepUntil(clock.now() + LOCK_ATTEMPT_INTERVAL_MS, new AbortController().signal);
    }
  }

  return {
    async enter(epochId, hotkey, asked, ttlMs) {
      const name = ledgerKey(epochId, hotkey);
      const work = async (): Promise<void> => {
        const lock = await lockOf(name);
        try {
          await enterAlone(epochId, hotkey, asked, ttlMs);
        } finally {
          // Where giving it back fails, it ends by itself.
          await lock.release().catch(() => {});
        }
      };
      const mine = (queues.get(name) ?? Promise.resolve()).then(work, work);
      queues.set(name, mine);
      try {
        await mine;
      } finally {
        if (queues.get(name) === mine) queues.delete(name);
      }
    },
    async granted(epochId, hotkey) {
      return totalOf(await kept(epochId, hotkey));
    },
  };
}

function ledgerKey(epochId: string, hotkey: string): string {
  return `granted/${epochId}/${hotkey}`;
}

function totalOf(objects: readonly ObjectSpec[]): GrantedTotal {
  return { objects: objects.length, bytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

/** What is granted once the asked objects are too. Throws UPLOAD_LIMIT_REACHED or OBJECT_DIFFERS. */
export function withObjects(
  granted: readonly ObjectSpec[],
  asked: readonly ObjectSpec[],
  limits: StorageLimits,
  epochId: string,
): ObjectSpec[] {
  // The key of an object follows from these two.
  const nameOf = ({ zipCode, sha256 }: ObjectSpec): string => `${zipCode}/${sha256}`;
  const all = new Map(granted.map((spec) => [nameOf(spec), spec]));
  for (const spec of asked) {
    const known = all.get(nameOf(spec));
    if (known === undefined) all.set(nameOf(spec), spec);
    else if (known.md5 !== spec.md5 || known.sizeBytes !== spec.sizeBytes) throw differs(epochId, known, spec);
  }
  const after = [...all.values()];
  const { objects, bytes } = totalOf(after);
  const before = totalOf(granted);
  const { maxObjectsPerEpoch, maxBytesPerEpoch } = limits;
  // What is granted already may be asked for again, also where a limit was lowered since.
  if (objects === before.objects) return after;
  if (objects > maxObjectsPerEpoch) throw reached(epochId, "objects", maxObjectsPerEpoch, before.objects, objects);
  if (bytes > maxBytesPerEpoch) throw reached(epochId, "bytes", maxBytesPerEpoch, before.bytes, bytes);
  return after;
}

function reached(
  epochId: string,
  what: "objects" | "bytes",
  limit: number,
  before: number,
  after: number,
): ZipnetError {
  return new ZipnetError(
    "UPLOAD_LIMIT_REACHED",
    `a miner may upload ${limit} ${what} in an epoch; you were granted ${before} in epoch ${epochId}, and with this call it would be ${after}. Finalize with what you have uploaded`,
    { epoch_id: epochId, limit: what, max: String(limit), granted: String(before) },
  );
}

function differs(epochId: string, known: ObjectSpec, asked: ObjectSpec): ZipnetError {
  return new ZipnetError(
    "OBJECT_DIFFERS",
    `zip code ${asked.zipCode}: the content ${asked.sha256} was granted with ${known.sizeBytes} bytes and MD5 ${known.md5}, and is now said to have ${asked.sizeBytes} bytes and MD5 ${asked.md5}; one content has one of each`,
    { epoch_id: epochId, zip_code: asked.zipCode, sha256: asked.sha256 },
  );
}
