/**
 * Records in one file, so that thousands of them are no part of the memory that is measured. Not durable, and fast: a
 * disk that syncs would be measured instead of the server.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import type { ObjectStore } from "../../core/ports.js";

/** Opens a store over a new file, which is gone when the process is. */
export function fileObjects(path: string): ObjectStore {
  const file = openSync(path, "w+");
  unlinkSync(path);
  process.once("exit", () => closeSync(file));
  const places = new Map<string, { readonly offset: number; readonly length: number }>();
  /** Ascending. */
  const keys: string[] = [];
  let end = 0;

  const unused = async (): Promise<never> => {
    throw new TypeError("a bench writes records, once, and grants nothing");
  };
  const infoOf = (key: string) => ({ key, sizeBytes: places.get(key)?.length ?? 0, md5: "" });

  return {
    async putIfAbsent(key, content) {
      if (places.has(key)) return false;
      writeSync(file, content, 0, content.length, end);
      places.set(key, { offset: end, length: content.length });
      end += content.length;
      keys.splice(firstAfter(keys, key), 0, key);
      return true;
    },
    hasConditionalPuts: async () => true,
    replace: unused,
    async get(key) {
      const place = places.get(key);
      if (place === undefined) return undefined;
      const content = new Uint8Array(place.length);
      readSync(file, content, 0, place.length, place.offset);
      return content;
    },
    head: async (key) => (places.has(key) ? infoOf(key) : undefined),
    async *list(prefix, afterKey = "") {
      for (let index = firstAfter(keys, afterKey < prefix ? prefix : afterKey); index < keys.length; index += 1) {
        const key = keys[index] ?? "";
        if (!key.startsWith(prefix)) return;
        yield infoOf(key);
      }
    },
    grantUpload: unused,
    grantDownload: unused,
  };
}

/** Index of the first key after another, in ascending keys. */
function firstAfter(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? "") > key) high = middle;
    else low = middle + 1;
  }
  return low;
}
