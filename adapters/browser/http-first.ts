/**
 * Plain HTTP first, and a browser for the pages that need one.
 */
import type { Page, PageReader } from "../../core/ports.js";

/** So many pages that needed the browser one after the other show that the site's pages do. */
const PAGES_THAT_SHOW_IT = 3;

/** What is read with. */
export interface HttpFirstOptions {
  readonly http: PageReader;
  /** Opens the browser; called once, when the first page needs it, and again after it failed. */
  readonly openBrowser: () => Promise<PageReader>;
  /** Whether a page that came by HTTP lacks what only a browser would make of it. Never true of a challenge. */
  readonly needsBrowser: (page: Page) => boolean;
}

/**
 * A page reader that opens in the browser only what HTTP does not give. A site whose pages always need the browser is
 * not asked twice for each. Closes both readers.
 */
export function httpFirstPages({ http, openBrowser, needsBrowser }: HttpFirstOptions): PageReader {
  let browser: Promise<PageReader> | undefined;
  let neededInARow = 0;

  async function readInBrowser(url: string, signal: AbortSignal): Promise<Page> {
    const opening = (browser ??= openBrowser());
    opening.catch(() => {
      if (browser === opening) browser = undefined;
    });
    return (await opening).read(url, signal);
  }

  return {
    async read(url, signal) {
      if (neededInARow >= PAGES_THAT_SHOW_IT) return readInBrowser(url, signal);
      const page = await http.read(url, signal);
      if (!needsBrowser(page)) {
        neededInARow = 0;
        return page;
      }
      neededInARow += 1;
      return readInBrowser(url, signal);
    },

    async close() {
      await http.close();
      await (await browser?.catch(() => undefined))?.close();
    },
  };
}
