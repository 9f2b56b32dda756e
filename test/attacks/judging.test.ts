/**
 * Attacks on the judging of earlier systems, each with a test of what it comes to here. docs/incentive.md lists them.
 */
import assert from "node:assert/strict";
import { toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Miner, checkOf, scoreOf, tableOf } from "../../core/judging/competition.test-support.js";
import { judgeListing } from "../../core/judging/comparison.js";
import { crossCheck, knownListings } from "../../core/judging/cross-check.js";
import { nextStep } from "../../core/judging/decision.js";
import { outcomesAt } from "../../core/judging/detection.test-support.js";
import {
  CLOSE_MS,
  SEED_HASH,
  START_MS,
  checkFiles,
  exampleEpoch,
  exampleListing,
  exampleListings,
  exampleRules,
  readFile,
  sampleEvidence,
} from "../../core/judging/examples.test-support.js";
import { sampleListings } from "../../core/judging/sampling.js";
import { scoreTable } from "../../core/judging/scoring.js";
import type { FileContent, SubmissionCheck } from "../../core/judging/submission-check.js";
import { UnearnedShareRule } from "../../gen/zipnet/v1/epoch_pb.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { ListingVerdict, LossReason, MinerVerdict, ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";

const MINUTE_MS = 60_000;
const FULL = [20, 20, 20];
const honest = (hotkey: string, minute: number): Miner => ({ hotkey, counts: FULL, minute, failed: 0 });

function submit(files: Readonly<Record<string, readonly Listing[]>>, hotkey = "a"): Promise<SubmissionCheck> {
  const read = Object.entries(files).map(([zipCode, rows]): [string, FileContent] => [
    zipCode,
    readFile(hotkey, zipCode, rows, CLOSE_MS),
  ]);
  return checkFiles({ hotkey, files: new Map(read), receivedMs: CLOSE_MS });
}

const idsOf = (sample: readonly { readonly listingId: string }[]): string[] => sample.map(({ listingId }) => listingId);

describe("attacks on time", () => {
  it("time forgers: speed is the receipt's, whatever the rows claim", async () => {
    const read = (atMs: number) => {
      const rows = exampleListings("98101", 20).map((row) => ({ ...row, scrapedTime: timestampFromMs(atMs) }));
      return checkFiles({
        hotkey: "a",
        files: new Map([["98101", readFile("a", "98101", rows, CLOSE_MS)]]),
        receivedMs: START_MS + 100 * MINUTE_MS,
      });
    };
    const table = async (check: SubmissionCheck) => {
      const rules = exampleRules();
      const common = { epoch: exampleEpoch(rules), rules, snapshotSha256: "", seedBlockHash: SEED_HASH };
      return scoreTable({ ...common, ownerHotkey: "owner", checks: [check], evidence: new Map() });
    };
    const [early, late] = [await read(START_MS), await read(START_MS + 99 * MINUTE_MS)];
    assert.deepEqual(await table(early), await table(late));
  });

  it("fake times: rows read before the epoch, after the receipt, or before their own change are no listings", async () => {
    const at = (minutes: number) => timestampFromMs(START_MS + minutes * MINUTE_MS);
    const check = await submit({
      "98101": [
        exampleListing("1", "98101", { scrapedTime: at(-6) }),
        exampleListing("2", "98101", { scrapedTime: at(4 * 60 + 6) }),
        exampleListing("3", "98101", { scrapedTime: at(10), priceChangedTime: timestampFromMs(START_MS + 961_000) }),
        exampleListing("4", "98101", { scrapedTime: at(10) }),
      ],
    });
    assert.deepEqual(check.accepted.get("98101"), ["4"]);
  });

  it("wrong clocks: five minutes cost nobody anything", async () => {
    const at = (minutes: number) => ({ scrapedTime: timestampFromMs(START_MS + minutes * MINUTE_MS) });
    const check = await submit({
      "98101": [exampleListing("1", "98101", at(-5)), exampleListing("2", "98101", at(4 * 60 + 5))],
    });
    assert.deepEqual([check.accepted.get("98101"), check.findings], [["1", "2"], []]);
  });

  it("replayed submissions: files of another epoch, nonce or hotkey are lies", async () => {
    const sound: FileContent = readFile("a", "98101", exampleListings("98101", 2));
    assert(sound.kind === "read");
    for (const over of [{ epochId: "20261122T080000Z" }, { nonce: "00".repeat(16) }, { hotkey: "b" }]) {
      const file: FileContent = { ...sound, head: { ...sound.head, ...over } };
      const files = new Map([["98101", file]]);
      const check = await checkFiles({ hotkey: "a", files });
      assert.equal(check.lie?.reason, LossReason.WRONG_NONCE);
    }
  });

  it("re-served listings: an old price under a new time does not count", async () => {
    const read = (minutes: number, over: Parameters<typeof exampleListing>[2] = {}) =>
      exampleListing("1", "98101", { scrapedTime: timestampFromMs(START_MS + minutes * MINUTE_MS), ...over });
    const changed = read(40, { priceUsd: 600_000, priceChangedTime: timestampFromMs(START_MS + 30 * MINUTE_MS + 1) });
    const witnesses = await Promise.all(["v", "w"].map((hotkey) => submit({ "98101": [changed] }, hotkey)));
    const known = knownListings(witnesses, ["98101"]);
    const { check, counted } = crossCheck(await submit({ "98101": [read(90)] }), known, true);
    assert.deepEqual([counted, check.findings[0]?.reason], [0, LossReason.STALE]);
  });
});

describe("attacks on the spot check", () => {
  it("sample prediction: which rows are read depends on a block that comes after the close", async () => {
    const check = await submit({ "98101": exampleListings("98101", 500) });
    const guessed = new Set(idsOf(sampleListings(check, "00".repeat(32), 50)));
    const drawn = idsOf(sampleListings(check, SEED_HASH, 50));
    // 5 expected, standard deviation 2: whoever prepared for another block prepared nothing.
    assert(drawn.filter((id) => guessed.has(id)).length <= 15);
  });

  it("steered sampler: neither the order of rows nor that of files moves the sample, and other counts are a lie", async () => {
    const files = { "98101": exampleListings("98101", 60), "98102": exampleListings("98102", 40) };
    const turned = { "98102": exampleListings("98102", 40).reverse(), "98101": exampleListings("98101", 60).reverse() };
    const [one, other] = [await submit(files), await submit(turned)];
    assert.deepEqual(sampleListings(one, SEED_HASH, 50), sampleListings(other, SEED_HASH, 50));
    const claimed = { objects: [{ zipCode: "98101", rows: 6_000 } as never] };
    const file = readFile("a", "98101", exampleListings("98101", 60));
    const check = await checkFiles({ hotkey: "a", files: new Map([["98101", file]]), manifest: claimed });
    assert.equal(check.lie?.reason, LossReason.CONTRADICTION);
  });

  it("real rows first: the sample is not the head of the files", async () => {
    const check = await submit({ "98101": exampleListings("98101", 500) });
    const head = new Set(check.accepted.get("98101")?.slice(0, 100));
    const fromHead = idsOf(sampleListings(check, SEED_HASH, 50)).filter((id) => head.has(id)).length;
    assert(fromHead <= 22, `${fromHead} of 50 are among the first fifth`);
  });

  it("cover files: bulk fakes behind small real files are sampled by their number, not by files", async () => {
    const fakes = exampleListings("98102", 400);
    const check = await submit({
      "02134": exampleListings("02134", 20),
      "98101": exampleListings("98101", 20),
      "98102": fakes,
    });
    const isFake = new Set(fakes.map(({ listingId }) => listingId));
    let sampled = 0;
    for (let seed = 0; seed < 100; seed += 1) {
      sampled += idsOf(sampleListings(check, `${seed}`, 50)).filter((id) => isFake.has(id)).length;
    }
    // Ten elevenths of 5,000 are 4,545; standard deviation 19.
    assert(Math.abs(sampled - 4_545) < 100, `${sampled} of 5,000 are fakes`);
  });

  it("a few fakes among many real rows: one in twenty is found in nine checks of ten", () => {
    const rules = exampleRules();
    assert(outcomesAt(0.05, rules).liar > 0.9);
    assert(outcomesAt(0.005, rules).liar < 10e-6);
  });

  it("made-up ids with the address of a real page: a listing is looked up by its id", () => {
    const made = exampleListing("999", "98101", { url: "http://127.0.0.1/homedetails/1_zpid/" });
    const page = { url: "http://127.0.0.1/homedetails/999_zpid/", fetchedTimeMs: CLOSE_MS, httpStatus: 404 };
    const evidence = judgeListing("a", "98101", made, { ...page, pageSha256: "ab".repeat(32), outcome: "absent" });
    assert.equal(evidence.verdict, ListingVerdict.FAIL);
  });

  it("padded ids: leading zeros are no other listing", async () => {
    const check = await submit({ "98101": [exampleListing("123"), exampleListing("000123")] });
    assert.deepEqual(check.accepted.get("98101"), ["123"]);
  });

  it("poisoned files: one that cannot be read holds nothing, and hides nothing of the others", async () => {
    const files = new Map<string, FileContent>([
      ["98101", { kind: "unreadable" }],
      ["98102", readFile("a", "98102", exampleListings("98102", 60))],
    ]);
    const check = await checkFiles({ hotkey: "a", files });
    assert.equal(sampleListings(check, SEED_HASH, 50).length, 50);
    assert.equal(check.accepted.has("98101"), false);
  });

  it("failing open: without a source nobody is verified, and nobody is convicted", () => {
    for (let read = 10; read < 50; read += 10) {
      assert.equal(nextStep({ pass: 0, fail: 0, unknown: read }, 1_000, exampleRules()).kind, "sample");
    }
    const step = nextStep({ pass: 0, fail: 0, unknown: 50 }, 1_000, exampleRules());
    assert.deepEqual(step, { kind: "decided", decision: "unverified" });
  });
});

describe("attacks on what is paid", () => {
  it("inverted rewards: liars get nothing, and an honest fourth gets something", async () => {
    const liar = { hotkey: "liar", counts: FULL, minute: 1, failed: 50 };
    const table = await tableOf([liar, ...[30, 60, 90, 120].map((minute) => honest(`m${minute}`, minute))]);
    assert.deepEqual(
      table.scores.map(({ hotkey, shareBps }) => [hotkey, shareBps]),
      [
        ["m30", 5_000],
        ["m60", 3_000],
        ["m90", 1_500],
        ["m120", 500],
        ["liar", 0],
      ],
    );
    assert(table.weights.every(({ hotkey }) => hotkey !== "liar"));
  });

  it("fewer than three honest: what nobody earned goes where the rule says, and is not burned by default", async () => {
    const miners = [honest("a", 30), honest("b", 60)];
    const shared = await tableOf(miners);
    assert.deepEqual(
      shared.weights.map(({ hotkey, weightBps }) => [hotkey, weightBps]),
      [
        ["a", 6_250],
        ["b", 3_750],
      ],
    );
    const burned = await tableOf(miners, exampleRules({ unearnedShare: UnearnedShareRule.BURN }));
    assert.equal(burned.weights.find(({ hotkey }) => hotkey === "owner")?.weightBps, 2_000);
  });

  it("padding: more listings in one zip code make up for nothing elsewhere", async () => {
    const table = await tableOf([
      { hotkey: "padder", counts: [0, 400, 0], minute: 1 },
      { hotkey: "whole", counts: FULL, minute: 1, failed: 0 },
    ]);
    const padder = scoreOf(table, "padder");
    assert.deepEqual([padder.volumeBps, padder.countedListings, padder.shareBps], [3_333, 20, 0]);
  });

  it("selective scrapers: easy zip codes alone earn their part of everything", async () => {
    const table = await tableOf([
      { hotkey: "easy", counts: [20, 0, 0], minute: 1, failed: 0 },
      { hotkey: "whole", counts: FULL, minute: 230, failed: 0 },
    ]);
    const easy = scoreOf(table, "easy");
    assert.deepEqual([easy.speedBps, easy.qualityBps, easy.volumeBps, easy.rank], [3_333, 3_333, 3_333, 2]);
  });

  it("empty files: being early with nothing is worth nothing", async () => {
    const rules = exampleRules();
    const empty = await submit({ "98101": [], "98102": [] }, "empty");
    const table = scoreTable({
      epoch: exampleEpoch(rules),
      rules,
      snapshotSha256: "",
      seedBlockHash: SEED_HASH,
      ownerHotkey: "owner",
      checks: [empty],
      evidence: new Map(),
    });
    const score = scoreOf(table, "empty");
    assert.deepEqual([score.scoreBps, score.shareBps, table.weights], [0, 0, []]);
  });

  it("frozen scores: whoever fails on purpose has this epoch's score, and no earlier one", async () => {
    const broken = await checkFiles({ hotkey: "a", files: new Map([["98101", { kind: "unreadable" }]]) });
    const rules = exampleRules();
    const common = { epoch: exampleEpoch(rules), rules, snapshotSha256: "", seedBlockHash: SEED_HASH };
    const table = scoreTable({ ...common, ownerHotkey: "owner", checks: [broken], evidence: new Map() });
    const score = scoreOf(table, "a");
    assert.deepEqual([score.scoreBps, score.shareBps, score.lost[0]?.reason], [0, 0, LossReason.UNREADABLE]);
  });
});

describe("attacks of many hotkeys", () => {
  it("one coldkey: thirty hotkeys earn what one does", async () => {
    const cluster = Array.from({ length: 30 }, (_, index): Miner => {
      return { ...honest(`s${index}`, 1), coldkey: "cluster" };
    });
    const table = await tableOf([...cluster, honest("a", 60), honest("b", 90)]);
    const paid = table.scores
      .filter(({ shareBps }) => shareBps > 0)
      .map(({ coldkey, shareBps }) => [coldkey, shareBps]);
    assert.deepEqual(paid, [
      ["cluster", 5_000],
      ["a", 3_000],
      ["b", 1_500],
    ]);
  });

  it("inventing crowd: forty that agree on the same inventions neither raise what zip codes hold nor earn", async () => {
    const crowd = Array.from({ length: 40 }, (_, index): Miner => {
      return { hotkey: `s${index}`, counts: [300, 300, 300], first: 1_000, minute: 1 };
    });
    const table = await tableOf([...crowd, honest("honest", 60)]);
    assert.equal(scoreOf(table, "honest").volumeBps, 10_000);
    assert(crowd.every(({ hotkey }) => scoreOf(table, hotkey).shareBps === 0));
  });

  it("low-balling crowd: forty that deliver little do not lower what zip codes hold", async () => {
    const crowd = Array.from({ length: 40 }, (_, index): Miner => {
      return { hotkey: `s${index}`, counts: [1, 1, 1], minute: 1, failed: 0 };
    });
    const table = await tableOf([...crowd, honest("honest", 230)]);
    assert.equal(scoreOf(table, "honest").rank, 1);
    assert(crowd.every(({ hotkey }) => scoreOf(table, hotkey).volumeBps <= 500));
  });
});

describe("attacks on agreement", () => {
  it("differing evidence: validators that were refused different pages write the same table", async () => {
    const rules = exampleRules();
    const checks = await Promise.all([honest("a", 10), honest("b", 20), honest("c", 30)].map(checkOf));
    const seen = (refused: number) => {
      const verdictOf = (place: number) => (place % 3 === refused ? ListingVerdict.UNKNOWN : ListingVerdict.PASS);
      const evidence = new Map(checks.map((check) => [check.hotkey, sampleEvidence(check, rules, verdictOf)]));
      const common = { epoch: exampleEpoch(rules), rules, snapshotSha256: "", seedBlockHash: SEED_HASH };
      return toBinary(ScoreTableSchema, scoreTable({ ...common, ownerHotkey: "owner", checks, evidence }));
    };
    assert.deepEqual(seen(0), seen(1));
    assert.deepEqual(seen(0), seen(2));
  });

  it("charged outages: what a validator cannot fetch or read costs nobody a point", async () => {
    const files = new Map<string, FileContent>([
      ["02134", { kind: "out-of-reach" }],
      ["98101", readFile("a", "98101", exampleListings("98101", 20))],
      ["98102", readFile("a", "98102", exampleListings("98102", 20))],
    ]);
    const check = await checkFiles({ hotkey: "a", files });
    const rules = exampleRules();
    const unknown = (place: number) => (place % 2 === 0 ? ListingVerdict.UNKNOWN : ListingVerdict.PASS);
    const evidence = new Map([["a", sampleEvidence(check, rules, unknown)]]);
    const common = { epoch: exampleEpoch(rules), rules, snapshotSha256: "", seedBlockHash: SEED_HASH };
    const table = scoreTable({ ...common, ownerHotkey: "owner", checks: [check], evidence });
    const { verdict, volumeBps, qualityBps, scoreBps } = scoreOf(table, "a");
    assert.equal(verdict, MinerVerdict.VERIFIED);
    assert.deepEqual([volumeBps, qualityBps, scoreBps], [10_000, 10_000, 10_000]);
  });
});
