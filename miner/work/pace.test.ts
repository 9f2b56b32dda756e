import assert from "node:assert/strict";
import fc from "fast-check";
import { NO_PACE, type Pace, isHopeless, paceAfter } from "./pace.js";
import { sampleWork } from "./plan.test-support.js";
import { type EpochWork, type ZipCodeWork, deadlinesOf, nextStep } from "./plan.js";

const times = { startMs: 1_000_000, scrapeUntilMs: 1_000_000 + 4_000_000 };
/** 100 expected listings took 100 s each time. */
const SECOND_PER_LISTING: Pace = { zipCodes: 3, expectedListings: 300, tookMs: 300_000 };
const before = (ms: number): number => times.scrapeUntilMs - ms;

describe("the pace of a miner", () => {
  it("knows nothing of the first zip codes, and nothing is hopeless then", () => {
    let pace = NO_PACE;
    for (let known = 0; known < 3; known += 1) {
      assert.equal(isHopeless(pace, 1_000_000, times, before(1)), false);
      pace = paceAfter(pace, 100, 100_000);
    }
    assert.deepEqual(pace, SECOND_PER_LISTING);
    assert.equal(isHopeless(pace, 1_000_000, times, before(1)), true);
  });

  it("gives a zip code up when it would take more than twice the time that is left", () => {
    assert.equal(isHopeless(SECOND_PER_LISTING, 200, times, before(100_000)), false);
    assert.equal(isHopeless(SECOND_PER_LISTING, 200, times, before(99_999)), true);
  });

  it("gives nothing up before the last quarter", () => {
    assert.equal(isHopeless(SECOND_PER_LISTING, 1_000_000, times, before(1_000_001)), false);
    assert.equal(isHopeless(SECOND_PER_LISTING, 1_000_000, times, before(1_000_000)), true);
  });

  const pace = fc.record({
    zipCodes: fc.integer({ min: 0, max: 10 }),
    expectedListings: fc.integer({ min: 1, max: 5_000 }),
    tookMs: fc.integer({ min: 0, max: 5_000_000 }),
  });
  const left = fc.integer({ min: 0, max: 4_000_000 });
  const listings = fc.integer({ min: 0, max: 1_000 });

  it("never takes hope back: what is hopeless stays so later, for larger zip codes and at a slower pace", () => {
    fc.assert(
      fc.property(pace, listings, left, listings, left, (known, expected, leftMs, more, later) => {
        fc.pre(isHopeless(known, expected, times, before(leftMs)));
        assert.ok(isHopeless(known, expected, times, before(Math.min(leftMs, later))));
        assert.ok(isHopeless(known, expected + more, times, before(leftMs)));
        assert.ok(isHopeless({ ...known, tookMs: known.tookMs + later }, expected, times, before(leftMs)));
      }),
    );
  });
});

describe("the plan of an epoch that gets tight", () => {
  const CLOSE_MS = times.startMs + 600_000;
  const { scrapeUntilMs } = deadlinesOf({ startMs: times.startMs, closeMs: CLOSE_MS, handInMs: undefined });
  const zip = fc.record({
    stage: fc.constantFrom<ZipCodeWork["stage"]>("scrape", "upload", "uploaded", "left_out"),
    busy: fc.boolean(),
  });
  const works = fc
    .record({
      zips: fc.array(fc.tuple(zip, fc.integer({ min: 0, max: 800 })), { minLength: 1, maxLength: 12 }),
      tookMs: fc.integer({ min: 0, max: 2_000_000 }),
      concurrency: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ zips, tookMs, concurrency }): EpochWork => {
      const named = zips.map(([own, expected], index) => ({ name: `z${index}`, own, expected }));
      return sampleWork(
        { startMs: times.startMs, closeMs: CLOSE_MS },
        named.map(({ name, own }) => [name, own]),
        {
          concurrency,
          expectedListings: new Map(named.map(({ name, expected }) => [name, expected])),
          pace: { zipCodes: 5, expectedListings: 500, tookMs },
        },
      );
    });
  const hopeless = (work: EpochWork, name: string, nowMs: number): boolean =>
    isHopeless(work.pace, work.expectedListings.get(name) ?? 0, { startMs: work.startMs, scrapeUntilMs }, nowMs);

  it("begins nothing that is hopeless, and seals only when nothing else is left or under way", () => {
    fc.assert(
      fc.property(works, fc.integer({ min: times.startMs, max: scrapeUntilMs - 1 }), (work, nowMs) => {
        const step = nextStep(work, nowMs);
        if (step.kind === "scrape") assert.ok(!hopeless(work, step.zipCode, nowMs));
        if (step.kind !== "seal" && step.kind !== "give_up") return;
        for (const [name, { stage, busy }] of work.zipCodes) {
          assert.notEqual(stage, "upload");
          if (stage === "scrape") assert.ok(!busy && hopeless(work, name, nowMs));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("is the plan that it would be without a pace while there is time enough", () => {
    fc.assert(
      fc.property(works, fc.integer({ min: times.startMs, max: times.startMs + 440_000 }), (work, nowMs) => {
        assert.deepEqual(nextStep(work, nowMs), nextStep({ ...work, pace: NO_PACE }, nowMs));
      }),
    );
  });
});
