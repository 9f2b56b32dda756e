import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeEvent, encodeEvent, type LedgerEvent } from "./events.js";
import { emptyLedger, type Ledger } from "./ledger.js";
import { TEST_RULES } from "./local-chain.test-support.js";

const TAO = 1_000_000_000n;

function withRules(rules: Partial<typeof TEST_RULES> = {}): Ledger {
  const ledger = emptyLedger();
  ledger.apply({ kind: "rules", rules: { ...TEST_RULES, ...rules } });
  return ledger;
}

const hashOf = (number: number): string => String(number).padStart(64, "0");

function addBlocks(ledger: Ledger, count: number): void {
  for (let left = count; left > 0; left -= 1) {
    const head = ledger.head();
    const number = head === undefined ? 0 : head.number + 1;
    const block = { number, hash: hashOf(number), parentHash: head?.hash ?? hashOf(0), timeMs: number };
    ledger.apply({ kind: "block", block });
  }
}

function enrol(ledger: Ledger, hotkey: string, stakeRao: bigint): void {
  ledger.apply({ kind: "register", hotkey, coldkey: hotkey });
  ledger.apply({ kind: "stake", hotkey, stakeRao });
}

const neuronsOf = (ledger: Ledger) => ledger.pending()?.neurons ?? [];
const permitted = (ledger: Ledger) =>
  neuronsOf(ledger).flatMap((neuron) => (neuron.validatorPermit ? neuron.hotkey : []));

describe("the ledger", () => {
  it("finalizes with the lag, and never goes back when the lag grows", () => {
    const ledger = withRules({ finalityLag: 2 });
    assert.equal(ledger.finalized(), undefined);
    addBlocks(ledger, 2);
    assert.equal(ledger.finalized()?.block.number, 0);
    addBlocks(ledger, 4);
    assert.equal(ledger.finalized()?.block.number, 3);
    assert.equal(ledger.finalizedBlock(3)?.hash, hashOf(3));
    assert.equal(ledger.finalizedBlock(4), undefined);
    ledger.apply({ kind: "rules", rules: { ...TEST_RULES, finalityLag: 4 } });
    addBlocks(ledger, 1);
    assert.equal(ledger.finalized()?.block.number, 3);
    addBlocks(ledger, 2);
    assert.equal(ledger.finalized()?.block.number, 4);
  });

  it("shows what happened only once its block is finalized", () => {
    const ledger = withRules({ finalityLag: 2 });
    addBlocks(ledger, 3);
    enrol(ledger, "a", 1_000n * TAO);
    addBlocks(ledger, 2);
    assert.deepEqual(ledger.finalized()?.subnet.neurons, []);
    addBlocks(ledger, 1);
    assert.equal(ledger.finalized()?.block.number, 3);
    assert.equal(ledger.finalized()?.subnet.neurons[0]?.registeredBlock, 3);
  });

  it("refuses a block that does not follow", () => {
    const ledger = withRules();
    addBlocks(ledger, 2);
    const good = { number: 2, hash: hashOf(2), parentHash: hashOf(1), timeMs: 2 };
    assert.throws(
      () => ledger.apply({ kind: "block", block: { ...good, number: 3 } }),
      /block 3 does not follow block 1/,
    );
    assert.throws(() => ledger.apply({ kind: "block", block: { ...good, parentHash: hashOf(0) } }), /does not follow/);
    ledger.apply({ kind: "block", block: good });
  });

  it("gives permits by stake, the lower uid where stakes are equal, to none below the threshold", () => {
    const ledger = withRules({ maxValidators: 2, minStakeRao: 100n });
    enrol(ledger, "a", 99n);
    enrol(ledger, "b", 200n);
    enrol(ledger, "c", 200n);
    enrol(ledger, "d", 200n);
    assert.deepEqual(permitted(ledger), ["b", "c"]);
    ledger.apply({ kind: "stake", hotkey: "d", stakeRao: 201n });
    assert.deepEqual(permitted(ledger), ["b", "d"]);
    ledger.apply({ kind: "stake", hotkey: "b", stakeRao: 0n });
    ledger.apply({ kind: "stake", hotkey: "c", stakeRao: 0n });
    assert.deepEqual(permitted(ledger), ["d"]);
  });

  it("gives no permit without stake even where no stake is asked for", () => {
    const ledger = withRules({ minStakeRao: 0n });
    enrol(ledger, "a", 0n);
    enrol(ledger, "b", 1n);
    assert.deepEqual(permitted(ledger), ["b"]);
  });

  it("runs the consensus at each tempo and keeps its figures until the next", () => {
    const ledger = withRules({ tempo: 5, finalityLag: 0 });
    addBlocks(ledger, 1);
    for (const miner of ["m0", "m1"]) ledger.apply({ kind: "register", hotkey: miner, coldkey: miner });
    enrol(ledger, "v", 1_000n * TAO);
    ledger.apply({ kind: "weights", hotkey: "v", uids: [0, 1], weights: [3, 1] });
    addBlocks(ledger, 4);
    assert.deepEqual(neuronsOf(ledger).map(({ incentiveU16 }) => incentiveU16), [0, 0, 0]); // prettier-ignore
    addBlocks(ledger, 1);
    assert.equal(ledger.pending()?.lastEpochBlock, 5);
    // Stored as 65,535 and 21,845, which are exactly three quarters and one quarter.
    assert.deepEqual(neuronsOf(ledger).map(({ incentiveU16 }) => incentiveU16), [49151, 16384, 0]); // prettier-ignore
    assert.deepEqual(neuronsOf(ledger).map(({ dividendsU16 }) => dividendsU16), [0, 0, 65535]); // prettier-ignore
    assert.equal(neuronsOf(ledger)[2]?.validatorTrustU16, 65535);
    ledger.apply({ kind: "weights", hotkey: "v", uids: [1], weights: [1] });
    addBlocks(ledger, 4);
    assert.equal(neuronsOf(ledger)[0]?.incentiveU16, 49151);
    addBlocks(ledger, 1);
    assert.deepEqual(neuronsOf(ledger).map(({ incentiveU16 }) => incentiveU16), [0, 65535, 0]); // prettier-ignore
  });

  it("leaves out of the consensus who has lost its permit", () => {
    const ledger = withRules({ tempo: 5, maxValidators: 1 });
    ledger.apply({ kind: "register", hotkey: "m", coldkey: "m" });
    enrol(ledger, "old", 1_000n * TAO);
    addBlocks(ledger, 1);
    ledger.apply({ kind: "weights", hotkey: "old", uids: [0], weights: [1] });
    enrol(ledger, "new", 2_000n * TAO);
    addBlocks(ledger, 5);
    assert.deepEqual(neuronsOf(ledger).map(({ incentiveU16 }) => incentiveU16), [0, 0, 0]); // prettier-ignore
  });

  it("comes out the same when its events are written and read back", () => {
    const names = ["a", "b", "c", "d"];
    const steps = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant("block" as const) }),
        fc.record({ kind: fc.constant("register" as const), hotkey: fc.constantFrom(...names) }),
        fc.record({
          kind: fc.constant("stake" as const),
          hotkey: fc.constantFrom(...names),
          stakeRao: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        }),
        fc.record({
          kind: fc.constant("weights" as const),
          hotkey: fc.constantFrom(...names),
          weights: fc.array(fc.integer({ min: 0, max: 65_535 }), { maxLength: 4 }),
        }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (script) => {
        const ledger = emptyLedger();
        const lines: string[] = [];
        const happen = (event: LedgerEvent): void => {
          ledger.apply(event);
          lines.push(encodeEvent(event));
        };
        happen({ kind: "rules", rules: { ...TEST_RULES, tempo: 3, minStakeRao: 1n } });
        for (const step of script) {
          if (step.kind === "block") {
            const head = ledger.head();
            const number = (head?.number ?? -1) + 1;
            happen({
              kind: "block",
              block: { number, hash: hashOf(number), parentHash: head?.hash ?? "", timeMs: number },
            });
          } else if (step.kind === "register") {
            if (ledger.uidOf(step.hotkey) === undefined) happen({ ...step, coldkey: step.hotkey });
          } else if (ledger.uidOf(step.hotkey) !== undefined) {
            happen(step.kind === "stake" ? step : { ...step, uids: step.weights.map((_, uid) => uid) });
          }
        }
        const replayed = emptyLedger();
        for (const line of lines) replayed.apply(decodeEvent(line));
        assert.deepEqual(replayed.pending(), ledger.pending());
        assert.deepEqual(replayed.finalized(), ledger.finalized());
      }),
    );
  });
});
