import { ZipnetError } from "../../core/errors.js";
import type { Cache, Clock } from "../../core/ports.js";
import { MOST_NOTE_BYTES, assertTtl, doorbell } from "./doorbell.js";
import { PresentKeys } from "./present-keys.js";

interface Entry {
  /** A counter is a number here, and text to whoever reads it. Only counters are changed in their place. */
  value: Uint8Array | number;
  readonly expireTimeMs: number;
}

/** Expired entries are swept out after as many writes as the last sweep left entries, and no fewer than this. */
const LEAST_WRITES_TO_SWEEP = 1_000;

const NOTHING = new Uint8Array();

/** A cache within this process. */
export interface MemoryCache extends Cache {
  /** Entries held at present, expired ones that were not swept out yet included. */
  readonly entryCount: number;
}

function numberOf(value: Uint8Array | number): number {
  return typeof value === "number" ? value : Number(new TextDecoder().decode(value));
}

/** For a server of one replica. Its rings reach listeners of this very cache only. */
export function memoryCache(clock: Pick<Clock, "now">): MemoryCache {
  const entries = new Map<string, Entry>();
  const present = new PresentKeys();
  const bell = doorbell();
  let writesToSweep = LEAST_WRITES_TO_SWEEP;
  let isOpen = true;

  function live(key: string): Entry | undefined {
    if (!isOpen) throw new ZipnetError("UNAVAILABLE", "the cache is closed");
    const nowMs = clock.now();
    const entry = entries.get(key);
    if (entry !== undefined && entry.expireTimeMs > nowMs) return entry;
    const expireTimeMs = present.expireTimeMs(key, nowMs);
    return expireTimeMs === undefined ? undefined : { value: NOTHING, expireTimeMs };
  }

  function write(key: string, value: Uint8Array | number, expireTimeMs: number): void {
    writesToSweep -= 1;
    if (writesToSweep <= 0) {
      for (const [other, entry] of entries) if (entry.expireTimeMs <= clock.now()) entries.delete(other);
      // The cost of a sweep is spread over as many writes: each pays one step, however many entries there are.
      writesToSweep = Math.max(LEAST_WRITES_TO_SWEEP, entries.size);
    }
    present.delete(key);
    entries.set(key, { value, expireTimeMs });
  }

  function countUp(key: string, ttlMs: number): number {
    const entry = live(key);
    if (typeof entry?.value === "number") return (entry.value += 1);
    const sum = entry === undefined ? 1 : numberOf(entry.value) + 1;
    write(key, sum, entry?.expireTimeMs ?? clock.now() + ttlMs);
    return sum;
  }

  return {
    get entryCount() {
      return entries.size + present.size;
    },
    async get(key) {
      const entry = live(key);
      if (entry === undefined) return undefined;
      return typeof entry.value === "number"
        ? new TextEncoder().encode(String(entry.value))
        : Uint8Array.from(entry.value);
    },
    async set(key, value, ttlMs) {
      assertTtl(ttlMs);
      live(key);
      write(key, Uint8Array.from(value), clock.now() + ttlMs);
    },
    async setIfAbsent(key, value, ttlMs) {
      assertTtl(ttlMs);
      if (live(key) !== undefined) return false;
      write(key, Uint8Array.from(value), clock.now() + ttlMs);
      return true;
    },
    async increment(key, ttlMs) {
      assertTtl(ttlMs);
      return countUp(key, ttlMs);
    },
    async setAndCount(absent, count) {
      assertTtl(absent.ttlMs);
      assertTtl(count.ttlMs);
      if (live(absent.key) !== undefined) return undefined;
      const nowMs = clock.now();
      present.add(absent.key, nowMs + absent.ttlMs, nowMs);
      return countUp(count.key, count.ttlMs);
    },
    async ring(topic, note) {
      live("");
      bell.ring(topic, note === undefined || note.byteLength > MOST_NOTE_BYTES ? [] : [Uint8Array.from(note)]);
    },
    onRing: (topic, listener) => bell.add(topic, listener),
    async lock(name, ttlMs) {
      assertTtl(ttlMs);
      const key = `lock/${name}`;
      if (live(key) !== undefined) return undefined;
      const mine = new Uint8Array();
      write(key, mine, clock.now() + ttlMs);
      return {
        // The entry itself says whose it is: only the holder has this very array.
        release: async () => void (live(key)?.value === mine && entries.delete(key)),
      };
    },
    async close() {
      isOpen = false;
      entries.clear();
      present.clear();
      bell.clear();
    },
  };
}
