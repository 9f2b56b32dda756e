/**
 * Filling a page of an answer: as much as stock clients take, without keeping other calls waiting.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { MAX_PAGE_BYTES } from "../limits.js";

/** What a grant takes in a message besides its texts: its time and the encoding. */
const GRANT_BYTES = 32;

/** Signing this many addresses takes some 10 ms. */
const GRANTS_IN_A_TURN = 16;

/** The bytes of a page that are left. */
export interface PageBytes {
  /** Whether something of this size still fits. The first thing of a page always does. */
  take(bytes: number): boolean;
  /** As take, for a grant of these texts. Other calls have their turn now and then. */
  takeGrant(...texts: readonly string[]): Promise<boolean>;
}

/** An empty page. */
export function pageBytes(): PageBytes {
  let bytesLeft = MAX_PAGE_BYTES;
  let empty = true;
  let grants = 0;
  const take = (bytes: number): boolean => {
    if (!empty && bytes > bytesLeft) return false;
    bytesLeft -= bytes;
    empty = false;
    return true;
  };
  return {
    take,
    async takeGrant(...texts) {
      grants += 1;
      if (grants % GRANTS_IN_A_TURN === 0) await nextTurn();
      return take(texts.reduce((sum, text) => sum + text.length + 2, GRANT_BYTES));
    },
  };
}
