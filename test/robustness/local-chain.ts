/**
 * The embedded chain in this process, so that its blocks can be stopped: then nothing new happens, and whoever follows
 * must come to the newest event.
 */
import { randomBytes } from "node:crypto";
import { openJournal } from "../../adapters/chain/local/journal.js";
import { type LocalChainNode, openNode } from "../../adapters/chain/local/node.js";
import { startLocalChainServer } from "../../adapters/chain/local/server.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import { quietLog } from "../support/quiet-log.js";
import { NETUID, NETWORK } from "./deployment.js";

/** A served chain. */
export interface Chain {
  readonly url: string;
  /** Makes no more blocks; it still answers. */
  freeze(): void;
  stop(): Promise<void>;
}

const BLOCK_MS = 150;

/** Serves a chain on which these hotkeys are registered. */
export async function startChain(folder: string, hotkeys: readonly string[]): Promise<Chain> {
  const journal = openJournal(folder);
  const node = openNode({
    journal,
    rules: {
      network: NETWORK,
      netuid: NETUID,
      ownerHotkey: "",
      tempo: 1_000_000,
      finalityLag: 1,
      weightsRateLimit: 0,
      minAllowedWeights: 1,
      weightsVersionKey: 0n,
      maxValidators: 64,
      minStakeRao: 1n,
    },
    blockTimeMs: BLOCK_MS,
    clock: systemClock,
    randomBytes: () => randomBytes(32),
    verify: verifySr25519,
    log: quietLog,
  });
  for (const hotkey of hotkeys) node.register(hotkey, hotkey);
  const [blocks, serving] = [new AbortController(), new AbortController()];
  const { url, closed } = await startLocalChainServer(node, { host: "127.0.0.1", port: 0 }, serving.signal);
  const running = node.run(blocks.signal);
  await allFinalized(node, hotkeys.length);
  return {
    url,
    freeze: () => blocks.abort(),
    async stop() {
      blocks.abort();
      serving.abort();
      await running;
      await closed;
      journal.close();
    },
  };
}

/** Waits until the registrations are in the metagraph of a finalized block. */
async function allFinalized(node: LocalChainNode, count: number): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  while (node.finalized().subnet.neurons.length < count) {
    signal.throwIfAborted();
    await node.nextFinalized(signal);
  }
}
