import assert from "node:assert/strict";
import { ZipnetError } from "../../core/errors.js";
import type { Axon, Chain, Signer } from "../../core/ports.js";
import { metagraphWhen, take } from "./watch.test-support.js";

/** Rules under which the contract runs. */
export const CONTRACT_RULES = {
  weightsRateLimit: 1_000,
  minAllowedWeights: 2,
  weightsVersionKey: 7n,
  maxValidators: 2,
  minStakeRao: 1_000_000_000_000n,
  finalityLag: 2,
} as const;

/** A chain with blocks that come quickly, by the contract's rules, with nobody registered. */
export interface ChainUnderTest {
  readonly chain: Chain;
  /** A key of its own for every name. */
  readonly signer: (name: string) => Signer;
  /** Registers a hotkey with this stake. */
  enrol(hotkey: string, stakeRao: bigint): Promise<void>;
  stop(): Promise<void>;
}

const TAO = 1_000_000_000n;
const KEY = CONTRACT_RULES.weightsVersionKey;
const never = new AbortController().signal;

/** Hotkeys of the contract and their stakes, in the order of their registration. */
const STAKES = {
  alice: 3_000n * TAO,
  bob: 2_000n * TAO,
  // Enough stake, but there are only two permits.
  carol: 1_500n * TAO,
  dave: 10n * TAO,
  eve: 0n,
  ferdie: 0n,
};

/** What every chain keeps. */
export function chainContract(name: string, create: () => Promise<ChainUnderTest>): void {
  describe(`chain contract: ${name}`, () => {
    let under: ChainUnderTest;
    let chain: Chain;
    before(async () => {
      under = await create();
      chain = under.chain;
      for (const [who, stake] of Object.entries(STAKES)) await under.enrol(under.signer(who).hotkey, stake);
      const last = under.signer("ferdie").hotkey;
      await metagraphWhen(chain, ({ neurons }) => neurons.some(({ hotkey }) => hotkey === last));
    });
    after(() => under.stop());

    blocksContract(() => chain);
    metagraphContract(() => under);
    weightsContract(() => under);
    axonContract(() => under);
    refusalsContract(() => under);
  });
}

function blocksContract(get: () => Chain): void {
  it("streams finalized blocks, ascending in number and time", async () => {
    const blocks = await take(get().watchFinalized(never), 4);
    for (const [index, block] of blocks.entries()) {
      const before = blocks[index - 1];
      if (before !== undefined) assert.ok(block.number > before.number && block.timeMs > before.timeMs);
    }
  });

  it("begins the stream with the newest finalized block", async () => {
    const newest = await get().finalizedBlock(never);
    const [first] = await take(get().watchFinalized(never), 1);
    assert.ok(first !== undefined && first.number >= newest.number);
    assert.deepEqual(await get().block(first.number, never), first);
  });

  it("links every finalized block to its parent, with hashes of 64 hexadecimal digits that are all different", async () => {
    const [, , , newest] = await take(get().watchFinalized(never), 4);
    assert.ok(newest !== undefined && newest.number >= 3);
    const hashes = new Set<string>();
    let child = newest;
    for (let number = newest.number - 1; number >= newest.number - 3; number -= 1) {
      const block = await get().block(number, never);
      assert.ok(block !== undefined);
      assert.equal(block.number, number);
      assert.equal(child.parentHash, block.hash);
      assert.match(block.hash, /^[0-9a-f]{64}$/);
      assert.ok(block.timeMs < child.timeMs);
      hashes.add(block.hash);
      child = block;
    }
    assert.equal(hashes.size, 3);
  });

  it("does not know a block that is not finalized yet", async () => {
    const { number } = await get().finalizedBlock(never);
    assert.equal(await get().block(number + 1_000, never), undefined);
  });

  it("rejects with the signal's reason, and ends a watch with its signal", async () => {
    const reason = new Error("enough");
    const aborted = AbortSignal.abort(reason);
    await assert.rejects(get().finalizedBlock(aborted), reason);
    await assert.rejects(get().block(0, aborted), reason);
    await assert.rejects(get().metagraph(aborted), reason);
    const controller = new AbortController();
    let seen = 0;
    for await (const _block of get().watchFinalized(controller.signal)) {
      seen += 1;
      if (seen === 2) controller.abort(reason);
    }
    assert.equal(seen, 2);
  });
}

function metagraphContract(get: () => ChainUnderTest): void {
  it("shows the subnet at a finalized block, neurons ascending by uid, with the rules in force", async () => {
    const { chain, signer } = get();
    const before = await chain.finalizedBlock(never);
    const metagraph = await chain.metagraph(never);
    assert.ok(metagraph.block.number >= before.number);
    assert.deepEqual(await chain.block(metagraph.block.number, never), metagraph.block);
    assert.equal(metagraph.weightsRateLimit, CONTRACT_RULES.weightsRateLimit);
    assert.equal(metagraph.minAllowedWeights, CONTRACT_RULES.minAllowedWeights);
    assert.equal(metagraph.weightsVersionKey, KEY);
    assert.equal(metagraph.minStakeRao, CONTRACT_RULES.minStakeRao);
    assert.ok(metagraph.nextEpochBlock > metagraph.block.number);
    assert.ok(metagraph.nextEpochBlock <= metagraph.block.number + metagraph.tempo);
    assert.deepEqual(
      metagraph.neurons.map(({ uid }) => uid),
      metagraph.neurons.map((_, index) => index),
    );
    for (const [who, stake] of Object.entries(STAKES)) {
      const neuron = metagraph.neurons.find(({ hotkey }) => hotkey === signer(who).hotkey);
      assert.equal(neuron?.stakeRao, stake, who);
      assert.ok(neuron !== undefined && neuron.registeredBlock <= metagraph.block.number);
    }
  });

  it("gives permits to as many as the rules allow, by stake", async () => {
    const { chain, signer } = get();
    const { neurons } = await chain.metagraph(never);
    const permitted = neurons.filter(({ validatorPermit }) => validatorPermit).map(({ hotkey }) => hotkey);
    assert.deepEqual(permitted.sort(), [signer("alice").hotkey, signer("bob").hotkey].sort());
  });
}

function weightsContract(get: () => ChainUnderTest): void {
  it("sets weights, resolves once they are finalized, and shows them as it normalizes them", async () => {
    const { chain, signer } = get();
    const alice = signer("alice");
    const raw = [50, 30, 15, 5].map((weightU16, index) => ({ uid: 5 - index, weightU16 }));
    const { blockNumber } = await chain.setWeights(alice, raw, KEY, never);
    const metagraph = await chain.metagraph(never);
    assert.ok(metagraph.block.number >= blockNumber);
    const neuron = metagraph.neurons.find(({ hotkey }) => hotkey === alice.hotkey);
    assert.equal(neuron?.lastUpdateBlock, blockNumber);
    assert.deepEqual(neuron?.weights, [
      { uid: 2, weightU16: 6554 },
      { uid: 3, weightU16: 19661 },
      { uid: 4, weightU16: 39321 },
      { uid: 5, weightU16: 65535 },
    ]);
  });

  it("refuses weights that come too soon after the last ones, and keeps those", async () => {
    const { chain, signer } = get();
    const alice = signer("alice");
    const before = await rowOf(chain, alice.hotkey);
    await refused(get(), alice, [0, 1], KEY, "SettingWeightsTooFast");
    assert.deepEqual(await rowOf(chain, alice.hotkey), before);
  });
}

function axonContract(get: () => ChainUnderTest): void {
  it("announces where a hotkey can be reached, whoever it is, and the last announcement holds", async () => {
    const { chain, signer } = get();
    const axonOf = async (who: string): Promise<Axon | undefined> =>
      (await chain.metagraph(never)).neurons.find(({ hotkey }) => hotkey === signer(who).hotkey)?.axon;
    assert.equal(await axonOf("bob"), undefined);
    for (const axon of [
      { ip: "203.0.113.7", port: 8451 },
      { ip: "2001:db8::7", port: 65_535 },
    ]) {
      const { blockNumber } = await chain.serveAxon(signer("bob"), axon, never);
      assert.ok((await chain.finalizedBlock(never)).number >= blockNumber);
      assert.deepEqual(await axonOf("bob"), axon);
    }
    await chain.serveAxon(signer("eve"), { ip: "198.51.100.9", port: 1 }, never);
    assert.deepEqual(await axonOf("eve"), { ip: "198.51.100.9", port: 1 });
    assert.equal(await axonOf("carol"), undefined);
  });

  const cases: readonly [string, string, Axon, string][] = [
    ["a hotkey that is not registered", "zoe", { ip: "203.0.113.7", port: 1 }, "HotKeyNotRegisteredInNetwork"],
    ["an address that is none", "dave", { ip: "relay.example.org", port: 1 }, "InvalidIpAddress"],
    ["the address of no machine", "dave", { ip: "0.0.0.0", port: 1 }, "InvalidIpAddress"],
    ["port 0", "dave", { ip: "203.0.113.7", port: 0 }, "InvalidPort"],
    ["a port that is too high", "dave", { ip: "203.0.113.7", port: 65_536 }, "InvalidPort"],
  ];
  for (const [what, who, axon, error] of cases) {
    it(`does not announce ${what}`, async () => {
      await rejected(get().chain.serveAxon(get().signer(who), axon, never), error);
    });
  }

  it("does not announce by another's signature", async () => {
    const mallory = get().signer("mallory");
    const forged = { hotkey: get().signer("dave").hotkey, sign: (bytes: Uint8Array) => mallory.sign(bytes) };
    await rejected(get().chain.serveAxon(forged, { ip: "203.0.113.7", port: 1 }, never), "BadProof");
  });
}

/** No call of this part may leave a trace, so that their order does not matter. */
function refusalsContract(get: () => ChainUnderTest): void {
  const cases: readonly {
    readonly what: string;
    readonly who: string;
    readonly uids: readonly number[];
    readonly key?: bigint;
    readonly error: string;
  }[] = [
    { what: "a hotkey that is not registered", who: "zoe", uids: [0, 1], error: "HotKeyNotRegisteredInSubNet" },
    { what: "too little stake", who: "dave", uids: [0, 1], error: "NotEnoughStakeToSetWeights" },
    { what: "a validator without permit", who: "carol", uids: [0, 1], error: "NeuronNoValidatorPermit" },
    {
      what: "a version key that is too low",
      who: "bob",
      uids: [0, 1],
      key: KEY - 1n,
      error: "IncorrectWeightVersionKey",
    },
    { what: "a uid that stands there twice", who: "bob", uids: [0, 3, 3], error: "DuplicateUids" },
    { what: "a uid that does not exist", who: "bob", uids: [0, 600], error: "UidVecContainInvalidOne" },
    {
      what: "more weights than neurons",
      who: "bob",
      uids: [0, 1, 2, 3, 4, 5, 6],
      error: "UidsLengthExceedUidsInSubNet",
    },
    { what: "a row that is too short", who: "bob", uids: [3], error: "WeightVecLengthIsLow" },
    { what: "an empty row", who: "bob", uids: [], error: "WeightVecLengthIsLow" },
  ];
  for (const { what, who, uids, key, error } of cases) {
    it(`refuses ${what}`, async () => {
      await refused(get(), get().signer(who), uids, key ?? KEY, error);
      assert.deepEqual(await rowOf(get().chain, get().signer("bob").hotkey), []);
    });
  }

  it("refuses a signature by another key", async () => {
    const bob = get().signer("bob");
    const mallory = get().signer("mallory");
    await refused(get(), { hotkey: bob.hotkey, sign: (bytes) => mallory.sign(bytes) }, [0, 1], KEY, "BadProof");
    assert.deepEqual(await rowOf(get().chain, bob.hotkey), []);
  });
}

async function rowOf(chain: Chain, hotkey: string) {
  // A call that wrongly took effect would show two blocks later.
  const { number } = await chain.finalizedBlock(never);
  const settled = await metagraphWhen(chain, ({ block }) => block.number > number + CONTRACT_RULES.finalityLag);
  return settled.neurons.find((neuron) => neuron.hotkey === hotkey)?.weights;
}

async function refused(
  { chain }: ChainUnderTest,
  signer: Signer,
  uids: readonly number[],
  key: bigint,
  chainError: string,
): Promise<void> {
  const weights = uids.map((uid) => ({ uid, weightU16: 1 }));
  await rejected(chain.setWeights(signer, weights, key, never), chainError);
}

async function rejected(call: Promise<unknown>, chainError: string): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ZipnetError, String(error));
    assert.equal(error.reason, "CHAIN_REJECTED", error.message);
    assert.equal(error.metadata["chain_error"], chainError);
    return true;
  });
}
