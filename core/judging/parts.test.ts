import assert from "node:assert/strict";
import fc from "fast-check";
import { ListingVerdict } from "../../gen/zipnet/v1/report_pb.js";
import { apportion } from "./apportion.js";
import {
  CLOSE_MS,
  SEED_HASH,
  START_MS,
  checkFiles,
  exampleEpoch,
  exampleRules,
  readFile,
  sampleEvidence,
  soundCheck,
} from "./examples.test-support.js";
import { sampleListings } from "./sampling.js";
import { speedBps } from "./speed.js";
import { heldListings, volumeOf } from "./volume.js";
import { countVerdicts } from "./comparison.js";

const rules = exampleRules();

describe("apportion", () => {
  it("gives whole parts that add up, each within one of its exact part", () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 20 }), (total, weights) => {
        const parts = apportion(total, weights);
        const sum = weights.reduce((a, b) => a + b, 0);
        assert.equal(
          parts.reduce((a, b) => a + b, 0),
          sum === 0 ? 0 : total,
        );
        parts.forEach((part, i) => assert(sum === 0 || Math.abs(part - (total * (weights[i] ?? 0)) / sum) < 1));
      }),
    );
  });

  it("gives equal remainders to the earlier", () => assert.deepEqual(apportion(2, [1, 1, 1]), [1, 1, 0]));
});

describe("speedBps", () => {
  const speed = (afterMs: number): number => speedBps(START_MS + afterMs, START_MS, CLOSE_MS, rules);

  it("is full within the grace window, and lowest but not 0 right before the close", () => {
    assert.equal(speed(0), 10_000);
    assert.equal(speed(900_000), 10_000);
    assert.equal(speed(900_001), 9_375);
    assert.equal(speed(14_400_000 - 1), 625);
  });

  it("falls in 15 equal steps", () => {
    const steps = new Set(Array.from({ length: 14_400 }, (_, second) => speed(second * 1000)));
    assert.deepEqual(
      [...steps],
      Array.from({ length: 16 }, (_, step) => 10_000 - step * 625),
    );
  });

  it("never grows with time and never reaches 0, whatever the rules", () => {
    const time = fc.nat(14_399_999);
    fc.assert(
      fc.property(
        time,
        time,
        fc.nat(14_400_000),
        fc.integer({ min: 1, max: 1000 }),
        (a, b, speedGraceMs, speedBuckets) => {
          const over = exampleRules({ speedGraceMs, speedBuckets });
          const [early, late] = [Math.min(a, b), Math.max(a, b)].map((at) =>
            speedBps(START_MS + at, START_MS, CLOSE_MS, over),
          );
          assert((early ?? 0) >= (late ?? 0) && (late ?? 0) > 0);
        },
      ),
    );
  });
});

describe("volume", () => {
  const some = () =>
    Promise.all([
      soundCheck("a", { "98101": 10, "98102": 4 }),
      soundCheck("b", { "98101": 12 }),
      soundCheck("c", { "98101": 500, "98102": 9 }),
      soundCheck("d", { "98102": 0 }),
    ]);

  it("goes by the lower median of those that cover a zip code, at most what is expected, where nobody is verified", async () => {
    const medians = [
      ["98101", 12],
      ["98102", 4],
    ];
    assert.deepEqual([...heldListings([], await some(), exampleEpoch())], medians);
    const padded = await Promise.all(["a", "b", "c"].map((who) => soundCheck(who, { "98101": 300 })));
    assert.deepEqual([...heldListings([], padded, exampleEpoch())], [["98101", 20]]);
  });

  it("goes by the most that a verified miner has, where one delivered the zip code", async () => {
    const verified = await Promise.all([soundCheck("v", { "98101": 30 }), soundCheck("w", { "98101": 1, "02134": 0 })]);
    const held = [
      ["02134", 0],
      ["98101", 30],
      ["98102", 4],
    ];
    assert.deepEqual([...heldListings(verified, await some(), exampleEpoch())], held);
  });

  it("pays per zip code: padding one earns nothing, and makes up for nothing elsewhere", async () => {
    const held = new Map([
      ["98101", 10],
      ["98102", 30],
    ]);
    const volume = async (counts: Record<string, number>): Promise<number> =>
      volumeOf(await soundCheck("a", counts), held).bps;
    assert.equal(await volume({ "98101": 10, "98102": 30 }), 10_000);
    assert.equal(await volume({ "98101": 10 }), 2_500);
    assert.equal(await volume({ "98101": 400 }), 2_500);
    assert.equal(await volume({}), 0);
    const { shortfalls } = volumeOf(await soundCheck("a", { "98101": 4, "98102": 31 }), held);
    assert.deepEqual(shortfalls, [{ zipCode: "98101", accepted: 4, held: 10 }]);
  });

  it("leaves out what the store did not give out", async () => {
    const files = new Map([
      ["98101", { kind: "out-of-reach" } as const],
      ["98102", readFile("a", "98102", [])],
    ]);
    const check = await checkFiles({ hotkey: "a", files });
    assert.equal(volumeOf(check, new Map([["98101", 10]])).bps, 0);
    const { shortfalls } = volumeOf(
      check,
      new Map([
        ["98101", 10],
        ["98102", 5],
      ]),
    );
    assert.deepEqual(
      shortfalls.map((shortfall) => shortfall.zipCode),
      ["98102"],
    );
  });
});

describe("sampleListings", () => {
  it("draws without repeats, the same for the same seed, another for another seed, hotkey or manifest", async () => {
    const check = await soundCheck("a", { "98101": 60, "98102": 60 });
    const draw = (over: object, seed = SEED_HASH): string[] =>
      sampleListings({ ...check, ...over }, seed, 50).map((sampled) => sampled.listingId);
    assert.equal(new Set(draw({})).size, 50);
    assert.deepEqual(draw({}), draw({}));
    for (const other of [draw({}, "00".repeat(32)), draw({ hotkey: "b" }), draw({ manifestSha256: "00".repeat(32) })]) {
      assert.notDeepEqual(other, draw({}));
    }
  });

  it("takes everything when there is no more than the size", async () => {
    assert.equal(sampleListings(await soundCheck("a", { "98101": 7 }), SEED_HASH, 50).length, 7);
  });

  it("is uniform: over many seeds every listing is drawn about equally often", async () => {
    const check = await soundCheck("a", { "98101": 20 });
    const drawn = new Map<string, number>();
    for (let seed = 0; seed < 2_000; seed += 1) {
      for (const { listingId } of sampleListings(check, `${seed}`, 5))
        drawn.set(listingId, (drawn.get(listingId) ?? 0) + 1);
    }
    // 500 expected each, standard deviation 19.4; five of them.
    assert.equal(drawn.size, 20);
    for (const times of drawn.values()) assert(Math.abs(times - 500) < 97, `drawn ${times} times`);
  });
});

describe("countVerdicts", () => {
  it("counts verdicts", async () => {
    const check = await soundCheck("a", { "98101": 6 });
    const verdicts = [ListingVerdict.PASS, ListingVerdict.FAIL, ListingVerdict.UNKNOWN, ListingVerdict.PASS];
    const evidence = sampleEvidence(check, rules, (index) => verdicts[index] ?? ListingVerdict.PASS);
    assert.deepEqual(countVerdicts(evidence), { pass: 4, fail: 1, unknown: 1 });
  });
});
