import assert from "node:assert/strict";
import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type Rules, UnearnedShareRule } from "../../gen/zipnet/v1/epoch_pb.js";
import {
  type Evidence,
  ListingVerdict,
  LossReason,
  MinerVerdict,
  type ScoreTable,
  ScoreTableSchema,
} from "../../gen/zipnet/v1/report_pb.js";
import { violationsOf } from "../constraints.js";
import { provisionalOrder } from "./candidates.js";
import {
  SEED_HASH,
  START_MS,
  checkFiles,
  exampleEpoch,
  exampleRules,
  sampleEvidence,
  soundCheck,
} from "./examples.test-support.js";
import { scoreTable } from "./scoring.js";
import { sharesOf } from "./shares.js";
import { type SubmissionCheck, unseenSubmission } from "./submission-check.js";

const { PASS, FAIL, UNKNOWN } = ListingVerdict;
const MINUTE_MS = 60_000;
// Real addresses, so that the tables can be checked against the contract.
const HOTKEYS = [
  "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
  "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
  "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y",
  "5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy",
  "5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw",
  "5CiPPseXPECbkjWCa6MnjNokrgYjMqmKndv2rSnekmSK2DjL",
];
const OWNER = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";
const hotkey = (index: number): string => HOTKEYS[index] ?? OWNER;

/** Rules that do not follow a doubt beyond the first 50 listings. */
const shortRules = (over: Parameters<typeof exampleRules>[0] = {}): Rules =>
  exampleRules({ spotCheckMaxListings: 50, ...over });

type Sample = readonly [pass: number, fail: number, unknown: number];

function table(
  checks: readonly SubmissionCheck[],
  samples: Readonly<Record<string, Sample>> = {},
  rules: Rules = shortRules(),
): ScoreTable {
  const evidence = new Map<string, Evidence[]>();
  for (const check of checks) {
    const [pass, fail] = samples[check.hotkey] ?? [0, 0];
    if (samples[check.hotkey] === undefined) continue;
    const verdictOf = (index: number): ListingVerdict => (index < fail ? FAIL : index < fail + pass ? PASS : UNKNOWN);
    evidence.set(check.hotkey, sampleEvidence(check, rules, verdictOf));
  }
  const epoch = exampleEpoch(rules);
  return scoreTable({
    epoch,
    rules,
    snapshotSha256: "cd".repeat(32),
    seedBlockHash: SEED_HASH,
    ownerHotkey: OWNER,
    checks,
    evidence,
  });
}

const full = { "02134": 20, "98101": 20, "98102": 20 };
const clean: Sample = [50, 0, 0];

/** Sound, complete submissions, each half an hour after the one before. */
function inOrder(count: number): Promise<SubmissionCheck[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      soundCheck(hotkey(index), full, START_MS + (index * 30 + 10) * MINUTE_MS),
    ),
  );
}

function weightOf(result: ScoreTable, who: string): number {
  return result.weights.find((weight) => weight.hotkey === who)?.weightBps ?? 0;
}

function scoreOf(result: ScoreTable, who: string) {
  const score = result.scores.find((entry) => entry.hotkey === who);
  assert(score !== undefined);
  return score;
}

describe("scoreTable", () => {
  it("pays 50, 30 and 15 percent to the best three, and the rest of the honest from the last 5", async () => {
    const checks = await inOrder(5);
    const result = table(checks, Object.fromEntries(HOTKEYS.slice(0, 4).map((who) => [who, clean])));
    assert.deepEqual(
      result.scores.map((score) => score.hotkey),
      HOTKEYS.slice(0, 5),
    );
    assert.deepEqual(
      result.scores.map((score) => score.rank),
      [1, 2, 3, 4, 5],
    );
    assert.deepEqual(
      result.scores.slice(0, 3).map((score) => score.shareBps),
      [5_000, 3_000, 1_500],
    );
    assert.equal(weightOf(result, hotkey(3)) + weightOf(result, hotkey(4)), 500);
    assert.equal(scoreOf(result, hotkey(4)).verdict, MinerVerdict.UNCHECKED);
    assert.deepEqual(violationsOf(ScoreTableSchema, result), []);
  });

  it("gives a fabricator exactly 0, however good it looks", async () => {
    const checks = await inOrder(4);
    const result = table(checks, {
      [hotkey(0)]: [42, 8, 0],
      [hotkey(1)]: clean,
      [hotkey(2)]: clean,
      [hotkey(3)]: clean,
    });
    const liar = scoreOf(result, hotkey(0));
    assert.equal(liar.verdict, MinerVerdict.LIAR);
    assert.deepEqual([liar.rank, liar.scoreBps, liar.shareBps, weightOf(result, hotkey(0))], [0, 0, 0, 0]);
    assert.equal(result.scores.at(-1), liar);
    assert.equal(liar.lost.length, 1);
    assert.equal(liar.lost[0]?.reason, LossReason.FABRICATED);
    assert.equal(
      liar.lost[0]?.detail,
      "more sampled listings than honest scraping explains are not at the source as submitted: 100000 to 1 for 500 bps made up against 50 bps of accidents",
    );
    assert.deepEqual(violationsOf(ScoreTableSchema, result), []);
  });

  it("writes the same of a liar on a validator that was refused some of the pages", async () => {
    const checks = await inOrder(2);
    const all = table(checks, { [hotkey(0)]: [20, 30, 0], [hotkey(1)]: clean });
    const some = table(checks, { [hotkey(0)]: [18, 12, 20], [hotkey(1)]: clean });
    assert.deepEqual(toBinary(ScoreTableSchema, some), toBinary(ScoreTableSchema, all));
  });

  it("keeps a miner with few failures honest, and charges them to quality", async () => {
    const result = table(await inOrder(1), { [hotkey(0)]: [45, 5, 0] });
    const score = scoreOf(result, hotkey(0));
    assert.equal(score.verdict, MinerVerdict.VERIFIED);
    // 10 percent failed, 9.5 above what is tolerated, ten times that.
    assert.equal(score.qualityBps, 5_250);
    const lost = score.lost.filter((loss) => loss.reason === LossReason.SPOT_CHECK);
    assert.equal(
      lost.reduce((sum, loss) => sum + loss.lostBps, 0),
      1_900,
    );
  });

  it("does not let a liar's counts set the consensus", async () => {
    const padded = await soundCheck(hotkey(0), { "98101": 300 });
    const honest = await soundCheck(hotkey(1), { "98101": 20 });
    const third = await soundCheck(hotkey(2), { "98101": 300 });
    const result = table([padded, honest, third], {
      [hotkey(0)]: [0, 50, 0],
      [hotkey(1)]: clean,
      [hotkey(2)]: [0, 50, 0],
    });
    assert.equal(scoreOf(result, hotkey(1)).volumeBps, 10_000);
  });

  it("counts per zip code what the verified found, and nobody else", async () => {
    const counts = [{ "98101": 20 }, { "98101": 16, "98102": 4 }, { "98101": 90 }, { "98101": 1 }, { "98101": 2 }];
    const checks = await Promise.all(counts.map((each, index) => soundCheck(hotkey(index), each)));
    const result = table(checks, {
      [hotkey(0)]: clean,
      [hotkey(1)]: clean,
      [hotkey(2)]: [0, 50, 0],
      [hotkey(3)]: [0, 0, 50],
    });
    const found = result.zipCodes.map((zip) => [
      zip.zipCode,
      zip.lowerMedianListings,
      zip.upperMedianListings,
      zip.miners,
    ]);
    assert.deepEqual(found, [
      ["98101", 16, 20, 2],
      ["98102", 4, 4, 1],
    ]);
    assert.deepEqual(violationsOf(ScoreTableSchema, result), []);
  });

  it("never lets an unverified or unchecked miner win, and never lets it fall to 0", async () => {
    const checks = await inOrder(3);
    const result = table(checks, { [hotkey(0)]: [10, 0, 40], [hotkey(2)]: clean });
    assert.deepEqual(
      result.scores.map((score) => score.hotkey),
      [hotkey(2), hotkey(0), hotkey(1)],
    );
    assert.equal(scoreOf(result, hotkey(2)).shareBps, 5_000);
    assert.equal(scoreOf(result, hotkey(0)).verdict, MinerVerdict.UNVERIFIED);
    assert.equal(scoreOf(result, hotkey(0)).shareBps + scoreOf(result, hotkey(1)).shareBps, 500);
  });

  it("redistributes or burns what nobody earned", async () => {
    const checks = await inOrder(2);
    const samples = { [hotkey(0)]: clean, [hotkey(1)]: clean };
    const redistributed = table(checks, samples);
    assert.deepEqual([weightOf(redistributed, hotkey(0)), weightOf(redistributed, hotkey(1))], [6_250, 3_750]);
    const burned = table(checks, samples, shortRules({ unearnedShare: UnearnedShareRule.BURN }));
    const weights = [hotkey(0), hotkey(1), OWNER].map((who) => weightOf(burned, who));
    assert.deepEqual(weights, [5_000, 3_000, 2_000]);
  });

  it("gives one honest miner everything", async () => {
    assert.deepEqual(
      table(await inOrder(1), { [hotkey(0)]: clean }).weights.map((weight) => weight.weightBps),
      [10_000],
    );
  });

  it("gives nobody anything when all lied or nobody came, unless it is burned", async () => {
    const burn = shortRules({ unearnedShare: UnearnedShareRule.BURN });
    const checks = await inOrder(2);
    const lied: Record<string, Sample> = { [hotkey(0)]: [0, 50, 0], [hotkey(1)]: [10, 40, 0] };
    for (const [submissions, samples] of [
      [checks, lied],
      [[], {}],
    ] as const) {
      assert.deepEqual(table(submissions, samples).weights, []);
      const burned = table(submissions, samples, burn).weights;
      assert.deepEqual(
        burned.map(({ hotkey: who, weightBps }) => [who, weightBps]),
        [[OWNER, 10_000]],
      );
    }
  });

  it("treats a submission without listings as absent, however early it was", async () => {
    const nothing = await soundCheck(hotkey(0), { "98101": 0 });
    const [, honest] = await inOrder(2);
    assert(honest !== undefined);
    const result = table([nothing, honest], { [hotkey(1)]: clean });
    assert.equal(scoreOf(result, hotkey(0)).scoreBps, 0);
    assert.equal(weightOf(result, hotkey(0)), 0);
    assert.deepEqual(
      scoreOf(result, hotkey(0)).lost.map((loss) => [loss.reason, loss.lostBps]),
      [[LossReason.COVERAGE, 10_000]],
    );
  });

  it("keeps a miner above 0 whose submission the store did not give out", async () => {
    const unseen = unseenSubmission({
      epoch: exampleEpoch(),
      hotkey: hotkey(0),
      coldkey: hotkey(0),
      manifestSha256: "",
      receivedMs: START_MS,
    });
    const [, honest] = await inOrder(2);
    assert(honest !== undefined);
    const result = table([unseen, honest], { [hotkey(1)]: clean });
    assert.equal(scoreOf(result, hotkey(0)).verdict, MinerVerdict.UNVERIFIED);
    assert(weightOf(result, hotkey(0)) > 0);
  });

  it("breaks ties by the seed, not by order or name", async () => {
    const checks = await Promise.all(HOTKEYS.map((who) => soundCheck(who, full)));
    const order = (seed: string) => provisionalOrder(checks, exampleEpoch(), exampleRules(), seed);
    assert.notDeepEqual(order(SEED_HASH), [...HOTKEYS].sort());
    assert.notDeepEqual(order(SEED_HASH), order("00".repeat(32)));
  });

  it("names the lie of a structural liar", async () => {
    const check = await checkFiles({ hotkey: hotkey(0), files: new Map([["98101", { kind: "other-hash" }]]) });
    const score = scoreOf(table([check]), hotkey(0));
    assert.equal(score.verdict, MinerVerdict.LIAR);
    assert.deepEqual(
      score.lost.map((loss) => [loss.reason, loss.zipCode]),
      [[LossReason.CONTRADICTION, "98101"]],
    );
  });
});

describe("scoreTable, whatever was submitted", () => {
  interface Submission {
    readonly counts: readonly number[];
    readonly minute: number;
    readonly sample: Sample | undefined;
  }
  const sample = fc
    .tuple(fc.nat(10), fc.nat(25))
    .map(([fail, unknown]): Sample => [50 - fail - unknown, fail, unknown]);
  const submission: fc.Arbitrary<Submission> = fc.record({
    counts: fc.array(fc.nat(30), { minLength: 3, maxLength: 3 }),
    minute: fc.nat(239),
    sample: fc.option(sample, { nil: undefined }),
  });
  const submissions = fc.array(submission, { maxLength: HOTKEYS.length });

  async function checksOf(list: readonly Submission[]): Promise<SubmissionCheck[]> {
    const zips = ["02134", "98101", "98102"];
    return Promise.all(
      list.map(({ counts, minute }, index) =>
        soundCheck(
          hotkey(index),
          Object.fromEntries(zips.map((zip, at) => [zip, counts[at] ?? 0])),
          START_MS + minute * MINUTE_MS,
        ),
      ),
    );
  }
  const samplesOf = (list: readonly Submission[]): Record<string, Sample> =>
    Object.fromEntries(
      list.flatMap(({ sample: drawn }, index) => (drawn === undefined ? [] : [[hotkey(index), drawn]])),
    );

  it("makes weights that add up, puts liars at 0 below everybody honest, and accounts for every point", async () => {
    await fc.assert(
      fc.asyncProperty(submissions, async (list) => {
        const result = table(await checksOf(list), samplesOf(list));
        assert.deepEqual(violationsOf(ScoreTableSchema, result), []);
        const sum = result.weights.reduce((total, weight) => total + weight.weightBps, 0);
        const earners = result.scores.filter(
          (score) =>
            score.verdict !== MinerVerdict.LIAR &&
            score.acceptedListings > 0 &&
            !score.lost.some(({ detail }) => detail.includes("no share")),
        );
        assert.equal(sum, earners.length === 0 ? 0 : 10_000);
        for (const score of result.scores) {
          const weight = weightOf(result, score.hotkey);
          assert.equal(weight > 0, earners.includes(score));
          assert.equal(
            score.lost.reduce((total, loss) => total + loss.lostBps, 0),
            10_000 - score.scoreBps,
          );
        }
      }),
      { numRuns: 150 },
    );
  });

  it("does not depend on the order of the submissions, nor on PASS against UNKNOWN", async () => {
    await fc.assert(
      fc.asyncProperty(submissions, async (list) => {
        const checks = await checksOf(list);
        const bytes = toBinary(ScoreTableSchema, table(checks, samplesOf(list)));
        assert.deepEqual(toBinary(ScoreTableSchema, table([...checks].reverse(), samplesOf(list))), bytes);
        const answered = Object.fromEntries(
          Object.entries(samplesOf(list)).map(([who, [pass, fail, unknown]]): [string, Sample] => [
            who,
            [pass + unknown, fail, 0],
          ]),
        );
        // The same listings fail; the others got an answer. A sample may be smaller than 50: then UNKNOWN may be most of it.
        const enough = checks.every((check) => [...check.accepted.values()].flat().length >= 50);
        if (enough) assert.deepEqual(toBinary(ScoreTableSchema, table(checks, answered)), bytes);
      }),
      { numRuns: 150 },
    );
  });

  it("never pays less for being earlier", async () => {
    await fc.assert(
      fc.asyncProperty(submissions, fc.nat(239), async (list, minute) => {
        const [first, ...others] = list;
        if (first === undefined) return;
        const earlier = [{ ...first, minute: Math.min(minute, first.minute) }, ...others];
        const score = async (of: readonly Submission[]) => scoreOf(table(await checksOf(of), samplesOf(of)), hotkey(0));
        const [before, after] = [await score(list), await score(earlier)];
        assert(after.scoreBps >= before.scoreBps && after.shareBps >= before.shareBps - 1);
        if (after.rank > 0) assert(after.rank <= before.rank);
      }),
      { numRuns: 100 },
    );
  });
});

describe("sharesOf", () => {
  it("keeps everybody honest above 0 when the participation share is smaller than their number", () => {
    const earner = (index: number) => ({ hotkey: `m${index}`, verified: index < 3, heuristicScoreBps: 5_000 });
    const shares = sharesOf(
      Array.from({ length: 43 }, (_, index) => earner(index)),
      exampleRules({ winnerShareBps: [5_000, 3_000, 1_990], participationShareBps: 10 }),
    );
    assert.equal(
      [...shares.values()].reduce((a, b) => a + b, 0),
      10_000,
    );
    assert([...shares.values()].every((share) => share >= 1));
    assert((shares.get("m0") ?? 0) > (shares.get("m1") ?? 0));
  });
});

describe("provisionalOrder", () => {
  it("leaves out proven liars and empty submissions from the start", async () => {
    const sound = await soundCheck(hotkey(0), full);
    const empty = await soundCheck(hotkey(1), {});
    const liar = await checkFiles({ hotkey: hotkey(2), files: new Map([["98101", { kind: "other-hash" }]]) });
    assert.deepEqual(provisionalOrder([liar, empty, sound], exampleEpoch(), exampleRules(), SEED_HASH), [hotkey(0)]);
  });
});
