/**
 * Files that are written once: nothing is visible under a key before it is complete and on the disk, and of any
 * number of writers, in this process or another, exactly one wins.
 */
import { randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { ObjectInfo } from "../../../core/ports.js";
import { durableFolders, fileSums, ignoreCode, syncFolder, type FileState } from "./disk.js";
import { keysBelow } from "./listing.js";
import { namesOfKey } from "./key-path.js";

/** The objects below a folder. Keys are checked by the caller. */
export interface ObjectFiles {
  /** Opens a new file that no key leads to yet. */
  create(): Promise<DraftFile>;
  /** Where an object's content lies; undefined when there is none. */
  find(key: string): Promise<FoundFile | undefined>;
  /** What is known of an object that was found; reads it when its MD5 is not known yet. */
  info(found: FoundFile): Promise<ObjectInfo>;
  /** The whole content; undefined when there is none. */
  read(key: string): Promise<Uint8Array | undefined>;
  /** Keys under a prefix and after a key, ascending. */
  keys(prefix: string, afterKey: string): AsyncIterable<string>;
}

/** An object's file. */
interface FoundFile extends FileState {
  readonly key: string;
  readonly path: string;
}

/** A file on the way to become an object. */
export interface DraftFile {
  readonly handle: FileHandle;
  /** Gives the content its key, durably, unless the key is taken; whether it did. The draft is gone either way. */
  publish(key: string, md5: string): Promise<boolean>;
  /** Gives the content its key, durably, in the place of whatever had it. The draft is gone either way. */
  replace(key: string, md5: string): Promise<void>;
  /** Forgets the content. Does nothing after publish. */
  discard(): Promise<void>;
}

/** Drafts this old are left over from a process that died. */
const STALE_DRAFT_MS = 24 * 3600 * 1000;

/** Opens the files below dir, made when missing. nowMs is the time now, for tidying up drafts that were left behind. */
export async function openObjectFiles(dir: string, nowMs: number): Promise<ObjectFiles> {
  const root = join(dir, "objects");
  const drafts = join(dir, "drafts");
  for (const folder of [root, drafts]) await mkdir(folder, { recursive: true });
  await syncFolder(dir);
  await removeStaleDrafts(drafts, nowMs);
  const sums = fileSums();
  const folders = durableFolders();

  /** Brings a draft's content to the disk, and makes the folder of its key. */
  async function ready(handle: FileHandle, key: string): Promise<{ folder: string; path: string; state: FileState }> {
    const names = namesOfKey(key);
    await handle.sync();
    const { size, mtimeMs } = await handle.stat();
    const folder = await folders.make(root, names.slice(0, -1));
    return { folder, path: join(folder, names.at(-1) ?? ""), state: { sizeBytes: size, mtimeMs } };
  }

  async function publish(draft: string, handle: FileHandle, key: string, md5: string): Promise<boolean> {
    const { folder, path, state } = await ready(handle, key);
    const won = (await link(draft, path).then(() => true, ignoreCode("EEXIST"))) ?? false;
    // The loser waits for the disk too: what it is told to be there must not vanish.
    await syncFolder(folder);
    if (won) sums.remember(path, state, md5);
    return won;
  }

  async function replace(draft: string, handle: FileHandle, key: string, md5: string): Promise<void> {
    const { folder, path, state } = await ready(handle, key);
    await rename(draft, path);
    await syncFolder(folder);
    sums.remember(path, state, md5);
  }

  return {
    async create() {
      const draft = join(drafts, randomUUID());
      const handle = await open(draft, "wx");
      let isOpen = true;
      const discard = async (): Promise<void> => {
        if (!isOpen) return;
        isOpen = false;
        await handle.close();
        await rm(draft, { force: true });
      };
      return {
        handle,
        discard,
        async publish(key, md5) {
          try {
            return await publish(draft, handle, key, md5);
          } finally {
            await discard();
          }
        },
        async replace(key, md5) {
          try {
            await replace(draft, handle, key, md5);
          } finally {
            await discard();
          }
        },
      };
    },
    async find(key) {
      const path = join(root, ...namesOfKey(key));
      const stats = await stat(path).catch(ignoreCode("ENOENT"));
      return stats === undefined ? undefined : { key, path, sizeBytes: stats.size, mtimeMs: stats.mtimeMs };
    },
    async info(found) {
      return { key: found.key, sizeBytes: found.sizeBytes, md5: await sums.of(found.path, found) };
    },
    async read(key) {
      const content = await readFile(join(root, ...namesOfKey(key))).catch(ignoreCode("ENOENT"));
      return content === undefined ? undefined : new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
    },
    keys: (prefix, afterKey) => keysBelow(root, prefix, afterKey),
  };
}

async function removeStaleDrafts(drafts: string, nowMs: number): Promise<void> {
  for (const name of await readdir(drafts)) {
    const path = join(drafts, name);
    const stats = await stat(path).catch(ignoreCode("ENOENT"));
    if (stats !== undefined && stats.mtimeMs < nowMs - STALE_DRAFT_MS) await rm(path, { force: true });
  }
}
