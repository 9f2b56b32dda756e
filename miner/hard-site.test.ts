/**
 * Whole miners before sites that misbehave: each ends with the right data or the right status, stays within its rate, and
 * leaves a site alone that gives nothing.
 */
import assert from "node:assert/strict";
import type { PageReader } from "../core/ports.js";
import { ProgressPhase } from "../gen/zipnet/v1/submission_pb.js";
import { type HardWorld, assertWithinRate, withHardSite } from "./hard-site.test-support.js";
import { untilLater } from "./run.test-support.js";
import { EPOCH_LENGTH_MS } from "./world.test-support.js";

const ALL = 10_000;
/** Longer than elsewhere: pauses of minutes are waited for. */
const STEP_MS = 40;

function ends({ world, miner }: HardWorld): Promise<void> {
  return untilLater(world, () => miner.of("finalized").length + miner.of("epoch_failed").length > 0, STEP_MS);
}

/** Milliseconds between one request and the next. */
function gapsOf({ asked }: HardWorld): number[] {
  return asked.slice(1).map(({ timeMs }, index) => timeMs - (asked[index]?.timeMs ?? 0));
}

/** The median gap of the last third of the requests. */
function lateGapMs(under: HardWorld): number {
  const gaps = gapsOf(under);
  const late = gaps.slice(-Math.ceil(gaps.length / 3)).toSorted((one, other) => one - other);
  return late[Math.floor(late.length / 2)] ?? 0;
}

describe("a miner whose site misbehaves", function () {
  this.timeout(60_000);

  for (const source of ["zillow-shape", "csv-export"] as const) {
    it(`submits what the site shows, within its rate, through errors, stalls, cut off and changed pages: ${source}`, () => {
      const rates = {
        errorRateBps: 800,
        limitedRateBps: 300,
        retryAfterSeconds: 4,
        stallRateBps: 300,
        truncatedRateBps: 500,
        changedRateBps: 300,
      };
      return withHardSite({ source, rates, zipCodes: 12 }, async (under) => {
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
          assert.ok(meanwhile.length <= 1, `${meanwhile.length} requests after a 429`);
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
      assert.ok(asked.length <= 6, `${asked.length} requests`);
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
    it(`asks a site less and less that ${what}, and submits nothing`, () =>
      withHardSite({ source: "zillow-shape", rates, zipCodes: 20 }, async (under) => {
        await ends(under);
        const { asked, miner } = under;
        assert.deepEqual(await under.submitted(), []);
        assert.equal(miner.of("epoch_failed").length, 1);
        // At its rate it would have asked 1,200 times.
        assert.ok(asked.length < 120, `${asked.length} requests`);
        assert.ok(lateGapMs(under) > (gapsOf(under)[0] ?? 0), gapsOf(under).join());
        assertWithinRate(asked);
      }));
  }
});
