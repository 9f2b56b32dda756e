import assert from "node:assert/strict";
import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { type Epoch, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { type MinerScoreSchema, MinerVerdict, type Report, ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { HOTKEY_A, HOTKEY_B } from "../samples.test-support.js";
import { CLOSE_MS, START_MS, exampleRules } from "./examples.test-support.js";
import { explainScore } from "./explain.js";
import { latestReceiptMs, speedBps } from "./speed.js";

const rules = exampleRules();
const epoch: Epoch = create(EpochSchema, {
  id: "20261122T120000Z",
  startTime: timestampFromMs(START_MS),
  closeTime: timestampFromMs(CLOSE_MS),
  rules,
});
const BETTER = { hotkey: HOTKEY_A, rank: 1, verdict: MinerVerdict.VERIFIED, scoreBps: 10_000, shareBps: 5_000 };
const FULL = { speedBps: 10_000, qualityBps: 10_000, volumeBps: 10_000, timeBps: 10_000 };

function reportOf(...scores: MessageInitShape<typeof MinerScoreSchema>[]): Report {
  const weights = [{ hotkey: HOTKEY_B, weightBps: 3_000 }];
  const evidence = [HOTKEY_A, HOTKEY_B].map((hotkey) => ({ id: `${hotkey}/98101/1`, hotkey }));
  return create(ReportSchema, { validator: HOTKEY_B, table: { scores, weights }, evidence });
}

function sentencesOf(own: MessageInitShape<typeof MinerScoreSchema>, receivedMs?: number, better: object = {}) {
  const report = reportOf({ ...BETTER, ...FULL, ...better }, { hotkey: HOTKEY_B, rank: 2, ...own });
  return explainScore({ report, epoch, hotkey: HOTKEY_B, receivedMs })?.nextRank ?? assert.fail("not explained");
}

describe("explainScore", () => {
  const own = { verdict: MinerVerdict.VERIFIED, ...FULL, scoreBps: 9_000, countedListings: 900, shareBps: 3_000 };

  it("shows the miner's score, evidence and weight of this report, and how many have a rank", () => {
    const liar = { hotkey: HOTKEY_B.replace("5G", "5H"), verdict: MinerVerdict.LIAR };
    const report = reportOf({ ...BETTER, ...FULL }, { ...own, hotkey: HOTKEY_B, rank: 2 }, liar);
    const told = explainScore({ report, epoch, hotkey: HOTKEY_B, receivedMs: undefined });
    assert.deepEqual(
      [told?.validator, told?.score?.scoreBps, told?.weightBps, told?.rankedMiners, told?.nextScoreBps],
      [HOTKEY_B, 9_000, 3_000, 2, 10_000],
    );
    assert.deepEqual(
      told?.evidence.map(({ hotkey }) => hotkey),
      [HOTKEY_B],
    );
    assert.equal(explainScore({ report, epoch, hotkey: "5none", receivedMs: undefined }), undefined);
  });

  it("says how much earlier a receipt had to be, exactly", () => {
    const lateMs = START_MS + 3_600_000;
    const timeBps = speedBps(lateMs, START_MS, CLOSE_MS, rules);
    const scoreBps = Math.floor((timeBps * 4_000 + 6_000 * 10_000) / 10_000);
    const better = { speedBps: 9_375, timeBps: 9_375, scoreBps: 9_749 };
    const sentences = sentencesOf({ ...own, speedBps: timeBps, timeBps, scoreBps }, lateMs, better);
    const earlier = sentences.find((sentence) => sentence.startsWith("A receipt"));
    assert.equal(
      earlier,
      "A receipt 30 min 01 s earlier, by 2026-11-22T12:29:59.999Z, would have been enough for the rank.",
    );
    assert.equal(sentences[1], "It got 50.00 % of the reward, this one 30.00 %.");
    assert.match(sentences[0] ?? "", /^Rank 1 scored 97.49 %, this one .* speed \+7.50 %, quality \+0.00 %/);
  });

  it("says how many more listings had to count", () => {
    const half = { speedBps: 5_000, qualityBps: 5_000, volumeBps: 5_000, scoreBps: 5_000, countedListings: 400 };
    const sentences = sentencesOf({ ...own, ...half }, START_MS, { scoreBps: 5_499 });
    assert.ok(
      sentences.includes(
        "About 40 more counted listings, a volume of 55.00 % instead of 50.00 %, would have been enough for the rank.",
      ),
      sentences.join("\n"),
    );
  });

  it("says what the rows' quality had to be", () => {
    const sentences = sentencesOf({ ...own, qualityBps: 9_000, scoreBps: 9_600 }, START_MS, { scoreBps: 9_799 });
    assert.deepEqual(sentences.slice(2), [
      "A quality of 95.00 % instead of 90.00 % would have been enough for the rank.",
    ]);
  });

  it("says that who is not verified ranks after who is", () => {
    const sentences = sentencesOf({ ...own, verdict: MinerVerdict.UNCHECKED, scoreBps: 9_999 }, START_MS, {
      scoreBps: 100,
    });
    assert.equal(sentences.length, 3);
    assert.match(sentences[2] ?? "", /ranks after all who are.*best 6 .*, and 2 drawn from the others/);
  });

  it("has nothing better to name for the first, and no rank for a liar", () => {
    const first = explainScore({ report: reportOf({ ...BETTER, ...FULL }), epoch, hotkey: HOTKEY_A, receivedMs: 0 });
    assert.deepEqual(first?.nextRank, ["There is no better rank."]);
    assert.match(sentencesOf({ rank: 0, verdict: MinerVerdict.LIAR })[0] ?? "", /has no rank/);
  });

  it("keeps to the contract's lengths for any two scores", () => {
    const bps = fc.integer({ min: 0, max: 10_000 });
    const score = fc.record({
      speedBps: bps,
      qualityBps: bps,
      volumeBps: bps,
      scoreBps: bps,
      timeBps: bps,
      countedListings: fc.integer({ min: 0, max: 1_000_000 }),
      verdict: fc.constantFrom(MinerVerdict.VERIFIED, MinerVerdict.UNCHECKED, MinerVerdict.UNVERIFIED),
    });
    fc.assert(
      fc.property(score, score, fc.option(fc.integer({ min: START_MS, max: CLOSE_MS - 1 })), (mine, theirs, ms) => {
        const sentences = sentencesOf(mine, ms ?? undefined, theirs);
        assert.ok(sentences.length >= 2 && sentences.length <= 10);
        for (const sentence of sentences) {
          assert.ok(sentence.length <= 300);
          assert.doesNotMatch(sentence, /NaN|Infinity|undefined|--/);
        }
      }),
    );
  });
});

describe("latestReceiptMs", () => {
  it("is the last moment that is worth so much", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 40 }), (bps, speedBuckets) => {
        const own = exampleRules({ speedBuckets });
        const ms = latestReceiptMs(bps, START_MS, CLOSE_MS, own);
        assert.ok(speedBps(ms, START_MS, CLOSE_MS, own) >= bps);
        const after = ms + 1 >= CLOSE_MS ? 0 : speedBps(ms + 1, START_MS, CLOSE_MS, own);
        assert.ok(after < bps, `${after} at ${ms + 1}`);
      }),
    );
  });
});
