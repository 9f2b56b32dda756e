import assert from "node:assert/strict";
import type { SpotCheckDecision } from "./decision.js";
import { SEED_HASH, exampleRules } from "./examples.test-support.js";
import { type CheckedMiner, nextToCheck } from "./next-to-check.js";

const ORDER = Array.from({ length: 60 }, (_, index) => `m${index}`);

/** The hotkeys that are checked, in order, where each takes 50 listings. */
function checked(decisionOf: (hotkey: string) => SpotCheckDecision, over = {}, seedBlockHash = SEED_HASH): string[] {
  const done = new Map<string, CheckedMiner>();
  const rules = exampleRules(over);
  for (;;) {
    const next = nextToCheck({ order: ORDER, checked: done, rules, epochId: "20261122T120000Z", seedBlockHash });
    if (next === undefined) return [...done.keys()];
    done.set(next, { decision: decisionOf(next), sampled: 50 });
  }
}

const best = { spotCheckRandomMiners: 0 };

describe("nextToCheck", () => {
  it("checks the best six and no more of them when three are honest", () => {
    const someLie = (who: string) => (["m0", "m2", "m4"].includes(who) ? "liar" : "verified");
    assert.deepEqual(checked(someLie, best), ORDER.slice(0, 6));
  });

  it("goes on to the next in line until three honest stand", () => {
    const fewHonest = (who: string) => (["m5", "m7", "m8"].includes(who) ? "verified" : "liar");
    assert.deepEqual(checked(fewHonest, best), ORDER.slice(0, 9));
  });

  it("stops when either budget is used, or when nobody is left", () => {
    const miners = { ...best, spotCheckBudgetMiners: 12 };
    assert.deepEqual(
      checked(() => "liar", miners),
      ORDER.slice(0, 12),
    );
    assert.equal(checked(() => "liar", best).length, 30, "1,500 listings");
    const rest = { order: ["m0"], checked: new Map(), rules: exampleRules(), epochId: "", seedBlockHash: SEED_HASH };
    assert.equal(nextToCheck({ ...rest, order: [] }), undefined);
    assert.equal(nextToCheck({ ...rest, checked: new Map([["m0", { decision: "liar", sampled: 10 }]]) }), undefined);
  });

  it("draws two more from all others, by the seed, and does not replace them", () => {
    const drawn = checked((who) => (ORDER.slice(0, 6).includes(who) ? "verified" : "liar")).slice(6);
    assert.equal(drawn.length, 2);
    assert(drawn.every((who) => !ORDER.slice(0, 6).includes(who)));
    assert.notDeepEqual(checked(() => "verified", {}, "00".repeat(32)).slice(6), drawn);
  });

  it("draws everybody outside of the best about equally often", () => {
    const times = new Map<string, number>();
    const state = { order: ORDER.slice(0, 16), rules: exampleRules(), epochId: "20261122T120000Z" };
    const best = new Map(ORDER.slice(0, 6).map((who) => [who, { decision: "verified", sampled: 50 } as const]));
    for (let seed = 0; seed < 1_000; seed += 1) {
      const who = nextToCheck({ ...state, checked: best, seedBlockHash: `${seed}` }) ?? "";
      times.set(who, (times.get(who) ?? 0) + 1);
    }
    // 100 expected of each of the ten, standard deviation 9.5; five of them.
    assert.deepEqual([...times.keys()].sort(), ORDER.slice(6, 16).sort());
    for (const [who, count] of times) assert(Math.abs(count - 100) < 48, `${who} was drawn ${count} times`);
  });
});
