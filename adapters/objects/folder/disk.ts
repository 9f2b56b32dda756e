/** What the folder store asks of the file system: durable folders, and errors told apart by code. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";

/** How many folders and MD5 sums are remembered at most; beyond that, all are forgotten and found again. */
const REMEMBERED = 100_000;

/** Makes folders and remembers which are on the disk already. */
export interface DurableFolders {
  /** Makes the folders one below the other, each durable once resolved; the path of the last. */
  make(root: string, names: readonly string[]): Promise<string>;
}

/** Nobody may remove folders below the root while this remembers them, but those in which nothing is made any more. */
export function durableFolders(): DurableFolders {
  const synced = new Set<string>();
  return {
    async make(root, names) {
      let folder = root;
      for (const name of names) {
        const parent = folder;
        folder = join(parent, name);
        if (synced.has(folder)) continue;
        await mkdir(folder).catch(ignoreCode("EEXIST"));
        await syncFolder(parent);
        if (synced.size >= REMEMBERED) synced.clear();
        synced.add(folder);
      }
      return folder;
    },
  };
}

/** A file's size and the time of its last change: as long as both are the same, so is its content. */
export interface FileState {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

/** MD5 sums of files, remembered. */
export interface FileSums {
  /** The file's MD5, 32 lower-case hexadecimal digits; reads the file when it is not known in this state. */
  of(path: string, state: FileState): Promise<string>;
  remember(path: string, state: FileState, md5: string): void;
}

/** Knows no sums at first. */
export function fileSums(): FileSums {
  const sums = new Map<string, FileState & { readonly md5: string }>();
  const remember = (path: string, { sizeBytes, mtimeMs }: FileState, md5: string): void => {
    if (sums.size >= REMEMBERED) sums.clear();
    sums.set(path, { sizeBytes, mtimeMs, md5 });
  };
  return {
    remember,
    async of(path, state) {
      const known = sums.get(path);
      if (known !== undefined && known.mtimeMs === state.mtimeMs && known.sizeBytes === state.sizeBytes)
        return known.md5;
      const hash = createHash("md5");
      for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
      const md5 = hash.digest("hex");
      remember(path, state, md5);
      return md5;
    },
  };
}

/** Brings a folder's entries to the disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** For catch(): undefined for the error with this code, every other one is thrown on. */
export function ignoreCode(code: string): (error: unknown) => undefined {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code === code) return undefined;
    throw error;
  };
}
