import assert from "node:assert/strict";
import { listingFiles } from "../adapters/parquet/listing-files.js";
import { fetchPages, openTestSite } from "../adapters/source/site.test-support.js";
import { zillowShapedSource } from "../adapters/source/zillow-shape/source.js";
import { memoryState } from "../adapters/state/memory-state.js";
import type { PageReader } from "../core/ports.js";
import { randomSequence } from "../core/random.js";
import { mortalState, startMiner, until } from "./run.test-support.js";
import { savedWork } from "./work/saved-work.js";
import { type World, startWorld } from "./world.test-support.js";

const DEATHS = 10;
const { signal } = new AbortController();

describe("a miner that is killed again and again while it reads a site", () => {
  let world: World;
  let site: Awaited<ReturnType<typeof openTestSite>>;
  before(async () => {
    world = await startWorld();
    site = await openTestSite({ clock: world.clock });
  });
  after(async () => {
    await site.close();
    await world.close();
  });

  /** The zip codes of the site with the most homes, so that searches have several pages. */
  function fullZipCodes(count: number): string[] {
    const nowMs = world.clock.now();
    const counted = site.homes
      .zipCodes()
      .map((zipCode) => ({ zipCode, homes: site.homes.countOnMarket(zipCode, nowMs) }));
    const fullest = counted.toSorted((a, b) => b.homes - a.homes).slice(0, count);
    return fullest.map(({ zipCode }) => zipCode).toSorted();
  }

  it("submits what the site shows, and asks for no page of a finished zip code twice", async function () {
    this.timeout(60_000);
    const zipCodes = fullZipCodes(4);
    const { epoch, record } = world.epoch(0, zipCodes);
    const asked: string[] = [];
    const inner = memoryState();
    const random = randomSequence(new TextEncoder().encode("killed pages"));

    /** One life: it ends after so many pages, or with the receipt. */
    async function live(pagesToLive: number): Promise<boolean> {
      const state = mortalState(inner, undefined);
      let pages = 0;
      const reader: PageReader = {
        async read(url) {
          if (pages >= pagesToLive) state.kill();
          if (state.dead) throw new Error("the process is dead");
          pages += 1;
          asked.push(url);
          return fetchPages.read(url, signal);
        },
        close: () => Promise.resolve(),
      };
      const source = (around: (pages: PageReader) => PageReader) =>
        zillowShapedSource({ origin: site.url, pages: around(reader), clock: world.clock, retries: 0 });
      const miner = startMiner(world, { state, source }, { reportProgress: false, concurrency: 2 });
      if ((await inner.list("epochs/")).length === 0) await miner.deliver({ kind: "epoch", epoch, record });
      await until(() => state.dead || miner.of("finalized").length === 1);
      await miner.stop().catch(() => undefined);
      return miner.of("finalized").length === 1;
    }
    for (let life = 0; life <= DEATHS; life += 1) {
      const finished = (await savedWork(inner, epoch.id).scraped()).map(({ zipCode }) => zipCode);
      const askedBefore = asked.length;
      assert.equal(await live(life < DEATHS ? 1 + random.below(4) : Infinity), life === DEATHS);
      const again = asked.slice(askedBefore).filter((url) => finished.some((zipCode) => url.includes(zipCode)));
      assert.deepEqual(again, []);
    }

    const repeats = asked.length - new Set(asked).size;
    // Of unfinished ones, too, only what was not kept yet when the miner died: two searches go on at a time.
    assert.ok(repeats <= 2 * DEATHS, `${repeats} of ${asked.length} pages twice`);
    const manifest = world.submissions.get(epoch.id)?.manifest;
    for (const [index, { key, zipCode }] of (manifest?.objects ?? []).entries()) {
      assert.equal(zipCode, zipCodes[index]);
      const { listings } = await listingFiles().decode((await world.objects.get(key)) ?? assert.fail(key));
      assert.deepEqual(
        listings.map(({ listingId }) => listingId).toSorted(),
        site.homes
          .onMarket(zipCode, world.clock.now())
          .map(({ listing }) => listing.listingId)
          .toSorted(),
      );
    }
    assert.equal(manifest?.objects.length, zipCodes.length);
  });
});
