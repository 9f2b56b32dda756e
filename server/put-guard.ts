/**
 * What keeps several servers from replacing each other's records: the store itself, a lock that all of them share, or
 * that there is only one.
 */
import type { Cache, Clock, Log, ObjectStore } from "../core/ports.js";
import { lockedPuts } from "./locked-puts.js";
import { type PresenceOptions, assertStoreIsFree, runAlone } from "./presence.js";

/** A store that can be written to safely, and how. */
export interface GuardedStore {
  readonly objects: ObjectStore;
  /** Does the server's work as the guard demands. Rejects when it may not start, or no longer go on. */
  run(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
}

/** What a guard is chosen by. */
export interface PutGuardOptions extends Omit<PresenceOptions, "objects"> {
  readonly objects: ObjectStore;
  readonly cache: Cache;
  /** Whether other servers have the same cache. */
  readonly isCacheShared: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** Chooses the guard by what the store and the cache can do, and logs which one is in force. */
export async function guardPuts(options: PutGuardOptions): Promise<GuardedStore> {
  const { objects, cache, clock, isCacheShared, log } = options;
  const inForce = (guard: string, sentence: string): void => log.info({ event: "puts_guarded", guard }, sentence);
  if (await objects.hasConditionalPuts()) {
    inForce("conditional_puts", "the object store has conditional puts: any number of servers may share it");
    return { objects, run: (signal, work) => work(signal) };
  }
  if (isCacheShared) {
    // A server without this Redis takes no locks.
    await assertStoreIsFree(options);
    inForce("redis_lock", "the object store has no conditional puts: records are written under locks in Redis");
    return { objects: lockedPuts(objects, cache, clock), run: (signal, work) => work(signal) };
  }
  inForce("presence", "the object store has no conditional puts and there is no Redis: no other server may share it");
  return { objects, run: (signal, work) => runAlone(options, signal, work) };
}
