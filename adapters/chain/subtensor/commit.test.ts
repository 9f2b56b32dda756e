import assert from "node:assert/strict";
import { hasMetadata, metadataNote } from "../../../test/subtensor-node/runtime.js";
import { BLOCK_MS, World } from "./world.test-support.js";

/** drand's signature of round 1,000 of quicknet, and the moment of that round. */
const SIGNATURE = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39";
const ROUND = 1_000;
const ROUND_MS = (1_692_803_367 + ROUND * 3) * 1_000;

const never = new AbortController().signal;
const KEY = 3n;
const TEMPO = 20;

describe("setting weights on a subnet with commit-reveal", () => {
  before(function () {
    if (!hasMetadata) this.skip();
  });

  it(`commits them, and the chain opens the commit and sets exactly them${metadataNote}`, async () => {
    // The commit is signed with block 4 as the newest: epoch 0 ends with block 20, and 3 blocks later the round is known.
    const startMs = ROUND_MS - (TEMPO + 3) * BLOCK_MS;
    const world = await World.open({ commitReveal: true, tempo: TEMPO, weightsVersionKey: KEY }, startMs);
    world.node.change((state) => {
      state.put("drand.pulses", [ROUND], { round: ROUND, randomness: "0x", signature: `0x${SIGNATURE}` });
    });
    const weights = [
      { uid: 0, weightU16: 3 },
      { uid: 1, weightU16: 1 },
    ];
    const { value } = await world.until(world.chain.setWeights(World.alice, weights, KEY, never));
    assert.ok(value !== undefined && value.blockNumber < TEMPO);
    const rowOf = async () => (await world.chain.metagraph(never)).neurons[0];
    assert.equal((await rowOf())?.lastUpdateBlock, value.blockNumber);
    assert.deepEqual((await rowOf())?.weights, []);
    await world.blocks(TEMPO);
    assert.deepEqual((await rowOf())?.weights, [
      { uid: 0, weightU16: 65_535 },
      { uid: 1, weightU16: 21_845 },
    ]);
    assert.equal((await rowOf())?.lastUpdateBlock, value.blockNumber);
    await world.close();
  });

  it(`says that the chain's limit of commits is not over yet${metadataNote}`, async () => {
    const world = await World.open({ commitReveal: true, weightsRateLimit: 100 });
    const set = () => world.chain.setWeights(World.alice, [{ uid: 1, weightU16: 1 }], 0n, never);
    assert.equal((await world.until(set())).error, undefined);
    const { error } = await world.until(set());
    assert.equal((error as { metadata?: { chain_error?: string } }).metadata?.chain_error, "CommittingWeightsTooFast");
    await world.close();
  });
});
