/**
 * A lock on a folder: one process at a time. The lock is a file that names its holder; a holder that died without
 * removing it (SIGKILL, power loss) is recognized and its lock taken over.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Folders that this process holds: its own process number in a lock file does not tell whether it is ours or left over. */
const heldHere = new Set<string>();

/**
 * Takes the lock of a folder that exists. Returns how to give it back. Throws an Error that names the holder when a
 * living process holds it.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, "lock");
  const own = join(folder, `lock.${process.pid}`);
  if (heldHere.has(path)) throw new Error(`${folder} is in use by this process already`);
  writeFileSync(own, `${process.pid} ${startOf(process.pid)}\n`);
  try {
    // Unlike writing, linking fails when the file is there, and the file is never seen half written.
    linkSync(own, path);
    rmSync(own);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const holder = livingHolder(path);
    if (holder !== undefined) {
      rmSync(own);
      throw new Error(`${folder} is in use by process ${holder}; stop it, or use another folder`, { cause: error });
    }
    renameSync(own, path);
  }
  heldHere.add(path);
  return () => {
    if (heldHere.delete(path)) rmSync(path, { force: true });
  };
}

function livingHolder(path: string): number | undefined {
  const [pidText = "", start = ""] = readFileSync(path, "utf8").trim().split(" ");
  const pid = Number(pidText);
  // In a container a restarted program often gets the same process number again.
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid || !isAlive(pid)) return undefined;
  return start === startOf(pid) ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process started, in the kernel's ticks, to tell it from a later one with its number. "-" where unknown. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in brackets and may hold spaces; the start is the 22nd field.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-";
  } catch {
    return "-";
  }
}
