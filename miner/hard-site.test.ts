/**
 * Whole miners before sites that misbehave: each ends with the right data or the right status, stays within its rate, and
 * leaves a site alone that gives nothing.
 */
import assert from "node:assert/strict";
import { systemClock } from "../adapters/clock/system-clock.js";
import type { PageReader } from "../core/ports.js";
import { ProgressPhase } from "../gen/zipnet/v1/submission_pb.js";
import { type HardWorld, assertWithinRate, withHardSite } from "./hard-site.test-support.js";
import { untilLater } from "./run.test-support.js";
import { EPOCH_LENGTH_MS } from "./world.test-support.js";

const ALL = 10_000;
/**
 * Resolves once the miner has ended its work. The world's time goes by so many times as quickly as the machine's, so that
 * a busy machine makes no answer later in the world.
 */
async function ends({ world, miner }: HardWorld, speed = 20): Promise<void> {
  const since = { worldMs: world.clock.now(), realMs: systemClock.now() };
  while (miner.of("finalized").length + miner.of("epoch_failed").length === 0) {
    await world.clock.advanceTo(since.worldMs + speed * (systemClock.now() - since.realMs));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("a miner whose site misbehaves", function () {
  this.timeout(60_000);

  for (const source of ["zillow-shape", "csv-export"] as const) {
    it(`submits what the site shows, within its rate, through errors, stalls, cut off and changed pages: ${source}`, () => {
      const rates = {
        errorRateBps: 800,
        limitedRateBps: 300,
        retryAfterSeconds: 4,
        stallRateBps: 200,
        truncatedRateBps: 500,
        changedRateBps: 100,
      };
      // So few that none is given up for the sake of the others' speed.
      return withHardSite({ source, rates, zipCodes: 6 }, async (under) => {
        await ends(under);
        assert.deepEqual(await under.submitted(), under.zipCodes);
        assert.deepEqual(under.miner.of("blocked"), []);
        assertWithinRate(under.asked);
        const met = new Set(under.asked.map(({ disturbance }) => disturbance));
        for (const kind of ["error", "limited", "truncated"] as const) assert.ok(met.has(kind), [...met].join());
        // A 429 says to leave the site alone for 4 seconds; what was under way by then may still arrive.
        for (const { disturbance, timeMs } of under.asked) {
          if (disturbance !== "limited") continue;
          const meanwhile = under.asked.filter((next) => next.timeMs > timeMs && next.timeMs < timeMs + 3_900);
          assert.ok(meanwhile.length <= 2, `${meanwhile.length} requests after a 429`);
        }
      });
    });
  }

  it("says that the site has changed, and submits nothing, where its shape is another from the start", () =>
    withHardSite({ source: "zillow-shape", rates: { changedRateBps: ALL }, zipCodes: 20 }, async (under) => {
      await ends(under);
      const { miner, world, asked } = under;
      assert.deepEqual(await under.submitted(), []);
      assert.match(miner.of("blocked")[0]?.reason ?? "", /SOURCE_CHANGED: .*listResults is missing/);
      assert.match(miner.of("epoch_failed")[0]?.reason ?? "", /listResults is missing/);
      await untilLater(world, () => world.progress.at(-1)?.phase === ProgressPhase.FAILED);
      assert.deepEqual(miner.of("zip_code_scraped"), []);
      assert.ok(asked.length <= 10, `${asked.length} requests`);
    }));

  it("submits what was whole before the site changed for good, and leaves it alone then", () =>
    withHardSite({ source: "zillow-shape", rates: { changedAfterPages: 60 }, zipCodes: 20 }, async (under) => {
      await ends(under);
      const { miner, asked } = under;
      const submitted = await under.submitted();
      assert.ok(submitted.length > 2 && submitted.length < under.zipCodes.length, `${submitted.length}`);
      assert.match(miner.of("blocked")[0]?.reason ?? "", /SOURCE_CHANGED/);
      assert.equal(miner.of("sealed")[0]?.missing, under.zipCodes.length - submitted.length);
      assert.ok(asked.length <= 60 + 10, `${asked.length} requests`);
      assertWithinRate(asked);
    }));

  it("takes pages without results for a change, not for an empty market", () => {
    let pagesRead = 0;
    const between = (pages: PageReader): PageReader => ({
      ...pages,
      async read(url, signal) {
        const page = await pages.read(url, signal);
        pagesRead += 1;
        if (pagesRead <= 60) return page;
        const html = page.html
          .replace(/"totalResultCount":\d+/, '"totalResultCount":0')
          .replace(/"listResults":\[.*\](?=\},"searchList")/, '"listResults":[]');
        return { ...page, html };
      },
    });
    return withHardSite({ source: "zillow-shape", zipCodes: 20, between }, async (under) => {
      await ends(under);
      const submitted = await under.submitted();
      assert.ok(submitted.length > 2 && submitted.length < under.zipCodes.length, `${submitted.length}`);
      assert.match(under.miner.of("blocked")[0]?.reason ?? "", /SOURCE_CHANGED: .*none any more in zip code/);
    });
  });

  it("asks a site that only challenges once, and not again in this epoch", () =>
    withHardSite({ source: "zillow-shape", rates: { challengeRateBps: ALL }, zipCodes: 20 }, async (under) => {
      await ends(under);
      const { miner, world, asked } = under;
      assert.match(miner.of("blocked")[0]?.reason ?? "", /SOURCE_BLOCKED: .*challenged/);
      await world.clock.advanceTo(world.clock.now() + EPOCH_LENGTH_MS / 2);
      assert.equal(asked.length, 1);
      assert.deepEqual(await under.submitted(), []);
    }));

  for (const [what, rates] of Object.entries({
    "answers nothing but errors": { errorRateBps: ALL },
    "says that there are too many requests": { limitedRateBps: ALL },
    "cuts every page off": { truncatedRateBps: ALL },
  })) {
    it(`asks a site rarely that ${what}, and submits nothing`, () =>
      withHardSite({ source: "zillow-shape", rates, zipCodes: 20 }, async (under) => {
        await ends(under, 200);
        const { asked, miner } = under;
        assert.deepEqual(await under.submitted(), []);
        assert.equal(miner.of("epoch_failed").length, 1);
        // At its rate it would have asked 1,200 times.
        assert.ok(asked.length < 120, `${asked.length} requests`);
        assertWithinRate(asked);
      }));
  }
});
