import assert from "node:assert/strict";
import { localChain } from "../../adapters/chain/local/client.js";
import { type TestChain, freshFolder, startTestChain } from "../../adapters/chain/local/local-chain.test-support.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { signerFromUri } from "../../adapters/wallet/wallet.js";
import type { Axon, Log } from "../../core/ports.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { REFUSED_PAUSE_MS, announceRelay } from "./announce.js";

const never = new AbortController().signal;
const AXON: Axon = { ip: "127.0.0.1", port: 8451 };

describe("the announcement of a relay", () => {
  let folder: Awaited<ReturnType<typeof freshFolder>>;
  let node: TestChain;
  let chain: ReturnType<typeof localChain>;
  before(async () => {
    folder = await freshFolder();
    node = await startTestChain(folder.path);
    chain = localChain({ url: node.url, clock: systemClock });
  });
  after(async () => {
    chain.close();
    await node.stop();
    await folder.remove();
  });

  /** Announces, with pauses that are noted and not waited for; what was said to the chain and to the log. */
  async function announce(who: string, axon: Axon, onPause: (pauseMs: number) => Promise<void> = async () => {}) {
    const calls: number[] = [];
    const facts: object[] = [];
    const pauses: number[] = [];
    const log: Log = { ...quietLog, info: (fact) => facts.push(fact) };
    const clock = {
      now: systemClock.now,
      sleepUntil: async (timeMs: number) => {
        const pauseMs = timeMs - systemClock.now();
        pauses.push(pauseMs);
        await onPause(pauseMs);
      },
    };
    const counting = {
      metagraph: chain.metagraph.bind(chain),
      serveAxon: async (...args: Parameters<typeof chain.serveAxon>) => {
        calls.push(args[1].port);
        return await chain.serveAxon(...args);
      },
    };
    const signer = signerFromUri(who);
    await announceRelay(axon, { chain: counting, signer, clock, random: () => 0.5, log }, never);
    const neuron = (await chain.metagraph(never)).neurons.find(({ hotkey }) => hotkey === signer.hotkey);
    return { calls, facts, pauses, axon: neuron?.axon };
  }

  it("is made where the chain says something else, and only there", async () => {
    const { hotkey } = signerFromUri("//Alice");
    await chain.register(hotkey, hotkey, never);
    const first = await announce("//Alice", AXON);
    assert.deepEqual(first.axon, AXON);
    assert.equal(first.calls.length, 1);
    assert.equal((first.facts[0] as { event: string }).event, "relay_announced");
    assert.deepEqual((await announce("//Alice", AXON)).calls, []);
    const moved = await announce("//Alice", { ...AXON, port: 8452 });
    assert.deepEqual(moved.calls, [8452]);
    assert.deepEqual(moved.axon, { ...AXON, port: 8452 });
  });

  it("is tried again after what the chain refused, with a long pause", async () => {
    const { hotkey } = signerFromUri("//Bob");
    const told = await announce("//Bob", AXON, async () => void (await chain.register(hotkey, hotkey, never)));
    assert.deepEqual(told.axon, AXON);
    assert.equal(told.calls.length, 2);
    assert.ok(Math.abs((told.pauses[0] ?? 0) - REFUSED_PAUSE_MS) < 1_000, `paused ${told.pauses.join(", ")}`);
  });
});
