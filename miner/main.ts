/**
 * `zipnet miner`: makes the parts and runs the miner.
 */
import { randomInt } from "node:crypto";
import { openChain } from "../adapters/chain/open.js";
import { systemClock } from "../adapters/clock/system-clock.js";
import { createLog } from "../adapters/log/pino-log.js";
import { listingFiles } from "../adapters/parquet/listing-files.js";
import { openSource } from "../adapters/source/open.js";
import { claimState } from "../adapters/state/claim-state.js";
import { folderState } from "../adapters/state/folder-state.js";
import { fetchTransfer } from "../adapters/transfer/fetch-transfer.js";
import { loadSigner, verifySr25519 } from "../adapters/wallet/wallet.js";
import { createServerClients } from "../rpc/client/client.js";
import { followEpochs } from "../rpc/follower/follower.js";
import { relayDiscovery } from "../rpc/follower/relay-discovery.js";
import { readMinerSettings } from "./config.js";
import { deploymentCalls } from "./derive/deployment-calls.js";
import { showingLog } from "./display.js";
import { runMiner } from "./miner.js";
import { serverCalls } from "./server-calls.js";

/** Mines until the signal is aborted. raw: settings by environment variable name. Throws SettingsError. */
export async function main(raw: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<void> {
  const settings = readMinerSettings(raw);
  const { network, netuid, serverHotkey, concurrency, coverPercent, endpoints } = settings;
  const plainLog = createLog("miner", { format: settings.logFormat, level: settings.logLevel });
  const log = showingLog(plainLog, process.stderr, systemClock);
  const signer = await loadSigner(settings, (warning) => log.warn({}, warning));
  const state = folderState(settings.stateDir);
  await claimState(state, `${network}/${netuid}/${signer.hotkey}`);
  const clock = systemClock;
  const chain = settings.chain === undefined ? undefined : await openChain(settings, { clock, log }, signal);
  const { source, close } = await openSource(settings, { program: "miner", seed: signer.hotkey, clock });
  const calling = { signer, network, netuid, clock, transport: settings.transport };
  const clients = createServerClients(settings.serverUrl, serverHotkey, calling);
  const random = (): number => randomInt(2 ** 32) / 2 ** 32;
  const common = { clock, random, log, signer, verify: verifySr25519 };
  const discovery = { network, netuid, minStakeRao: settings.minRelayStakeRao };
  const discoverRelays = chain === undefined ? {} : { discoverRelays: relayDiscovery({ chain, ...discovery }) };
  const { submissions, epochs, info } = clients;
  const transfer = fetchTransfer();
  const urls = endpoints.map(({ url }) => url);
  const calls = deploymentCalls({ epochs, info }, transfer, urls);
  const deriving = chain === undefined ? undefined : { chain, calls, patienceMs: settings.deriveAfterMs };
  log.info({ event: "started", hotkey: signer.hotkey, source: settings.source }, `miner ${signer.hotkey} has started`);
  const ended = new AbortController();
  const shown = log.show(ended.signal);
  try {
    await runMiner(
      {
        ...common,
        source,
        files: listingFiles(),
        state,
        transfer,
        server: serverCalls(submissions),
        deriving,
        follow: (own, ended) =>
          followEpochs(
            { ...calling, ...common, ...discoverRelays, endpoints, recordSigner: serverHotkey, ...own },
            ended,
          ),
      },
      // One zip code more than pages at a time, so that reading goes on while a file is made and saved.
      {
        network,
        netuid,
        serverHotkey,
        concurrency: concurrency + 1,
        coverPercent,
        checkSource: true,
        reportProgress: settings.progress === "on",
      },
      signal,
    );
  } finally {
    ended.abort();
    await shown;
    clients.close();
    chain?.close();
    await close();
  }
}
