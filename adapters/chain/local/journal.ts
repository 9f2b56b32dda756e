/**
 * The journal: every event of the chain, one line of JSON each, on disk before it counts.
 */
import {
  appendFileSync,
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { decodeEvent, encodeEvent, type LedgerEvent } from "./events.js";
import { lockFolder } from "./lock.js";

/** An open journal. */
export interface Journal {
  /** What it held when it was opened, in order. */
  readonly events: readonly LedgerEvent[];
  /** Adds an event; durable once it returns. When it throws, the event is not in the journal. */
  append(event: LedgerEvent): void;
  /** Closes the file and lets other processes have the folder. */
  close(): void;
}

/**
 * Opens the journal of a folder, which is made when it is missing and belongs to this process until close. A last line
 * that a crash cut off never counted and is removed. Throws an Error for a folder in use or a damaged journal.
 */
export function openJournal(folder: string): Journal {
  mkdirSync(folder, { recursive: true });
  const unlock = lockFolder(folder);
  const path = join(folder, "journal.jsonl");
  const file = openSync(path, "a+");
  const close = (): void => {
    closeSync(file);
    unlock();
  };
  try {
    const content = readFileSync(path);
    let length = content.lastIndexOf("\n") + 1;
    if (length < content.length) ftruncateSync(file, length);
    syncFolders(folder);
    const events = decodeLines(content.subarray(0, length).toString("utf8"), path);
    return {
      events,
      append(event) {
        const line = Buffer.from(`${encodeEvent(event)}\n`);
        try {
          appendFileSync(file, line);
          fdatasyncSync(file);
        } catch (error) {
          // Half a line in the middle would make the whole journal unreadable.
          ftruncateSync(file, length);
          throw error;
        }
        length += line.length;
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function decodeLines(text: string, path: string): LedgerEvent[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line, index) => {
    try {
      return decodeEvent(line);
    } catch (cause) {
      throw new Error(`${path} is damaged at line ${index + 1}: ${(cause as Error).message}`, { cause });
    }
  });
}

/** Makes the file's and the folder's names survive a power loss. */
function syncFolders(folder: string): void {
  for (const path of [folder, dirname(folder)]) {
    const handle = openSync(path, "r");
    fsyncSync(handle);
    closeSync(handle);
  }
}
