/**
 * `zipnet validator`: makes the parts and runs the validator.
 */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { memoryCache } from "../adapters/cache/memory-cache.js";
import { openChain } from "../adapters/chain/open.js";
import { systemClock } from "../adapters/clock/system-clock.js";
import { createLog } from "../adapters/log/pino-log.js";
import { openFolderObjects } from "../adapters/objects/folder/folder-objects.js";
import { filesInChildren } from "../adapters/parquet/children/files-in-children.js";
import { openSource } from "../adapters/source/open.js";
import { claimState } from "../adapters/state/claim-state.js";
import { folderState } from "../adapters/state/folder-state.js";
import { fetchTransfer } from "../adapters/transfer/fetch-transfer.js";
import { loadSigner, verifySr25519 } from "../adapters/wallet/wallet.js";
import { createServerClients } from "../rpc/client/client.js";
import { followEpochs } from "../rpc/follower/follower.js";
import { relayDiscovery } from "../rpc/follower/relay-discovery.js";
import { configOf, minRelayStakeRaoOf, readValidatorSettings } from "./config.js";
import { judgingCalls } from "./server-calls.js";
import { runValidator } from "./validator.js";

/** Validates until the signal is aborted. raw: settings by environment variable name. Throws SettingsError. */
export async function main(raw: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<void> {
  const settings = readValidatorSettings(raw);
  const { network, netuid, serverHotkey, stateDir } = settings;
  const log = createLog("validator", { format: settings.logFormat, level: settings.logLevel });
  const clock = systemClock;
  const signer = await loadSigner(settings, (warning) => log.warn({}, warning));
  const endpoints = settings.serverUrl.map((url) => ({ url, hotkey: serverHotkey }));
  const random = (): number => randomInt(2 ** 32) / 2 ** 32;
  const common = { clock, random, log, signer, verify: verifySr25519 };
  const state = folderState(join(stateDir, "state"));
  await claimState(state, `${network}/${netuid}/${signer.hotkey}`);
  const chain = await openChain(settings, { clock, log }, signal);
  const opened = await openSource(settings, { program: "validator", seed: signer.hotkey, clock });
  const source = opened.source((pages) => pages);
  const calling = { signer, network, netuid, clock, transport: settings.transport };
  const clients = createServerClients(settings.serverUrl, serverHotkey, calling);
  const minStakeRao = minRelayStakeRaoOf(settings);
  const discoverRelays = relayDiscovery({ chain, network, netuid, minStakeRao });
  const relayCache = memoryCache(clock);
  const transfer = fetchTransfer();
  const onDeath = (sentence: string): void => log.warn({}, sentence);
  const files = filesInChildren({ atOnce: settings.concurrency, onDeath });
  log.info({ event: "started", hotkey: signer.hotkey, source: source.name }, `validator ${signer.hotkey} has started`);
  try {
    await runValidator(
      {
        ...common,
        chain,
        source,
        files,
        transfer,
        state,
        // The relay passes on records over its streams only and never grants an address.
        relayObjects: await openFolderObjects({ dir: join(stateDir, "records"), publicUrl: "", clock, log }),
        relayCache,
        server: judgingCalls(clients, { transfer, urls: settings.serverUrl }),
        follow: (own, ended) =>
          followEpochs({ ...calling, ...common, endpoints, discoverRelays, recordSigner: serverHotkey, ...own }, ended),
      },
      configOf(settings),
      signal,
    );
  } finally {
    await files.close();
    clients.close();
    chain.close();
    await relayCache.close();
    await opened.close();
  }
}
