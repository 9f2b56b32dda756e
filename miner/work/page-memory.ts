/**
 * Pages that a zip code's search has read and gone on from. They are kept until the zip code's file is, so that a miner
 * that is killed, or meets a failure, asks the site for nothing twice.
 */
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { sha256Hex, utf8ToBytes } from "../../core/hash.js";
import type { Clock, LocalState, Page, PageReader } from "../../core/ports.js";
import { workPrefix } from "./saved-work.js";

const zip = promisify(gzip);
const unzip = promisify(gunzip);
/** Pages are kept for minutes only: speed counts. */
const COMPRESSION = { level: 1 };

/** The memory of one search. */
export interface PageMemory {
  /** A reader that answers from memory what was accepted before, and reads the rest. Closing it does nothing. */
  readonly around: (pages: PageReader) => PageReader;
  /** Pages that were answered from memory so far. */
  readonly recalled: number;
  /**
   * What was read since the last call was in order: it is kept. Resolves once the call before is done. Best effort: a
   * page that cannot be kept would only be read again.
   */
  accept(): Promise<void>;
  /** Resolves once everything that was accepted is kept. */
  settled(): Promise<void>;
  /** Removes what is kept. */
  forget(): Promise<void>;
}

/** The memory of a zip code's search, in the local state of an epoch's work. */
export function pageMemory(state: LocalState, epochId: string, zipCode: string, clock: Clock): PageMemory {
  const prefix = `${workPrefix(epochId)}pages/${zipCode}/`;
  const keyOf = (url: string): string => `${prefix}${sha256Hex(utf8ToBytes(url))}.json.gz`;
  let unproven = new Map<string, Page>();
  let writing = Promise.resolve();
  let recalled = 0;

  async function recall(url: string): Promise<Page | undefined> {
    const bytes = await state.read(keyOf(url));
    if (bytes === undefined) return undefined;
    const page = JSON.parse((await unzip(bytes)).toString()) as Page;
    recalled += 1;
    return page;
  }
  async function keep(pages: ReadonlyMap<string, Page>): Promise<void> {
    for (const [url, page] of pages) await state.keep(keyOf(url), await zip(JSON.stringify(page), COMPRESSION));
  }

  return {
    around: (pages) => ({
      async read(url, signal) {
        signal.throwIfAborted();
        const known = await recall(url).catch(() => undefined); // Then it is read again.
        if (known !== undefined) return known;
        const page = { ...(await pages.read(url, signal)), readTimeMs: clock.now() };
        unproven.set(url, page);
        return page;
      },
      close: () => Promise.resolve(),
    }),
    get recalled() {
      return recalled;
    },
    accept() {
      const before = writing;
      const accepted = unproven;
      unproven = new Map();
      if (accepted.size > 0) writing = before.then(() => keep(accepted)).catch(() => undefined);
      return before;
    },
    settled: () => writing,
    async forget() {
      await writing;
      await state.remove(prefix);
    },
  };
}
