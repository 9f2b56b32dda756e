/**
 * What every ListingSource must keep.
 */
import assert from "node:assert/strict";
import { sha256Hex, utf8ToBytes } from "../../core/hash.js";
import type { ListingSource, SearchPage } from "../../core/ports.js";

/** A source to test, and what is true of what it reads. */
export interface SourceUnderTest {
  readonly source: ListingSource;
  /** A zip code with more than one page of results. */
  readonly zipCode: string;
  /** Ids that the search of the zip code must show, in any order. */
  readonly expectedIds: readonly string[];
  /** Well formed, but no listing has it. */
  readonly unknownId: string;
  /** HTML of a page, so that its hash can be checked; undefined where the source reads no pages. */
  readonly html?: (url: string) => Promise<string>;
}

/** Reads a whole search. */
export async function allPages(source: ListingSource, zipCode: string, signal: AbortSignal): Promise<SearchPage[]> {
  const pages: SearchPage[] = [];
  for await (const page of source.search(zipCode, signal)) pages.push(page);
  return pages;
}

/** The suite. `open` is called once before it and `close` once after it. */
export function listingSourceContract(
  name: string,
  open: () => Promise<SourceUnderTest>,
  close: () => Promise<void> = async () => {},
): void {
  describe(`ListingSource contract: ${name}`, () => {
    let under: SourceUnderTest;
    const { signal } = new AbortController();

    before(async () => {
      under = await open();
    });
    after(close);

    it("shows all pages in order and every listing once", async () => {
      const pages = await allPages(under.source, under.zipCode, signal);
      assert.ok(pages.length > 1);
      assert.deepEqual(
        pages.map((page) => page.pageNumber),
        pages.map((_, index) => index + 1),
      );
      for (const page of pages) assert.ok(page.pageCount >= page.pageNumber && page.pageCount <= pages.length);
      assert.equal(pages.at(-1)?.pageCount, pages.length);
      const ids = pages.flatMap((page) => page.listings.map((listing) => listing.listingId));
      assert.deepEqual([...ids].sort(), [...under.expectedIds].sort());
    });

    it("claims as many results as there are", async () => {
      for (const page of await allPages(under.source, under.zipCode, signal)) {
        assert.equal(page.resultCount, under.expectedIds.length);
      }
    });

    it("gives ids in their one form, the zip code asked for, and the time of reading", async () => {
      for (const page of await allPages(under.source, under.zipCode, signal)) {
        for (const listing of page.listings) {
          assert.match(listing.listingId, /^[1-9]\d{0,19}$/);
          assert.equal(listing.zipCode, under.zipCode);
          assert.ok(listing.scrapedTime !== undefined);
        }
      }
    });

    it("finds a listing again by its id, with the fields that the search showed", async () => {
      const listing = (await allPages(under.source, under.zipCode, signal)).flatMap((page) => page.listings).at(-1);
      assert.ok(listing);
      const lookUp = await under.source.lookUp(listing.listingId, signal);
      assert.ok(lookUp.outcome === "found", JSON.stringify(lookUp.outcome));
      assert.deepEqual({ ...lookUp.listing, scrapedTime: undefined }, { ...listing, scrapedTime: undefined });
      assert.equal(lookUp.httpStatus, 200);
      assert.equal(lookUp.url, listing.url);
      if (under.html) assert.equal(lookUp.pageSha256, sha256Hex(utf8ToBytes(await under.html(lookUp.url))));
    });

    it("says that a listing which is not there is absent", async () => {
      const lookUp = await under.source.lookUp(under.unknownId, signal);
      assert.equal(lookUp.outcome, "absent");
      assert.equal(lookUp.httpStatus, 404);
    });

    it("stops with the signal's reason", async () => {
      const reason = new Error("enough");
      const aborted = AbortSignal.abort(reason);
      await assert.rejects(allPages(under.source, under.zipCode, aborted), reason);
      await assert.rejects(under.source.lookUp(under.expectedIds[0] ?? "1", aborted), reason);
      const controller = new AbortController();
      const reading = (async () => {
        for await (const page of under.source.search(under.zipCode, controller.signal)) {
          assert.equal(page.pageNumber, 1);
          controller.abort(reason);
        }
      })();
      await assert.rejects(reading, reason);
    });

    it("refuses what is not a zip code", async () => {
      for (const zipCode of ["9810", "981011", "9810a", "../98"]) {
        await assert.rejects(allPages(under.source, zipCode, signal), RangeError);
      }
    });
  });
}
