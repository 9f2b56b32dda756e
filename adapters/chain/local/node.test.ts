import assert from "node:assert/strict";
import type { Block } from "../../../core/ports.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { type ManualClock, manualClock } from "../../clock/manual-clock.js";
import type { ChainRules } from "./events.js";
import { openJournal } from "./journal.js";
import { type LocalChainNode, openNode } from "./node.js";
import { freshFolder, TEST_RULES } from "./local-chain.test-support.js";

const START_MS = 1_800_000_000_500;

describe("the running chain", () => {
  let folder: Awaited<ReturnType<typeof freshFolder>>;
  beforeEach(async () => {
    folder = await freshFolder();
  });
  afterEach(() => folder.remove());

  async function withNode<T>(
    clock: ManualClock,
    use: (node: LocalChainNode) => Promise<T> | T,
    more: { rules?: Partial<ChainRules>; byte?: number } = {},
  ): Promise<T> {
    const journal = openJournal(folder.path);
    const controller = new AbortController();
    try {
      const node = openNode({
        journal,
        rules: { ...TEST_RULES, finalityLag: 0, ...more.rules },
        blockTimeMs: 1_000,
        clock,
        randomBytes: () => new Uint8Array(32).fill(more.byte ?? 1),
        verify: () => true,
        log: quietLog,
      });
      const running = node.run(controller.signal);
      const result = await use(node);
      controller.abort();
      await running;
      return result;
    } finally {
      journal.close();
    }
  }

  const newest = (node: LocalChainNode): Block => node.finalized().block;

  it("begins with block 0 now, and makes one block at every multiple of the block time", async () => {
    const clock = manualClock(START_MS);
    await withNode(clock, async (node) => {
      assert.equal(newest(node).timeMs, START_MS);
      assert.equal(newest(node).parentHash, "0".repeat(64));
      await clock.advanceTo(START_MS + 3_000);
      assert.equal(newest(node).number, 3);
      assert.equal(newest(node).timeMs, START_MS + 2_500);
    });
  });

  it("continues the numbers after a pause with the time that it is, catching nothing up", async () => {
    const clock = manualClock(START_MS);
    const before = await withNode(clock, async (node) => {
      await clock.advanceTo(START_MS + 2_000);
      return newest(node);
    });
    await clock.advanceTo(START_MS + 3_600_000);
    await withNode(clock, async (node) => {
      assert.deepEqual(newest(node), before);
      await clock.advanceTo(START_MS + 3_601_000);
      assert.equal(newest(node).number, before.number + 1);
      assert.equal(newest(node).timeMs, START_MS + 3_600_500);
      assert.equal(newest(node).parentHash, before.hash);
    });
  });

  it("makes hashes that depend on the fresh bytes, the parent, the number and the time", async () => {
    const hashes = new Set<string>();
    for (const [byte, startMs] of [
      [1, START_MS],
      [2, START_MS],
      [1, START_MS + 1],
    ] as const) {
      // prettier-ignore
      const clock = manualClock(startMs);
      await withNode(clock, async (node) => {
        hashes.add(newest(node).hash);
        await clock.advanceTo(startMs + 1_000);
        hashes.add(newest(node).hash);
      }, { byte }); // prettier-ignore
      await folder.remove();
      folder = await freshFolder();
    }
    assert.equal(hashes.size, 6);
  });

  it("wakes whoever waits for a block, and whoever gives up", async () => {
    const clock = manualClock(START_MS);
    await withNode(clock, async (node) => {
      const block = node.nextFinalized(new AbortController().signal);
      const controller = new AbortController();
      const given = node.nextFinalized(controller.signal);
      controller.abort();
      await given;
      assert.equal(newest(node).number, 0);
      await clock.advanceTo(START_MS + 1_000);
      await block;
      assert.equal(newest(node).number, 1);
    });
  });

  it("registers the owner at the start, once", async () => {
    const clock = manualClock(START_MS);
    const rules = { ownerHotkey: "5Owner" };
    await withNode(clock, (node) => assert.equal(node.register("5Other", "5Other"), 1), { rules });
    await withNode(clock, (node) => {
      assert.equal(node.register("5Owner", "5Owner"), 0);
      assert.equal(node.register("5New", "5New"), 2);
    }, { rules }); // prettier-ignore
  });

  it("takes changed rules over a restart, but no other subnet or network", async () => {
    const clock = manualClock(START_MS);
    await withNode(clock, () => {});
    const rules = { tempo: 7 };
    await withNode(clock, () => clock.advanceTo(START_MS + 1_000), { rules });
    await withNode(clock, (node) => assert.equal(node.finalized().subnet.rules.tempo, 7), { rules });
    await assert.rejects(
      withNode(clock, () => {}, { rules: { netuid: 2 } }),
      /holds subnet 1 of network "local"/,
    );
    await assert.rejects(
      withNode(clock, () => {}, { rules: { network: "x" } }),
      /use another folder/,
    );
  });

  it("takes a call's weights once per limit although its block is not made yet", async () => {
    const clock = manualClock(START_MS);
    const rules = { ownerHotkey: "5Owner", weightsRateLimit: 3 };
    await withNode(clock, async (node) => {
      const request = { hotkey: "5Owner", netuid: 1, uids: [0], weights: [1], versionKey: 0n, eraBlock: 0, signature: new Uint8Array(64), $typeName: "zipnet.localchain.v1.SetWeightsRequest" } as const; // prettier-ignore
      const call = () => node.setWeights({ ...request, uids: [0], weights: [1] });
      assert.equal(call(), 1);
      assert.throws(call, { chainError: "SettingWeightsTooFast" });
      await clock.advanceTo(START_MS + 2_000);
      assert.throws(call, { chainError: "SettingWeightsTooFast" });
      await clock.advanceTo(START_MS + 3_000);
      assert.equal(call(), 4);
    }, { rules }); // prettier-ignore
  });
});
