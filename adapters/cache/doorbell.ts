/** Who listens to which doorbell, within one process. */

/** Longest note that a ring carries. It is kept by every cache for every replica, so it must stay small. */
export const MOST_NOTE_BYTES = 1024 * 1024;

type Listener = (notes: readonly Uint8Array[]) => void;

/** Listeners by topic. */
export interface Doorbell {
  /** Calls every listener of the topic, each in a turn of its own, so that one that throws keeps no other from hearing. */
  ring(topic: string, notes: readonly Uint8Array[]): void;
  /** Calls the listeners of all topics, without notes. */
  ringAll(): void;
  /** Adds a listener; returns how to remove this one again. */
  add(topic: string, listener: Listener): () => void;
  /** Removes all listeners. */
  clear(): void;
}

/** A doorbell that nobody listens to yet. */
export function doorbell(): Doorbell {
  // Objects, not the functions themselves: the same function may listen twice, and each stop counts for one.
  const topics = new Map<string, Set<{ readonly listener: Listener }>>();
  const ring = (topic: string, notes: readonly Uint8Array[]): void => {
    for (const entry of topics.get(topic) ?? []) {
      queueMicrotask(() => {
        if (topics.get(topic)?.has(entry) === true) entry.listener(notes);
      });
    }
  };
  return {
    ring,
    ringAll() {
      for (const topic of topics.keys()) ring(topic, []);
    },
    add(topic, listener) {
      const entry = { listener };
      const entries = topics.get(topic) ?? new Set();
      topics.set(topic, entries.add(entry));
      return () => {
        entries.delete(entry);
        if (entries.size === 0 && topics.get(topic) === entries) topics.delete(topic);
      };
    },
    clear: () => topics.clear(),
  };
}

/** Throws a RangeError unless a time to live is a whole number of milliseconds of at least 1. */
export function assertTtl(ttlMs: number): void {
  if (Number.isSafeInteger(ttlMs) && ttlMs >= 1) return;
  throw new RangeError(`a time to live must be a whole number of milliseconds of at least 1, not ${ttlMs}`);
}
