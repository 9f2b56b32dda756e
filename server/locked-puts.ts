/**
 * putIfAbsent on a store that overwrites: under a lock that all servers share, by looking first.
 *
 * A put that was not confirmed may still arrive. So it is given up long before the lock ends, and the lock is then left
 * to end by itself: whoever takes it next sees what has arrived.
 */
import { ZipnetError } from "../core/errors.js";
import type { Cache, CacheLock, Clock, ObjectStore } from "../core/ports.js";

/** Life of a lock. */
const LOCK_TTL_MS = 30_000;
/** A put is given up when this has passed since its lock was asked for. */
const PUT_UNTIL_MS = 15_000;
const LOCK_ATTEMPT_INTERVAL_MS = 100;
/** Long enough for one lock that was left behind, and for some that are given back. */
const LOCK_WAIT_MS = 45_000;

/** A lock, and by when its work must be over. */
interface HeldLock {
  readonly lock: CacheLock;
  readonly untilMs: number;
}

/** The store with a putIfAbsent that keeps its word among all who share the locks. Without them it is UNAVAILABLE. */
export function lockedPuts(objects: ObjectStore, locks: Pick<Cache, "lock">, clock: Clock): ObjectStore {
  const isTaken = async (key: string): Promise<boolean> => (await objects.head(key)) !== undefined;

  /** Takes the key's lock; undefined when the key turns out to be taken while another one has the lock. */
  async function lockOf(key: string): Promise<HeldLock | undefined> {
    const giveUpMs = clock.now() + LOCK_WAIT_MS;
    for (;;) {
      const askedMs = clock.now();
      const lock = await locks.lock(`put/${key}`, LOCK_TTL_MS);
      if (lock !== undefined) return { lock, untilMs: askedMs + PUT_UNTIL_MS };
      if (await isTaken(key)) return undefined;
      if (clock.now() >= giveUpMs) {
        const text = `${key} could not be written: for ${LOCK_WAIT_MS / 1000} seconds other servers had its lock; try again`;
        throw new ZipnetError("UNAVAILABLE", text);
      }
      await clock.sleepUntil(clock.now() + LOCK_ATTEMPT_INTERVAL_MS, new AbortController().signal);
    }
  }

  return {
    ...objects,
    async putIfAbsent(key, content, contentType, signal) {
      if (await isTaken(key)) return false;
      const held = await lockOf(key);
      if (held === undefined) return false;
      let mayArriveLater = false;
      try {
        // Whoever had the lock before may have written.
        if (await isTaken(key)) return false;
        mayArriveLater = true;
        const put = (ended: AbortSignal) => objects.putIfAbsent(key, content, contentType, ended);
        const isWritten = await until(held.untilMs, clock, signal, put);
        mayArriveLater = false;
        return isWritten;
      } finally {
        // Where giving it back fails, it ends by itself.
        if (!mayArriveLater) await held.lock.release().catch(() => {});
      }
    },
  };
}

/** Makes a call whose signal is aborted at a moment, or with the caller's own. */
async function until<T>(
  timeMs: number,
  clock: Clock,
  signal: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const done = new AbortController();
  const tooLate = new ZipnetError("UNAVAILABLE", "the object store took too long to write under the lock; try again");
  clock.sleepUntil(timeMs, done.signal).then(
    () => late.abort(tooLate),
    () => {},
  );
  try {
    const both = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
    both.throwIfAborted();
    return await call(both);
  } finally {
    done.abort();
  }
}
