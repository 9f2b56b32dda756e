import assert from "node:assert/strict";
import type { ZipnetError } from "../../../core/errors.js";
import { uidWeights } from "../../../core/weights.js";
import { RpcFailure } from "../../../test/subtensor-node/pool.js";
import { hasMetadata, metadataNote } from "../../../test/subtensor-node/runtime.js";
import { signerFromUri } from "../../wallet/wallet.js";
import { BLOCK_MS, type Ended, TAO, World } from "./world.test-support.js";

const never = new AbortController().signal;
const MINUTE_MS = 60_000;
/** Alice's weights in these tests, as sent and as the chain holds them. */
const ROW = [
  { uid: 0, weightU16: 1 },
  { uid: 1, weightU16: 3 },
];
const STORED = [
  { uid: 0, weightU16: 21_845 },
  { uid: 1, weightU16: 65_535 },
];

describe("the real chain with faults", () => {
  let world: World;
  before(function () {
    if (!hasMetadata) this.skip();
  });
  afterEach(() => world.close());

  const set = () => world.chain.setWeights(World.alice, ROW, 0n, never);

  /** The weights stand, sent once, and it took no longer than so. */
  async function assertSet(ended: Ended<{ blockNumber: number }>, atMostMs: number): Promise<void> {
    assert.equal(ended.error, undefined, String(ended.error));
    assert.ok(ended.tookMs <= atMostMs, `it took ${ended.tookMs} ms`);
    assert.deepEqual(world.sentBy(World.alice.hotkey), [ended.value?.blockNumber]);
    const { value } = await world.until(world.chain.metagraph(never));
    assert.deepEqual(value?.neurons[0]?.weights, STORED);
  }

  function assertRefused({ error }: Ended<unknown>, chainError: string): void {
    const { reason, metadata } = error as ZipnetError;
    assert.deepEqual([reason, metadata["chain_error"]], ["CHAIN_REJECTED", chainError]);
  }

  it(`goes round a half-open socket: within 3 blocks for a call, within 3 minutes for a watch${metadataNote}`, async () => {
    world = await World.open();
    const seen: number[] = [];
    const watching = new AbortController();
    const watch = (async () => {
      for await (const { number } of world.chain.watchFinalized(watching.signal)) seen.push(number);
    })();
    await world.blocks(2);
    world.first.isSilent = true;
    const before = seen.length;
    let steps = 0;
    for (; seen.length <= before + 1; steps += 1) await world.step();
    assert.ok(steps * BLOCK_MS <= 3 * MINUTE_MS, `it took ${steps} blocks`);
    watching.abort();
    await watch;
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    );
    world.first.isSilent = false;
    world.second.isSilent = true;
    await assertSet(await world.until(set()), 2 * MINUTE_MS);
  });

  it(`finds its weights again after more than ten minutes without any endpoint, and raises the alarm${metadataNote}`, async () => {
    world = await World.open();
    let downAt: number | undefined;
    const ended = await world.until(set(), async (step) => {
      if (downAt === undefined && world.node.pending.length > 0) {
        downAt = step;
        await Promise.all([world.first.goDown(), world.second.goDown()]);
      }
      if (downAt !== undefined && step === downAt + 52)
        await Promise.all([world.first.comeUp(), world.second.comeUp()]);
    });
    assert.ok(downAt !== undefined);
    await assertSet(ended, 12 * MINUTE_MS);
    const alarms = world.told.filter(({ event }) => event === "chain_stale");
    assert.deepEqual(alarms, [{ level: "error", event: "chain_stale" }]);
  });

  it(`sends once where the answer to the sending is lost: within 2 minutes${metadataNote}`, async () => {
    world = await World.open();
    world.first.losesNextSubmission = true;
    await assertSet(await world.until(set()), 2 * MINUTE_MS);
    assert.equal(world.first.losesNextSubmission, false);
  });

  const refusals: readonly (readonly [string, RpcFailure])[] = [
    ["a stale nonce", new RpcFailure(1010, "Invalid Transaction", "Transaction is outdated")],
    ["a ban", new RpcFailure(1012, "Transaction is temporarily banned")],
    ["a priority that is too low", new RpcFailure(1014, "Priority is too low: (18446744073709551615 vs 0)")],
  ];
  for (const [what, refusal] of refusals) {
    it(`signs again after ${what}: within 2 minutes${metadataNote}`, async () => {
      world = await World.open();
      world.first.refusals.push(refusal, refusal);
      await assertSet(await world.until(set()), 2 * MINUTE_MS);
      assert.deepEqual(world.first.refusals, []);
    });
  }

  it(`signs again for the new runtime after an upgrade between signing and sending: within 2 minutes${metadataNote}`, async () => {
    world = await World.open();
    let upgrades = 0;
    world.first.onCall = (method) => {
      if (method === "author_submitExtrinsic" && upgrades++ === 0) world.node.upgrade();
    };
    await assertSet(await world.until(set()), 2 * MINUTE_MS);
    assert.equal(upgrades, 2);
  });

  it(`waits for finality, and does not send again before the last one's fate is known${metadataNote}`, async () => {
    world = await World.open({ weightsRateLimit: 1_000 });
    world.node.stallFinality(true);
    const first = await world.until(set());
    assert.equal((first.error as ZipnetError).reason, "UNAVAILABLE");
    assert.ok(first.tookMs <= 16 * MINUTE_MS, `it took ${first.tookMs} ms`);
    const again = set();
    await world.blocks(5);
    world.node.stallFinality(false);
    assertRefused(await world.until(again), "SettingWeightsTooFast");
    assert.equal(world.sentBy(World.alice.hotkey).length, 1);
    assert.deepEqual((await world.chain.metagraph(never)).neurons[0]?.weights, STORED);
  });

  it(`finds its weights in another block after a reorganization: within 2 minutes${metadataNote}`, async () => {
    world = await World.open();
    let orphan: string | undefined;
    const ended = await world.until(set(), () => {
      const [held] = world.sentBy(World.alice.hotkey);
      if (orphan !== undefined || held === undefined) return;
      orphan = world.node.block(held)?.hash;
      world.node.reorganize();
    });
    assert.ok(orphan !== undefined && ended.value !== undefined);
    assert.notEqual(world.node.block(ended.value.blockNumber)?.hash, orphan);
    await assertSet(ended, 2 * MINUTE_MS);
  });

  it(`names a lost permit, and a lost registration, and changes nothing${metadataNote}`, async () => {
    world = await World.open({ maxValidators: 1 });
    world.node.enrol(signerFromUri("//rich").hotkey, 9_000n * TAO);
    await world.blocks(4);
    assertRefused(await world.until(set()), "NeuronNoValidatorPermit");
    world.node.enrol(signerFromUri("//heir").hotkey, 0n, 0);
    await world.blocks(4);
    assertRefused(await world.until(set()), "HotKeyNotRegisteredInSubNet");
    assert.deepEqual((await world.chain.metagraph(never)).neurons[0]?.weights, []);
  });

  it(`gives nothing to who got the uid of one who was scored${metadataNote}`, async () => {
    world = await World.open();
    const shares = [
      { hotkey: World.alice.hotkey, weightBps: 2_500 },
      { hotkey: World.bob.hotkey, weightBps: 7_500 },
    ];
    world.node.enrol(signerFromUri("//heir").hotkey, 0n, 1);
    await world.blocks(4);
    const { weights, missing } = uidWeights(shares, await world.chain.metagraph(never));
    assert.deepEqual(missing, [World.bob.hotkey]);
    const { value } = await world.until(world.chain.setWeights(World.alice, weights, 0n, never));
    assert.ok(value !== undefined);
    assert.deepEqual((await world.chain.metagraph(never)).neurons[0]?.weights, [{ uid: 0, weightU16: 65_535 }]);
  });

  it(`does not use an endpoint that lags behind${metadataNote}`, async () => {
    world = await World.open();
    await world.blocks(30);
    const { number } = await world.chain.finalizedBlock(never);
    world.second.lagBlocks = 20;
    await world.first.goDown();
    await world.quiet();
    assert.equal(((await world.until(world.chain.finalizedBlock(never))).error as ZipnetError).reason, "UNAVAILABLE");
    assert.ok(world.told.some(({ event }) => event === "chain_endpoint_failed"));
    await world.first.comeUp();
    const { value } = await world.until(world.chain.finalizedBlock(never));
    assert.ok(value !== undefined && value.number >= number);
  });

  it(`reads a block's time from the block where the endpoint has dropped its state${metadataNote}`, async () => {
    world = await World.open();
    await world.blocks(300);
    const old = world.node.block(5);
    const { value } = await world.until(world.chain.block(5, never));
    assert.equal(value?.timeMs, old?.timeMs);
    assert.equal(value?.hash, old?.hash.slice(2));
  });
});
