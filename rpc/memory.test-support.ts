/** Parts that live in memory and can be made to fail. */
import type { Cache, Clock, Expiring, ObjectInfo, ObjectStore } from "../core/ports.js";

/** A cache in memory; ringing is immediate. `down` makes everything reject. */
export function mapCache(clock: Clock): Cache & { isDown: boolean; readonly entries: Map<string, unknown> } {
  const entries = new Map<string, { value: Uint8Array; untilMs: number }>();
  const listeners = new Map<string, Set<(notes: readonly Uint8Array[]) => void>>();
  const live = (key: string) => {
    if (cache.isDown) throw new Error("the cache is down");
    const entry = entries.get(key);
    return entry !== undefined && entry.untilMs > clock.now() ? entry : undefined;
  };
  const cache = {
    isDown: false,
    entries,
    get: async (key: string) => live(key)?.value,
    set: async (key: string, value: Uint8Array, ttlMs: number) => {
      live(key);
      entries.set(key, { value, untilMs: clock.now() + ttlMs });
    },
    setIfAbsent: async (key: string, value: Uint8Array, ttlMs: number) => {
      if (live(key) !== undefined) return false;
      entries.set(key, { value, untilMs: clock.now() + ttlMs });
      return true;
    },
    increment: async (key: string, ttlMs: number) => {
      const entry = live(key) ?? { value: new Uint8Array(4), untilMs: clock.now() + ttlMs };
      const value = Uint8Array.from(entry.value);
      const view = new DataView(value.buffer);
      const sum = view.getUint32(0) + 1;
      view.setUint32(0, sum);
      entries.set(key, { ...entry, value });
      return sum;
    },
    setAndCount: async (absent: Expiring, count: Expiring) => {
      if (!(await cache.setIfAbsent(absent.key, new Uint8Array(), absent.ttlMs))) return undefined;
      return await cache.increment(count.key, count.ttlMs);
    },
    ring: async (topic: string, note?: Uint8Array) => {
      live(topic);
      for (const listener of listeners.get(topic) ?? []) listener(note === undefined ? [] : [note]);
    },
    onRing: (topic: string, listener: (notes: readonly Uint8Array[]) => void) => {
      const set = listeners.get(topic) ?? new Set();
      listeners.set(topic, set.add(listener));
      return () => void set.delete(listener);
    },
    lock: async (name: string, ttlMs: number) => {
      const isMine = await cache.setIfAbsent(`lock/${name}`, new Uint8Array(), ttlMs);
      return isMine ? { release: async () => void entries.delete(`lock/${name}`) } : undefined;
    },
    close: async () => {},
  };
  return cache;
}

/** An object store in memory, as far as records need one. */
export function mapObjects(): ObjectStore & { isDown: boolean; readonly held: Map<string, Uint8Array> } {
  const held = new Map<string, Uint8Array>();
  const up = (): void => {
    if (store.isDown) throw new Error("the store is down");
  };
  const infoOf = (key: string): ObjectInfo => ({ key, sizeBytes: held.get(key)?.length ?? 0, md5: "" });
  const unused = (): never => {
    throw new Error("records need no grants");
  };
  const store = {
    isDown: false,
    held,
    putIfAbsent: async (key: string, content: Uint8Array) => {
      up();
      if (held.has(key)) return false;
      held.set(key, content);
      return true;
    },
    hasConditionalPuts: async () => true,
    replace: async (key: string, content: Uint8Array) => {
      up();
      held.set(key, content);
    },
    get: async (key: string) => {
      up();
      return held.get(key);
    },
    head: async (key: string) => (held.has(key) ? infoOf(key) : undefined),
    list: async function* (prefix: string, afterKey = "") {
      up();
      for (const key of [...held.keys()].sort()) if (key.startsWith(prefix) && key > afterKey) yield infoOf(key);
    },
    grantUpload: unused,
    grantDownload: unused,
  };
  return store;
}

/** A store whose reads and listings are counted. */
export function countedObjects(objects: ObjectStore): ObjectStore & { reads: number } {
  const counted = {
    ...objects,
    reads: 0,
    get: (key: string) => {
      counted.reads += 1;
      return objects.get(key);
    },
    head: (key: string) => {
      counted.reads += 1;
      return objects.head(key);
    },
    list: (prefix: string, afterKey?: string) => {
      counted.reads += 1;
      return objects.list(prefix, afterKey);
    },
  };
  return counted;
}
