/** What pays: properties of the rules that no choice of a miner may break. */
import assert from "node:assert/strict";
import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { LossReason, MinerVerdict, ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";
import { provisionalOrder } from "./candidates.js";
import { type Miner, ZIP_CODES, checkOf, scoreOf, tableOf } from "./competition.test-support.js";
import { SEED_HASH, exampleEpoch, exampleRules } from "./examples.test-support.js";

const counts = fc.array(fc.nat(30), { minLength: 3, maxLength: 3 });
const someone = fc.record({ counts, minute: fc.nat(239), failed: fc.constantFrom(0, undefined) });
const crowd = fc.array(someone, { maxLength: 5 }).map((list): Miner[] =>
  list.map(({ failed, ...miner }, index) => ({
    hotkey: `m${index}`,
    ...miner,
    ...(failed === undefined ? {} : { failed }),
  })),
);

describe("the score of a miner", () => {
  for (const [what, failed] of [
    ["verified", 0],
    ["unchecked", undefined],
  ] as const) {
    it(`that is ${what} never falls when it delivers more`, () =>
      fc.assert(
        fc.asyncProperty(crowd, counts, counts, fc.nat(239), async (others, some, more, minute) => {
          const miner = { hotkey: "me", minute, ...(failed === undefined ? {} : { failed }) };
          const known = ZIP_CODES.map((_, zip) =>
            Math.max(0, ...others.filter((other) => other.failed === 0).map((other) => other.counts[zip] ?? 0)),
          );
          // An unchecked miner's listings beyond what the verified have are not known to be real.
          const real = (count: number, zip: number) => {
            return failed === 0 || known.every((most) => most === 0) ? count : Math.min(count, known[zip] ?? 0);
          };
          const less = some.map(real);
          const all = some.map((count, zip) => real(count + (more[zip] ?? 0), zip));
          const [before, after] = [
            scoreOf(await tableOf([...others, { ...miner, counts: less }]), "me"),
            scoreOf(await tableOf([...others, { ...miner, counts: all }]), "me"),
          ];
          // A sample of a few listings can prove nothing; the larger submission is the one that is verified.
          if (before.verdict === MinerVerdict.VERIFIED || after.verdict === before.verdict) {
            assert(after.scoreBps >= before.scoreBps, `${before.scoreBps} became ${after.scoreBps}`);
          }
        }),
        { numRuns: 60 },
      ));
  }

  it("is the best at full coverage, at any pace that its listings allow", async () => {
    // Reads 10 listings a minute and has 60 to read. The grace window is over after 15 minutes.
    const scores = [];
    for (let listings = 3; listings <= 60; listings += 3) {
      const each = listings / 3;
      const me = { hotkey: "me", counts: [each, each, each], minute: 5 + listings * 3, failed: 0 };
      const full = { hotkey: "full", counts: [20, 20, 20], minute: 200, failed: 0 };
      scores.push(scoreOf(await tableOf([me, full]), "me").scoreBps);
    }
    assert.equal(Math.max(...scores), scores.at(-1), scores.join(", "));
  });

  it("of a tiny instant submission is far below that of a complete late one", async () => {
    const table = await tableOf([
      { hotkey: "tiny", counts: [2, 2, 1], minute: 1, failed: 0 },
      { hotkey: "late", counts: [20, 20, 20], minute: 230, failed: 0 },
    ]);
    assert.deepEqual(
      table.scores.map(({ hotkey }) => hotkey),
      ["late", "tiny"],
    );
    assert(scoreOf(table, "tiny").scoreBps < 900 && scoreOf(table, "late").scoreBps > 6_000);
  });
});

describe("the provisional order", () => {
  const order = async (miners: readonly Miner[]) =>
    provisionalOrder(await Promise.all(miners.map(checkOf)), exampleEpoch(), exampleRules(), SEED_HASH);

  it("of two miners does not depend on what anybody else submits", () =>
    fc.assert(
      fc.asyncProperty(crowd, fc.array(someone, { minLength: 1, maxLength: 4 }), async (miners, further) => {
        const more = further.map((miner, index): Miner => ({ ...miner, hotkey: `x${index}`, failed: 0 }));
        const alone = await order(miners);
        const together = await order([...more, ...miners]);
        assert.deepEqual(
          together.filter((hotkey) => !hotkey.startsWith("x")),
          alone,
        );
      }),
      { numRuns: 40 },
    ));

  it("gives each coldkey one lot in a tie, however many hotkeys it has", async () => {
    const miner = (hotkey: string, coldkey: string) => ({ hotkey, coldkey, counts: [9, 9, 9], minute: 1 });
    const coldkeys = Array.from({ length: 6 }, (_, index) => `c${index}`);
    const alone = coldkeys.map((coldkey) => miner(coldkey, coldkey));
    const more = Array.from({ length: 20 }, (_, index) => miner(`s${index}`, "c3"));
    const ranked = await order([...alone, ...more]);
    assert.deepEqual(
      ranked.map((hotkey) => (hotkey.startsWith("s") ? "c3" : hotkey)),
      await order(alone),
    );
  });

  it("has one hotkey of each coldkey, its best", async () => {
    const miner = (hotkey: string, coldkey: string, minute: number) => ({ hotkey, coldkey, counts: [9, 9, 9], minute });
    const miners = [miner("a1", "a", 60), miner("a2", "a", 30), miner("b", "b", 90), miner("a3", "a", 10)];
    assert.deepEqual(await order(miners), ["a3", "b"]);
  });
});

describe("shares", () => {
  it("go to the best hotkey of each coldkey, and the others keep their rank", async () => {
    const miner = (hotkey: string, coldkey: string, minute: number, failed?: number) => {
      return { hotkey, coldkey, counts: [20, 20, 20], minute, ...(failed === undefined ? {} : { failed }) };
    };
    const miners = [miner("a1", "a", 1, 0), miner("a2", "a", 30, 0), miner("b", "b", 60, 0), miner("a3", "a", 90)];
    const table = await tableOf(miners);
    assert.deepEqual(
      table.scores.map(({ hotkey, rank, shareBps, coldkey }) => [hotkey, rank, shareBps, coldkey]),
      [
        ["a1", 1, 5_000, "a"],
        ["a2", 2, 0, "a"],
        ["b", 3, 3_000, "b"],
        ["a3", 4, 0, "a"],
      ],
    );
    const [reason] = scoreOf(table, "a2").lost.slice(-1);
    assert.deepEqual([reason?.reason, reason?.lostBps], [LossReason.COLDKEY, 0]);
    assert.equal(reason?.detail, "no share: 1 of a coldkey may earn, of this one a1 does");
    const free = await tableOf(miners, exampleRules({ maxEarnersPerColdkey: 0 }));
    assert(free.scores.every(({ shareBps }) => shareBps > 0));
  });

  it("are not for an unchecked miner of whose listings most are unknown to the verified", async () => {
    const verified = { hotkey: "v", counts: [20, 20, 20], minute: 60, failed: 0 };
    const half = { hotkey: "half", counts: [20, 20, 20], first: 11, minute: 1 };
    const mostly = { hotkey: "mostly", counts: [20, 20, 20], first: 12, minute: 1 };
    const table = await tableOf([verified, half, mostly]);
    assert.deepEqual([scoreOf(table, "half").countedListings, scoreOf(table, "mostly").countedListings], [30, 27]);
    assert.deepEqual([scoreOf(table, "half").shareBps, scoreOf(table, "mostly").shareBps], [500, 0]);
    const why = scoreOf(table, "mostly").lost.filter(({ detail }) => detail.startsWith("no share"));
    assert.deepEqual(
      why.map(({ reason, detail }) => [reason, detail]),
      [[LossReason.UNCONFIRMED, "no share: only 27 of 60 listings in zip codes of verified miners count"]],
    );
  });

  it("are divided among the unchecked by what counts", async () => {
    const table = await tableOf([
      { hotkey: "v", counts: [20, 20, 20], minute: 60, failed: 0 },
      { hotkey: "whole", counts: [20, 20, 20], minute: 120 },
      { hotkey: "part", counts: [10, 10, 10], minute: 120 },
    ]);
    const [whole, part] = [scoreOf(table, "whole"), scoreOf(table, "part")];
    assert.equal(whole.shareBps + part.shareBps, 500);
    assert(whole.shareBps >= 2 * part.shareBps - 2);
    assert.equal(whole.heuristicScoreBps, whole.scoreBps);
  });
});

describe("score tables", () => {
  it("are the same bytes in whatever order submissions come, copies of coldkeys and strangers' listings included", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            counts,
            first: fc.constantFrom(1, 5, 100),
            minute: fc.nat(3),
            failed: fc.constantFrom(0, undefined),
            coldkey: fc.constantFrom("a", "b", "c"),
          }),
          { maxLength: 6 },
        ),
        async (list) => {
          const miners = list.map(({ failed, ...miner }, index): Miner => {
            return { hotkey: `m${index}`, ...miner, ...(failed === undefined ? {} : { failed }) };
          });
          const bytes = toBinary(ScoreTableSchema, await tableOf(miners));
          assert.deepEqual(toBinary(ScoreTableSchema, await tableOf(miners.toReversed())), bytes);
        },
      ),
      { numRuns: 60 },
    ));
});
