import type { LocalState } from "../../core/ports.js";
import { assertStateKey } from "./keys.js";

/** A program's own files in memory. */
export function memoryState(): LocalState {
  const files = new Map<string, Uint8Array>();
  const list = (prefix: string): string[] => [...files.keys()].filter((key) => key.startsWith(prefix)).sort();
  return {
    read: (key) => Promise.resolve(files.get(key)?.slice()),
    async write(key, content) {
      files.set(assertStateKey(key), content.slice());
    },
    list: (prefix) => Promise.resolve(list(prefix)),
    async remove(prefix) {
      for (const key of list(prefix)) files.delete(key);
    },
  };
}
