import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { LocalState } from "../../core/ports.js";
import { assertStateKey } from "./keys.js";

/** Flushes a folder's own entries, so that a name given in it survives a power cut. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** undefined instead of an error for what is not there. */
function whenThere<T>(promise: Promise<T>): Promise<T | undefined> {
  return promise.catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

/** A program's own files in a folder, which is made when it is not there. */
export function folderState(dir: string): LocalState {
  const pathOf = (key: string): string => join(dir, ...assertStateKey(key).split("/"));

  async function replace(key: string, content: Uint8Array, isDurable: boolean): Promise<void> {
    const path = pathOf(key);
    // A name with "~" is no valid key, so list() never shows a half-written file.
    const temporary = `${path}~${randomUUID()}`;
    const opened = await whenThere(open(temporary, "wx"));
    if (opened === undefined) await mkdir(dirname(path), { recursive: true });
    const handle = opened ?? (await open(temporary, "wx"));
    try {
      try {
        await handle.writeFile(content);
        if (isDurable) await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, path);
    } catch (error) {
      // Where the disk is full, a half-written file would keep it so.
      await rm(temporary, { force: true });
      throw error;
    }
    if (isDurable) await syncFolder(dirname(path));
  }

  return {
    async read(key) {
      const content = await whenThere(readFile(pathOf(key)));
      return content === undefined ? undefined : new Uint8Array(content);
    },
    write: (key, content) => replace(key, content, true),
    keep: (key, content) => replace(key, content, false),
    async list(prefix) {
      const within = prefix.slice(0, prefix.lastIndexOf("/") + 1);
      const root = within === "" ? dir : pathOf(within.slice(0, -1));
      const entries = await whenThere(readdir(root, { recursive: true, withFileTypes: true }));
      return (entries ?? [])
        .filter((entry) => entry.isFile() && !entry.name.includes("~"))
        .map((entry) => join(entry.parentPath, entry.name).slice(join(dir, "/").length))
        .filter((key) => key.startsWith(prefix))
        .sort();
    },
    async remove(prefix) {
      // A whole folder goes with what a killed process left half written in it, and leaves no empty folders.
      if (prefix.endsWith("/")) return rm(pathOf(prefix.slice(0, -1)), { recursive: true, force: true });
      for (const key of await this.list(prefix)) await rm(pathOf(key), { force: true });
    },
  };
}
