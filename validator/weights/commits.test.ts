import assert from "node:assert/strict";
import { memoryState } from "../../adapters/state/memory-state.js";
import { sampleMetagraph, sampleNeuron } from "../../core/metagraph.test-support.js";
import type { Metagraph, UidWeight } from "../../core/ports.js";
import { type SentCommit, noteCommit, readCommits, unopenedCommit } from "./commits.js";

const OLD: UidWeight[] = [{ uid: 1, weightU16: 65_535 }];
const NEW: UidWeight[] = [
  { uid: 1, weightU16: 0 },
  { uid: 2, weightU16: 65_535 },
];

/** The subnet at a block, with epochs at 1,000 and every 360 blocks before and after, and the row that it shows. */
function subnet(number: number, weights: readonly UidWeight[], revealPeriodEpochs = 1): Metagraph {
  const { block } = sampleMetagraph([]);
  const nextEpochBlock = 1_000 + 360 * Math.max(0, Math.floor((number - 1_000) / 360) + 1);
  const more = { block: { ...block, number }, tempo: 360, nextEpochBlock, revealPeriodEpochs };
  return sampleMetagraph([sampleNeuron(0, "validator", { weights })], more);
}

describe("commits of weights", () => {
  const older: SentCommit = { epochId: "a", blockNumber: 640, weights: OLD };
  const newer: SentCommit = { epochId: "b", blockNumber: 900, weights: NEW };

  it("are opened when the row shows them, with or without their zeros", () => {
    assert.equal(unopenedCommit([older, newer], subnet(1_030, NEW), "validator"), undefined);
    assert.equal(unopenedCommit([older, newer], subnet(1_030, NEW.slice(1)), "validator"), undefined);
  });

  it("are not opened when the row shows something else some blocks after they were due", () => {
    assert.equal(unopenedCommit([older, newer], subnet(1_020, OLD), "validator"), newer);
    assert.equal(unopenedCommit([newer], subnet(1_020, []), "validator"), newer);
    assert.equal(unopenedCommit([older, newer], subnet(1_020, NEW), "stranger"), newer);
  });

  it("have time until the epoch that opens them, and some blocks more", () => {
    assert.equal(unopenedCommit([older, newer], subnet(999, OLD), "validator"), undefined);
    assert.equal(unopenedCommit([older, newer], subnet(1_019, OLD), "validator"), undefined);
    assert.equal(unopenedCommit([newer], subnet(1_379, [], 2), "validator"), undefined);
    assert.equal(unopenedCommit([newer], subnet(1_380, [], 2), "validator"), newer);
    const atTheEpoch = { ...newer, blockNumber: 1_000 };
    assert.equal(unopenedCommit([atTheEpoch], subnet(1_100, []), "validator"), undefined, "it counts for the next one");
    assert.equal(unopenedCommit([atTheEpoch], subnet(1_380, []), "validator"), atTheEpoch);
  });

  it("may be those of which nothing is known, but nothing is expected of these", () => {
    const lost: SentCommit = { epochId: "b", weights: NEW };
    assert.equal(unopenedCommit([older, lost], subnet(1_030, NEW), "validator"), undefined);
    assert.equal(unopenedCommit([lost], subnet(5_000, OLD), "validator"), undefined);
  });

  it("are expected only where the subnet seals weights", () => {
    assert.equal(unopenedCommit([newer], subnet(1_100, [], 0), "validator"), undefined);
  });

  it("are kept over a restart, each once, and not for ever", async () => {
    const state = memoryState();
    const rules = { revealPeriodEpochs: 1 };
    await noteCommit(state, { epochId: "a", weights: OLD }, rules);
    await noteCommit(state, older, rules);
    await noteCommit(state, newer, rules);
    assert.deepEqual(await readCommits(state), [older, newer]);
    for (let block = 1_000; block < 1_030; block += 1) await noteCommit(state, { ...newer, blockNumber: block }, rules);
    assert.equal((await readCommits(state)).length, 10);
  });
});
