import type { LocalState } from "../../core/ports.js";
import { assertStateKey } from "./keys.js";

/** A program's own files in memory. */
export function memoryState(): LocalState {
  const files = new Map<string, Uint8Array>();
  const list = (prefix: string): string[] => [...files.keys()].filter((key) => key.startsWith(prefix)).sort();
  const write = async (key: string, content: Uint8Array): Promise<void> => {
    files.set(assertStateKey(key), content.slice());
  };
  return {
    read: (key) => Promise.resolve(files.get(key)?.slice()),
    write,
    keep: write,
    list: (prefix) => Promise.resolve(list(prefix)),
    async remove(prefix) {
      for (const key of list(prefix)) files.delete(key);
    },
  };
}
