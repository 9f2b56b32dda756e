/** An embedded chain for tests: in this process, over a real socket, in a folder of its own. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quietLog } from "../../../test/support/quiet-log.js";
import { systemClock } from "../../clock/system-clock.js";
import { readyCrypto, verifySr25519 } from "../../wallet/wallet.js";
import type { ChainRules } from "./events.js";
import { openJournal } from "./journal.js";
import { type LocalChainNode, openNode } from "./node.js";
import { startLocalChainServer } from "./server.js";

/** Rules as they are by default, with short tempos. */
export const TEST_RULES: ChainRules = {
  network: "local",
  netuid: 1,
  ownerHotkey: "",
  tempo: 10,
  finalityLag: 2,
  weightsRateLimit: 0,
  minAllowedWeights: 1,
  weightsVersionKey: 0n,
  maxValidators: 64,
  minStakeRao: 1_000_000_000_000n,
};

/** A served chain. */
export interface TestChain {
  readonly url: string;
  readonly port: number;
  readonly node: LocalChainNode;
  /** Stops the chain; its folder stays. */
  stop(): Promise<void>;
}

/** Serves the chain of a folder. */
export async function startTestChain(folder: string, rules: Partial<ChainRules> = {}, port = 0): Promise<TestChain> {
  await readyCrypto();
  const controller = new AbortController();
  const journal = openJournal(folder);
  const node = openNode({
    journal,
    rules: { ...TEST_RULES, ...rules },
    blockTimeMs: 20,
    clock: systemClock,
    randomBytes: () => randomBytes(32),
    verify: verifySr25519,
    log: quietLog,
  });
  const { url, closed } = await startLocalChainServer(node, { host: "127.0.0.1", port }, controller.signal);
  const running = node.run(controller.signal);
  return {
    url,
    port: Number(new URL(url).port),
    node,
    async stop() {
      controller.abort();
      await running;
      await closed;
      journal.close();
    },
  };
}

/** A fresh folder, and how to remove it. */
export async function freshFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "zipnet-chain-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
