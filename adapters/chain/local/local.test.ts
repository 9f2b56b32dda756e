import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { ZipnetError } from "../../../core/errors.js";
import { systemClock } from "../../clock/system-clock.js";
import { signerFromUri } from "../../wallet/wallet.js";
import { chainContract, CONTRACT_RULES } from "../contract.js";
import { metagraphWhen } from "../watch.test-support.js";
import { localChain } from "./client.js";
import { freshFolder, startTestChain } from "./local-chain.test-support.js";

const never = new AbortController().signal;
const TAO = 1_000_000_000n;

chainContract("local", async () => {
  const folder = await freshFolder();
  const server = await startTestChain(folder.path, CONTRACT_RULES);
  const chain = localChain({ url: server.url, clock: systemClock });
  return {
    chain,
    signer: (name) => signerFromUri(`//${name}`),
    async enrol(hotkey, stakeRao) {
      await chain.register(hotkey, hotkey, never);
      await chain.setStake(hotkey, stakeRao, never);
    },
    async stop() {
      chain.close();
      await server.stop();
      await folder.remove();
    },
  };
});

function unavailable(error: unknown): true {
  assert.ok(error instanceof ZipnetError, String(error));
  assert.equal(error.reason, "UNAVAILABLE", error.message);
  return true;
}

describe("localChain", () => {
  let folder: Awaited<ReturnType<typeof freshFolder>>;
  beforeEach(async () => {
    folder = await freshFolder();
  });
  afterEach(() => folder.remove());

  it("goes on watching over a restart of the chain, without showing a block twice or an older one", async () => {
    let server = await startTestChain(folder.path);
    const chain = localChain({ url: server.url, clock: systemClock });
    const numbers: number[] = [];
    let restarted = false;
    for await (const { number } of chain.watchFinalized(never)) {
      numbers.push(number);
      if (numbers.length === 3) {
        const { port } = server;
        await server.stop();
        server = await startTestChain(folder.path, {}, port);
        restarted = true;
      }
      if (numbers.length === 6) break;
    }
    assert.ok(restarted);
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
    );
    chain.close();
    await server.stop();
  });

  it("waits for the block of its weights over a restart of the chain", async () => {
    const server = await startTestChain(folder.path, { finalityLag: 30 });
    const chain = localChain({ url: server.url, clock: systemClock });
    const alice = signerFromUri("//Alice");
    await chain.register(alice.hotkey, alice.hotkey, never);
    await chain.setStake(alice.hotkey, 1_000n * TAO, never);
    const setting = chain.setWeights(alice, [{ uid: 0, weightU16: 7 }], 0n, never);
    await weightsTaken(folder.path);
    await server.stop();
    const again = await startTestChain(folder.path, { finalityLag: 30 }, server.port);
    const atRestart = again.node.finalized().block.number;
    const { blockNumber } = await setting;
    assert.ok(atRestart < blockNumber, "the weights were final before the restart already");
    assert.ok(again.node.finalized().block.number >= blockNumber);
    chain.close();
    await again.stop();
  });

  it("keeps an announced address over a restart of the chain", async () => {
    const server = await startTestChain(folder.path);
    const chain = localChain({ url: server.url, clock: systemClock });
    const alice = signerFromUri("//Alice");
    await chain.register(alice.hotkey, alice.hotkey, never);
    const axon = { ip: "2001:db8::7", port: 8451 };
    await chain.serveAxon(alice, axon, never);
    await server.stop();
    const again = await startTestChain(folder.path, {}, server.port);
    assert.deepEqual((await chain.metagraph(never)).neurons[0]?.axon, axon);
    chain.close();
    await again.stop();
  });

  it("rejects with UNAVAILABLE where nobody listens, and works once somebody does", async () => {
    const first = await startTestChain(folder.path);
    await first.stop();
    const chain = localChain({ url: first.url, clock: systemClock });
    await assert.rejects(chain.finalizedBlock(never), unavailable);
    const server = await startTestChain(folder.path, {}, first.port);
    await chain.finalizedBlock(never);
    chain.close();
    await server.stop();
  });

  it("gives up a call after its deadline when the other side is silent", async () => {
    const silent = createServer((socket) => socket.resume());
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const chain = localChain({ url: `http://127.0.0.1:${port}`, clock: systemClock, callTimeoutMs: 100 });
    await assert.rejects(chain.metagraph(never), unavailable);
    const reason = new Error("enough");
    const controller = new AbortController();
    const call = chain.metagraph(controller.signal);
    controller.abort(reason);
    await assert.rejects(call, reason);
    chain.close();
    silent.close();
  });

  it("rejects with UNAVAILABLE when the block of the weights is not finalized in time", async () => {
    const server = await startTestChain(folder.path, { finalityLag: 1_000 });
    const chain = localChain({ url: server.url, clock: systemClock, finalityTimeoutMs: 100 });
    const alice = signerFromUri("//Alice");
    await chain.register(alice.hotkey, alice.hotkey, never);
    await chain.setStake(alice.hotkey, 1_000n * TAO, never);
    await assert.rejects(chain.setWeights(alice, [{ uid: 0, weightU16: 1 }], 0n, never), unavailable);
    chain.close();
    await server.stop();
  });

  it("registers twice without effect, and refuses what is no address and stake on a stranger", async () => {
    const server = await startTestChain(folder.path);
    const chain = localChain({ url: server.url, clock: systemClock });
    const [alice, bob] = [signerFromUri("//Alice"), signerFromUri("//Bob")];
    assert.equal(await chain.register(alice.hotkey, bob.hotkey, never), 0);
    assert.equal(await chain.register(alice.hotkey, alice.hotkey, never), 0);
    await assert.rejects(chain.register("5Alice", alice.hotkey, never), { reason: "INVALID_FIELD" });
    await assert.rejects(chain.setStake(bob.hotkey, 1n, never), { reason: "CHAIN_REJECTED" });
    const { neurons } = await metagraphWhen(chain, (metagraph) => metagraph.neurons.length > 0);
    assert.deepEqual(
      neurons.map(({ hotkey, coldkey }) => [hotkey, coldkey]),
      [[alice.hotkey, bob.hotkey]],
    );
    chain.close();
    await server.stop();
  });

  it("replaces the row with the next one, all zeros included", async () => {
    const server = await startTestChain(folder.path);
    const chain = localChain({ url: server.url, clock: systemClock });
    const alice = signerFromUri("//Alice");
    await chain.register(alice.hotkey, alice.hotkey, never);
    await chain.setStake(alice.hotkey, 1_000n * TAO, never);
    const first = await chain.setWeights(alice, [{ uid: 0, weightU16: 1 }], 0n, never);
    const second = await chain.setWeights(alice, [{ uid: 0, weightU16: 0 }], 0n, never);
    assert.ok(second.blockNumber > first.blockNumber);
    const { neurons } = await chain.metagraph(never);
    assert.deepEqual(neurons[0]?.weights, [{ uid: 0, weightU16: 0 }]);
    chain.close();
    await server.stop();
  });
});

/** Resolves once the chain has taken weights. */
async function weightsTaken(folder: string): Promise<void> {
  while (!(await readFile(join(folder, "journal.jsonl"), "utf8")).includes('"kind":"weights"')) {
    await new Promise(setImmediate);
  }
}
