/** Deleting the listings of old epochs from a folder store. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DataRetention } from "../../../core/ports.js";
import { ignoreCode } from "./disk.js";

interface Sweepable {
  readonly path: string;
  readonly epochId: string;
}

interface Amount {
  readonly objects: number;
  readonly bytes: number;
}

/**
 * Deletes data/hotkey=.../epoch=.../ of the epochs that may be. Nothing is uploaded there any more, so a server that uses
 * the folder goes on undisturbed; several may sweep at once. The miners' own folders stay.
 */
export function folderRetention(dir: string): DataRetention {
  const data = join(dir, "objects", "data");
  return {
    async apply({ mayDelete }, dryRun) {
      const found = new Map<string, { objects: number; bytes: number }>();
      for await (const { path, epochId } of epochFolders(data)) {
        if (!mayDelete(epochId)) continue;
        const { objects, bytes } = await amountBelow(path);
        if (!dryRun) await rm(path, { recursive: true, force: true });
        const sum = found.get(epochId) ?? { objects: 0, bytes: 0 };
        found.set(epochId, { objects: sum.objects + objects, bytes: sum.bytes + bytes });
      }
      const epochs = [...found].map(([epochId, amount]) => ({ epochId, ...amount }));
      return { kind: "sweep", epochs: epochs.sort((a, b) => (a.epochId < b.epochId ? -1 : 1)) };
    },
  };
}

/** Folders below another one whose name begins so, with what follows. Links are left alone. */
async function foldersNamed(folder: string, prefix: string): Promise<{ path: string; rest: string }[]> {
  const entries = (await readdir(folder, { withFileTypes: true }).catch(ignoreCode("ENOENT"))) ?? [];
  return entries
    .filter((entry) => entry.isDirectory() && entry.name.startsWith(prefix))
    .map(({ name }) => ({ path: join(folder, name), rest: name.slice(prefix.length) }));
}

async function* epochFolders(data: string): AsyncGenerator<Sweepable> {
  for (const miner of await foldersNamed(data, "hotkey=")) {
    for (const { path, rest } of await foldersNamed(miner.path, "epoch=")) yield { path, epochId: rest };
  }
}

async function amountBelow(folder: string): Promise<Amount> {
  let objects = 0;
  let bytes = 0;
  for (const entry of (await readdir(folder, { withFileTypes: true }).catch(ignoreCode("ENOENT"))) ?? []) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const below = await amountBelow(path);
      objects += below.objects;
      bytes += below.bytes;
    } else {
      objects += 1;
      bytes += (await stat(path).catch(ignoreCode("ENOENT")))?.size ?? 0;
    }
  }
  return { objects, bytes };
}
