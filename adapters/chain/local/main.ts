/**
 * The embedded chain as a program.
 */
import { randomBytes } from "node:crypto";
import { systemClock } from "../../clock/system-clock.js";
import { createLog } from "../../log/pino-log.js";
import { readyCrypto, verifySr25519 } from "../../wallet/wallet.js";
import { readChainSettings, rulesOf } from "./config.js";
import { openJournal } from "./journal.js";
import { openNode } from "./node.js";
import { startLocalChainServer } from "./server.js";

/** Runs the chain until the signal is aborted. Rejects with SettingsError, or when its folder or port is taken. */
export async function main(raw: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<void> {
  const settings = readChainSettings(raw);
  const log = createLog("chain", { format: settings.logFormat, level: settings.logLevel });
  await readyCrypto();
  const journal = openJournal(settings.dataDir);
  // What ends the blocks ends the server too, and the other way round.
  const over = new AbortController();
  const stop = (): void => over.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const node = openNode({
      journal,
      rules: rulesOf(settings),
      blockTimeMs: settings.blockTimeMs,
      clock: systemClock,
      randomBytes: () => randomBytes(32),
      verify: verifySr25519,
      log,
    });
    const at = { host: settings.listenHost, port: settings.listenPort };
    const { url, closed } = await startLocalChainServer(node, at, over.signal);
    const { block, subnet } = node.finalized();
    const facts = { event: "listening", url, block: block.number, neurons: subnet.neurons.length };
    log.info(facts, `the chain of ${settings.network}/${settings.netuid} listens on ${url}`);
    try {
      await node.run(over.signal);
    } finally {
      over.abort();
      await closed;
    }
    log.info({ event: "stopped" }, "the chain has stopped");
  } finally {
    signal.removeEventListener("abort", stop);
    journal.close();
  }
}
