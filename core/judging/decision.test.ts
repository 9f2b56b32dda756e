import assert from "node:assert/strict";
import fc from "fast-check";
import { type SpotCheckCounts, decide, nextStep } from "./decision.js";
import { outcomesAt } from "./detection.test-support.js";
import { exampleRules } from "./examples.test-support.js";
import { spotCheckBps } from "./quality.js";

const rules = exampleRules();
const PLENTY = 10_000;

const counts = (read: number, fail: number, unknown = 0): SpotCheckCounts => ({
  pass: read - fail - unknown,
  fail,
  unknown,
});
const sample = (upTo: number) => ({ kind: "sample", upTo });
const decided = (decision: string) => ({ kind: "decided", decision });

/** Rules of a test, such that conviction is possible at all. */
const anyRules = fc
  .record({
    toleratedFailBps: fc.integer({ min: 1, max: 1_000 }),
    above: fc.integer({ min: 1, max: 5_000 }),
    accusationChancePpm: fc.integer({ min: 1, max: 100_000 }),
    missedFabricationPpm: fc.integer({ min: 1, max: 500_000 }),
    spotCheckListings: fc.integer({ min: 1, max: 60 }),
    spotCheckMaxListings: fc.integer({ min: 60, max: 150 }),
  })
  .map(({ above, ...over }) => exampleRules({ ...over, fabricatedFailBps: over.toleratedFailBps + above }));

describe("nextStep", () => {
  it("reads 50 in steps of 10, and verifies a miner of which none failed", () => {
    assert.deepEqual(nextStep(counts(0, 0), PLENTY, rules), sample(10));
    assert.deepEqual(nextStep(counts(10, 0), PLENTY, rules), sample(20));
    assert.deepEqual(nextStep(counts(13, 0), PLENTY, rules), sample(20));
    assert.deepEqual(nextStep(counts(40, 0), PLENTY, rules), sample(50));
    assert.deepEqual(nextStep(counts(50, 0), PLENTY, rules), decided("verified"));
  });

  it("follows one failure until 160 listings say that it was an accident", () => {
    for (let read = 50; read < 160; read += 10) {
      assert.deepEqual(nextStep(counts(read, 1), PLENTY, rules), sample(read + 10));
    }
    assert.deepEqual(nextStep(counts(160, 1), PLENTY, rules), decided("verified"));
  });

  it("convicts at the first look that proves it, however early", () => {
    assert.deepEqual(nextStep(counts(10, 6), PLENTY, rules), decided("liar"));
    assert.deepEqual(nextStep(counts(10, 5), PLENTY, rules), sample(20));
    assert.deepEqual(nextStep(counts(50, 5), PLENTY, rules), sample(60));
    assert.deepEqual(nextStep(counts(50, 6), PLENTY, rules), decided("liar"));
  });

  it("takes doubt for no proof when the most that is read was read, or all there is", () => {
    assert.deepEqual(nextStep(counts(490, 13), PLENTY, rules), sample(500));
    assert.deepEqual(nextStep(counts(500, 13), PLENTY, rules), decided("verified"));
    assert.deepEqual(nextStep(counts(57, 2), 57, rules), decided("verified"));
    assert.deepEqual(nextStep(counts(0, 0), 7, rules), sample(7));
  });

  it("decides nothing when more than half is UNKNOWN, or the submission could not convict anybody", () => {
    assert.deepEqual(nextStep(counts(50, 0, 25), PLENTY, rules), decided("verified"));
    assert.deepEqual(nextStep(counts(50, 0, 26), PLENTY, rules), decided("unverified"));
    assert.deepEqual(nextStep(counts(4, 4), 4, rules), decided("unverified"));
    assert.deepEqual(nextStep(counts(5, 0), 5, rules), decided("verified"));
    assert.deepEqual(nextStep(counts(5, 5), 5, rules), decided("liar"));
  });

  it("takes a sample that ends too early for undecided", () => {
    assert.equal(decide(counts(49, 0), PLENTY, rules), "unverified");
    assert.equal(decide(counts(140, 1), PLENTY, rules), "unverified");
    assert.equal(decide(counts(0, 0), PLENTY, rules), "unverified");
  });

  it("convicts an honest miner with the stated chance at most, whatever the rules", () => {
    fc.assert(
      fc.property(anyRules, (over) => {
        const { liar } = outcomesAt(over.toleratedFailBps / 10_000, over);
        assert(liar * 1e6 <= over.accusationChancePpm * (1 + 1e-9), `${liar * 1e6} in a million`);
      }),
      { numRuns: 100 },
    );
  });

  it("finds one in twenty made up in at least 90 percent of the checks, and one in ten in 99", () => {
    assert(outcomesAt(0.05, rules).liar > 0.9);
    assert(outcomesAt(0.1, rules).liar > 0.99);
    assert(outcomesAt(0.2, rules).liar > 0.9999);
  });

  it("always ends, and within the most that is read", () => {
    fc.assert(
      fc.property(anyRules, fc.nat(300), fc.infiniteStream(fc.nat(9)), (over, available, verdicts) => {
        let [pass, fail, unknown] = [0, 0, 0];
        let steps = 0;
        for (let next = nextStep({ pass, fail, unknown }, available, over); next.kind === "sample"; steps += 1) {
          assert(next.upTo > pass + fail + unknown && next.upTo <= available);
          assert(next.upTo <= over.spotCheckMaxListings);
          for (let read = pass + fail + unknown; read < next.upTo; read += 1) {
            const verdict = verdicts.next().value;
            if (verdict === 0) fail += 1;
            else if (verdict === 1) unknown += 1;
            else pass += 1;
          }
          next = nextStep({ pass, fail, unknown }, available, over);
        }
        assert(steps <= 17);
      }),
    );
  });

  it("never gets worse for a miner when a PASS becomes UNKNOWN and the check still stands", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(20), fc.nat(250), (tens, fail, unknownWanted) => {
        const read = tens * 10;
        const failed = Math.min(fail, read);
        const unknown = Math.min(unknownWanted, read / 2, read - failed);
        const [before, after] = [counts(read, failed), counts(read, failed, unknown)];
        assert.deepEqual(nextStep(after, PLENTY, rules), nextStep(before, PLENTY, rules));
        assert.equal(spotCheckBps(after, rules), spotCheckBps(before, rules));
      }),
    );
  });

  it("never gets better for a miner when a PASS becomes FAIL", () => {
    const severity = { verified: 0, unverified: 0, liar: 1 };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(30), (tens, fail) => {
        const failed = Math.min(fail, tens * 10 - 1);
        const [before, after] = [counts(tens * 10, failed), counts(tens * 10, failed + 1)].map((of) => {
          return [severity[decide(of, tens * 10, rules)], 10_000 - spotCheckBps(of, rules)] as const;
        });
        assert(before !== undefined && after !== undefined && after[0] >= before[0] && after[1] >= before[1]);
      }),
    );
  });
});

describe("spotCheckBps", () => {
  it("costs ten times what fails above the tolerated rate", () => {
    assert.equal(spotCheckBps(counts(50, 0), rules), 10_000);
    assert.equal(spotCheckBps(counts(200, 1), rules), 10_000);
    assert.equal(spotCheckBps(counts(150, 1), rules), 9_830);
    assert.equal(spotCheckBps(counts(500, 15), rules), 7_500);
    assert.equal(spotCheckBps(counts(50, 10), rules), 0);
    assert.equal(spotCheckBps(counts(0, 0), rules), 0);
  });
});
