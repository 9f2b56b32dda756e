import assert from "node:assert/strict";
import { manualClock } from "../../adapters/clock/manual-clock.js";
import { fetchPages, fullestZipCode, openTestSite } from "../../adapters/source/site.test-support.js";
import { zillowShapedSource } from "../../adapters/source/zillow-shape/source.js";
import { memoryState } from "../../adapters/state/memory-state.js";
import { ZipnetError } from "../../core/errors.js";
import type { LocalState, Page, PageReader } from "../../core/ports.js";
import { START_MS } from "../../core/samples.test-support.js";
import { pageMemory } from "./page-memory.js";
import { scrapeZipCode } from "./scrape.js";

const { signal } = new AbortController();
const EPOCH_ID = "20261122T120000Z";

/** A reader that notes what is asked of it. */
function noting(read: (url: string) => Page | Promise<Page>): PageReader & { readonly urls: string[] } {
  const urls: string[] = [];
  return {
    urls,
    async read(url) {
      urls.push(url);
      return read(url);
    },
    close: () => Promise.resolve(),
  };
}

const pageOf = (url: string): Page => ({ url, status: 200, html: `<p>${url}` });

describe("the memory of a search's pages", () => {
  let state: LocalState;
  const clock = manualClock(START_MS);
  const open = (zipCode = "98101") => pageMemory(state, EPOCH_ID, zipCode, clock);
  beforeEach(() => {
    state = memoryState();
  });

  it("answers what was accepted, with the time it was read, also after a crash", async () => {
    const reader = noting(pageOf);
    const first = open();
    await first.around(reader).read("http://a/1", signal);
    await first.accept();
    await first.around(reader).read("http://a/2", signal);
    await first.accept();
    await first.settled();
    const readTimeMs = clock.now();
    await clock.advanceTo(readTimeMs + 60_000);

    const second = open();
    const again = noting(pageOf);
    const pages = second.around(again);
    assert.deepEqual(await pages.read("http://a/1", signal), { ...pageOf("http://a/1"), readTimeMs });
    await pages.read("http://a/2", signal);
    assert.equal(second.recalled, 2);
    assert.deepEqual(again.urls, []);
  });

  it("keeps nothing that the search did not go on from, nothing for another zip code, and nothing once forgotten", async () => {
    const first = open();
    await first.around(noting(pageOf)).read("http://a/1", signal);
    await first.accept();
    await first.settled();
    await first.around(noting(pageOf)).read("http://a/2", signal);

    const reader = noting(pageOf);
    await open().around(reader).read("http://a/2", signal);
    await open("98103").around(reader).read("http://a/1", signal);
    await first.forget();
    await open().around(reader).read("http://a/1", signal);
    assert.deepEqual(reader.urls, ["http://a/2", "http://a/1", "http://a/1"]);
    assert.deepEqual(await state.list(""), []);
  });

  it("reads again what it cannot keep or cannot read", async () => {
    const full: LocalState = { ...memoryState(), keep: () => Promise.reject(new Error("the disk is full")) };
    const failing = pageMemory(full, EPOCH_ID, "98101", clock);
    await failing.around(noting(pageOf)).read("http://a/1", signal);
    await failing.accept();
    await failing.settled();

    const memory = open();
    await memory.around(noting(pageOf)).read("http://a/1", signal);
    await memory.accept();
    await memory.settled();
    const [key = ""] = await state.list("work/");
    await state.write(key, new Uint8Array([1, 2, 3]));
    const reader = noting(pageOf);
    await open().around(reader).read("http://a/1", signal);
    assert.deepEqual(reader.urls, ["http://a/1"]);
  });

  it("lets a search that fails at any page go on there, and find the same", async () => {
    const site = await openTestSite({ clock });
    try {
      const zipCode = fullestZipCode(site.homes, clock.now());
      const scrapeOver = async (pages: PageReader) => {
        const memory = open(zipCode);
        const source = zillowShapedSource({ origin: site.url, pages: memory.around(pages), clock, retries: 0 });
        try {
          return await scrapeZipCode(source, zipCode, signal, () => memory.accept());
        } finally {
          await memory.settled();
        }
      };
      const whole = noting((url) => fetchPages.read(url, signal));
      const found = await scrapeOver(whole);
      assert.ok(whole.urls.length >= 3, `${whole.urls.length} pages`);

      for (const broken of whole.urls) {
        state = memoryState();
        let isBroken = true;
        const site = noting((url) => {
          if (url === broken && isBroken) throw new ZipnetError("UNAVAILABLE", "no answer");
          return fetchPages.read(url, signal);
        });
        await assert.rejects(scrapeOver(site), /no answer/);
        isBroken = false;
        assert.deepEqual(await scrapeOver(site), found);
        const asked = new Map(site.urls.map((url) => [url, site.urls.filter((other) => other === url).length]));
        assert.deepEqual([...asked].filter(([url, times]) => times !== (url === broken ? 2 : 1)), []); // prettier-ignore
      }
    } finally {
      await site.close();
    }
  });
});
