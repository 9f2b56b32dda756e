/** Walking the folder in the order of the keys. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { partOfName } from "./key-path.js";

/** Keys of the files below a folder that begin with the prefix and come after a key, ascending; "" for the first. */
export function keysBelow(root: string, prefix: string, afterKey: string): AsyncGenerator<string> {
  return walk(root, "", prefix, afterKey);
}

/** part: what the keys of all files in the folder begin with. Descends only where a key can fit. */
async function* walk(folder: string, part: string, prefix: string, afterKey: string): AsyncGenerator<string> {
  for (const { key, path, isFile } of await entriesOf(folder, part)) {
    if (isFile) {
      if (key.startsWith(prefix) && key > afterKey) yield key;
      continue;
    }
    const mayMatch = key.startsWith(prefix) || prefix.startsWith(key);
    const mayFollow = key > afterKey || afterKey.startsWith(key);
    if (mayMatch && mayFollow) yield* walk(path, key, prefix, afterKey);
  }
}

interface Entry {
  /** The whole key of a file; of a folder what its keys begin with, a slash at the end. */
  readonly key: string;
  readonly path: string;
  readonly isFile: boolean;
}

/** A folder that goes on with a long segment is read in place: its keys stand between those of its neighbours. */
async function entriesOf(folder: string, part: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const { text, continues } = partOfName(entry.name);
    if (continues) entries.push(...(await entriesOf(path, part + text)));
    else entries.push({ key: part + text + (entry.isFile() ? "" : "/"), path, isFile: entry.isFile() });
  }
  return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
}
