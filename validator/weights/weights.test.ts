import assert from "node:assert/strict";
import { manualClock } from "../../adapters/clock/manual-clock.js";
import { memoryState } from "../../adapters/state/memory-state.js";
import { create } from "@bufbuild/protobuf";
import { ZipnetError } from "../../core/errors.js";
import { CLOSE_MS, START_MS } from "../../core/judging/examples.test-support.js";
import type { Block, Chain, Metagraph, UidWeight } from "../../core/ports.js";
import { ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { EPOCH_ID, LENGTH_MS, scriptedMetagraph } from "../scripted-epoch.test-support.js";
import { type LastSent, type SettledTable, planWeights } from "./plan.js";
import { SettledTables } from "./settled-tables.js";
import { keepWeightsSet } from "./weights-loop.js";

const HOTKEYS = ["owner", "validator", "first", "second"];
const table: SettledTable = {
  epochId: EPOCH_ID,
  weights: [
    { hotkey: "first", weightBps: 7_500 },
    { hotkey: "second", weightBps: 2_500 },
  ] as unknown as SettledTable["weights"],
};

/** The subnet at block 1,000, in a tempo from 940 to 1,300, where the validator set weights last at a block. */
function metagraph(lastUpdateBlock: number, over: Partial<Metagraph> = {}): Metagraph {
  const base = scriptedMetagraph(HOTKEYS, over);
  return { ...base, neurons: base.neurons.map((neuron) => ({ ...neuron, lastUpdateBlock })) };
}

describe("planWeights", () => {
  const last: LastSent = { epochId: EPOCH_ID, blockNumber: 950 };
  const older: LastSent = { epochId: "20261122T080000Z", blockNumber: 950 };
  const base = { hotkey: "validator", table, last: undefined, versionKey: 0n };

  it("sets the table's weights, scaled to the largest", () => {
    const plan = planWeights({ ...base, metagraph: metagraph(0) });
    assert(plan.kind === "set");
    assert.deepEqual(plan.weights, [
      { uid: 2, weightU16: 65_535 },
      { uid: 3, weightU16: 21_845 },
    ]);
  });

  const cases: [string, Parameters<typeof planWeights>[0], object][] = [
    [
      "sets nothing before the first judgement",
      { ...base, table: undefined, metagraph: metagraph(0) },
      { kind: "nothing" },
    ],
    [
      "sets nothing when nobody who earned is registered",
      { ...base, metagraph: scriptedMetagraph(["owner", "validator"]) },
      { kind: "nothing" },
    ],
    [
      "sets nothing when it is not registered",
      { ...base, hotkey: "stranger", metagraph: metagraph(0) },
      { kind: "nothing" },
    ],
    [
      "waits for the next tempo when the table is set in this one",
      { ...base, last, metagraph: metagraph(950) },
      { kind: "wait", untilBlock: 1_300 },
    ],
    ["refreshes in the next tempo", { ...base, last, metagraph: metagraph(850) }, { kind: "set" }],
    [
      "waits for the rate limit with a new table",
      { ...base, last: older, metagraph: metagraph(950) },
      { kind: "wait", untilBlock: 1_050 },
    ],
    [
      "sets a new table in the same tempo once it may",
      { ...base, last: older, metagraph: metagraph(900) },
      { kind: "set" },
    ],
    [
      "sets at the very block that the rate limit ends",
      { ...base, last: older, metagraph: metagraph(950, { weightsRateLimit: 50 }) },
      { kind: "set" },
    ],
    [
      "does not count a set of which only its own record knows",
      { ...base, last, metagraph: metagraph(0) },
      { kind: "set" },
    ],
    [
      "sets nothing where the subnet asks for newer judging rules",
      { ...base, metagraph: metagraph(0, { weightsVersionKey: 3n }), versionKey: 2n },
      { kind: "nothing", reason: "the subnet asks for version key 3, this program has 2: update it" },
    ],
    [
      "does not count a setting of before it last sent weights",
      { ...base, last: { ...last, blockNumber: 961 }, metagraph: metagraph(955, { weightsRateLimit: 0 }) },
      { kind: "set" },
    ],
    [
      "waits for the rate limit where it is longer than the tempo",
      { ...base, last, metagraph: metagraph(950, { weightsRateLimit: 1_000 }) },
      { kind: "wait", untilBlock: 1_950 },
    ],
  ];
  for (const [what, input, expected] of cases) {
    it(what, () => {
      const plan = planWeights(input);
      assert.deepEqual(
        Object.fromEntries(Object.keys(expected).map((key) => [key, plan[key as keyof typeof plan]])),
        expected,
      );
    });
  }

  it("sets again in the same tempo, as soon as it may, when a uid changed hands while the weights were on their way", () => {
    const row = [
      { uid: 1, weightU16: 65_535 },
      { uid: 3, weightU16: 21_845 },
    ];
    const held = (weightsRateLimit: number, over: Partial<Metagraph> = {}): Metagraph => {
      const read = metagraph(960, { weightsRateLimit, ...over });
      const neurons = read.neurons.map((neuron) =>
        neuron.hotkey === "validator" ? { ...neuron, weights: row } : neuron,
      );
      return { ...read, neurons };
    };
    assert.equal(planWeights({ ...base, last, metagraph: held(40) }).kind, "set");
    const early = planWeights({ ...base, last, metagraph: held(100) });
    assert(early.kind === "wait" && early.untilBlock === 1_060);
    const sealed = planWeights({ ...base, last, metagraph: held(40, { revealPeriodEpochs: 1 }) });
    assert(sealed.kind === "wait" && sealed.untilBlock === 1_300, "the row on chain is not yet the one that was sent");
  });

  it("needs a permit, unless it is the owner", () => {
    const bare = metagraph(0);
    const neurons = bare.neurons.map((neuron) => ({ ...neuron, validatorPermit: false }));
    const plan = planWeights({ ...base, metagraph: { ...bare, neurons } });
    assert(plan.kind === "nothing" && plan.isAlarm);
    assert.equal(planWeights({ ...base, hotkey: "owner", metagraph: { ...bare, neurons } }).kind, "set");
  });
});

describe("SettledTables", () => {
  it("brings a table into force when its judging period ends, and keeps it when the next is empty", () => {
    const tables = new SettledTables(LENGTH_MS);
    const weights = [{ hotkey: "first", weightBps: 10_000 }];
    tables.add(create(ScoreTableSchema, { epochId: EPOCH_ID, weights }));
    tables.add(create(ScoreTableSchema, { epochId: "20261122T160000Z" }));
    assert.equal(tables.inForceAt(CLOSE_MS + LENGTH_MS - 1), undefined);
    assert.equal(tables.inForceAt(CLOSE_MS + LENGTH_MS)?.epochId, EPOCH_ID);
    assert.equal(tables.inForceAt(CLOSE_MS + 5 * LENGTH_MS)?.epochId, EPOCH_ID);
    tables.add(create(ScoreTableSchema, { epochId: "20261122T200000Z", weights }));
    assert.equal(tables.inForceAt(CLOSE_MS + 5 * LENGTH_MS)?.epochId, "20261122T200000Z");
  });
});

describe("keepWeightsSet", () => {
  const signer = { hotkey: "validator", sign: () => new Uint8Array(64) };

  /** A chain with a block every 12 seconds from block 1,000 on; `answer` takes or refuses the weights of a block. */
  function chainOf(
    blocks: number,
    answer: (block: number) => void,
  ): Chain & { readonly set: { block: number; weights: readonly UidWeight[] }[] } {
    const set: { block: number; weights: readonly UidWeight[] }[] = [];
    let number = 1_000;
    const blockNow = (): Block => ({
      ...scriptedMetagraph(HOTKEYS).block,
      number,
      timeMs: CLOSE_MS + LENGTH_MS + (number - 1_010) * 12_000,
    });
    return {
      set,
      finalizedBlock: () => Promise.resolve(blockNow()),
      block: () => Promise.resolve(undefined),
      async *watchFinalized() {
        for (; number < 1_000 + blocks; number += 1) yield blockNow();
        throw new Error("the test is over");
      },
      metagraph: () =>
        Promise.resolve(
          metagraph(set.at(-1)?.block ?? 0, {
            block: blockNow(),
            nextEpochBlock: Math.floor(number / 360) * 360 + 360,
          }),
        ),
      setWeights(_, weights) {
        try {
          answer(number);
        } catch (error) {
          return Promise.reject(error);
        }
        set.push({ block: number, weights });
        return Promise.resolve({ blockNumber: number });
      },
      serveAxon: () => Promise.reject(new Error("no address is expected")),
    };
  }

  async function run(chain: Chain, tables: SettledTables, state = memoryState()): Promise<object[]> {
    const controller = new AbortController();
    const facts: object[] = [];
    const log = {
      ...quietLog,
      info: (fact: object) => void facts.push(fact),
      error: (fact: object) => void facts.push(fact),
      warn: (fact: object) => {
        facts.push(fact);
        if ("err" in fact && String(fact.err).includes("the test is over")) controller.abort();
      },
    };
    await keepWeightsSet(
      { chain, clock: manualClock(START_MS), log, signer, state, tables, versionKey: 0n },
      controller.signal,
    );
    return facts;
  }

  function tablesOf(): SettledTables {
    const tables = new SettledTables(LENGTH_MS);
    tables.add(create(ScoreTableSchema, { epochId: EPOCH_ID, weights: [{ hotkey: "first", weightBps: 10_000 }] }));
    return tables;
  }

  it("sets once at the block that brings the table into force, and again in every tempo", async () => {
    const chain = chainOf(800, () => {});
    const facts = await run(chain, tablesOf());
    assert.deepEqual(
      chain.set.map(({ block }) => block),
      [1_010, 1_110, 1_440],
    );
    const first = facts.find((fact) => "event" in fact);
    assert.deepEqual(first, {
      event: "weights_set",
      block: 1_010,
      epoch_id: EPOCH_ID,
      weights: [{ uid: 2, weight_u16: 65_535 }],
    });
  });

  it("sets nothing at all without a judgement, and says so once", async () => {
    const chain = chainOf(200, () => {});
    const facts = await run(chain, new SettledTables(LENGTH_MS));
    assert.deepEqual(chain.set, []);
    assert.equal(facts.filter((fact) => "reason" in fact).length, 1);
  });

  it("follows hotkeys and not uids when a uid changes hands between two settings", async () => {
    const tables = new SettledTables(LENGTH_MS);
    tables.add(create(ScoreTableSchema, { epochId: EPOCH_ID, weights: [...table.weights] }));
    const chain = chainOf(500, () => {});
    const inner = chain.metagraph;
    // From block 1,400 on a stranger has the uid of the best miner, which registered again under the next free one.
    chain.metagraph = async (signal) => {
      const read = await inner(signal);
      const hotkeys = read.block.number < 1_400 ? HOTKEYS : ["owner", "validator", "stranger", "second", "first"];
      const { neurons } = scriptedMetagraph(hotkeys);
      const { lastUpdateBlock = 0 } = read.neurons[0] ?? {};
      return { ...read, neurons: neurons.map((neuron) => ({ ...neuron, lastUpdateBlock })) };
    };
    await run(chain, tables);
    const rows = chain.set.map(({ weights }) => weights.map(({ uid, weightU16 }) => `${uid}:${weightU16}`).join(" "));
    assert.deepEqual(rows, ["2:65535 3:21845", "2:65535 3:21845", "3:21845 4:65535"]);
  });

  it("tries again after a refusal, and names it", async () => {
    const chain = chainOf(30, (block) => {
      if (block < 1_018) throw new ZipnetError("CHAIN_REJECTED", "too fast", { chain_error: "SettingWeightsTooFast" });
    });
    const facts = await run(chain, tablesOf());
    assert.deepEqual(
      chain.set.map(({ block }) => block),
      [1_020],
    );
    assert.equal(
      facts.filter((fact) => "chain_error" in fact && fact.chain_error === "SettingWeightsTooFast").length,
      2,
    );
  });

  it("raises an alarm for a refusal that time alone does not cure, and tries again in the next tempo", async () => {
    const asked: number[] = [];
    const chain = chainOf(500, (block) => {
      asked.push(block);
      if (block < 1_400) throw new ZipnetError("CHAIN_REJECTED", "no", { chain_error: "NeuronNoValidatorPermit" });
    });
    const facts = await run(chain, tablesOf());
    assert.deepEqual(asked, [1_010, 1_080, 1_440]);
    const alarms = facts.filter((fact) => "event" in fact && fact.event === "weights_blocked");
    assert.equal(alarms.length, 2, "one in every tempo");
    assert.match(JSON.stringify(alarms[0]), /NeuronNoValidatorPermit.*tried again in the next tempo/);
  });

  it("raises an alarm while it may not set weights, once in every tempo", async () => {
    const chain = chainOf(400, () => assert.fail("nothing may be sent"));
    const inner = chain.metagraph;
    chain.metagraph = async (signal) => ({ ...(await inner(signal)), minStakeRao: 10n ** 30n });
    const facts = await run(chain, tablesOf());
    const alarms = facts.filter((fact) => "event" in fact && fact.event === "weights_blocked");
    assert.equal(alarms.length, 2);
    assert.match(JSON.stringify(alarms[0]), /needs \d+ to set weights: add stake/);
  });

  it("warns that its weights are getting too old", async () => {
    const chain = chainOf(100, () => {});
    const inner = chain.metagraph;
    chain.metagraph = async (signal) => {
      const read = await inner(signal);
      const neurons = read.neurons.map((neuron) => ({ ...neuron, lastUpdateBlock: 500, validatorPermit: false }));
      return { ...read, neurons, activityCutoff: 900 };
    };
    const facts = await run(chain, tablesOf());
    assert.deepEqual(
      facts.flatMap((fact) => ("event" in fact ? [fact.event] : [])),
      ["weights_blocked", "weights_old", "weights_blocked", "weights_old"],
    );
  });

  it("raises an alarm when sealed weights are not opened", async () => {
    const eventsWhere = async (weights: readonly UidWeight[]): Promise<unknown[]> => {
      const chain = chainOf(500, () => {});
      const inner = chain.metagraph;
      chain.metagraph = async (signal) => {
        const read = await inner(signal);
        const neurons = read.neurons.map((neuron) => ({ ...neuron, weights }));
        return { ...read, neurons, revealPeriodEpochs: 1 };
      };
      return (await run(chain, tablesOf())).flatMap((fact) => ("event" in fact ? [fact.event] : []));
    };
    const [set, unopened] = ["weights_set", "weights_unopened"];
    assert.deepEqual(await eventsWhere([]), [set, unopened, set, unopened, set], "once in every tempo");
    assert.deepEqual(await eventsWhere([{ uid: 2, weightU16: 65_535 }]), [set, set, set]);
  });

  it("does not send again what the chain took when the answer was lost", async () => {
    const chain = chainOf(200, () => {});
    const inner = chain.setWeights;
    let sent = 0;
    chain.setWeights = async (...call) => {
      sent += 1;
      await inner(...call);
      throw new ZipnetError("UNAVAILABLE", "the connection is lost");
    };
    await run(chain, tablesOf());
    assert.deepEqual([sent, chain.set.map(({ block }) => block)], [2, [1_010, 1_110]]);
  });

  it("does not set again after a restart in the same tempo", async () => {
    const state = memoryState();
    const tables = tablesOf();
    await state.write(
      "weights/last",
      new TextEncoder().encode(JSON.stringify({ epochId: EPOCH_ID, blockNumber: 990 })),
    );
    const chain = chainOf(60, () => {});
    const inner = chain.metagraph;
    chain.metagraph = async (signal) => {
      const read = await inner(signal);
      return { ...read, neurons: read.neurons.map((neuron) => ({ ...neuron, lastUpdateBlock: 990 })) };
    };
    await run(chain, tables, state);
    assert.deepEqual(chain.set, []);
  });
});
