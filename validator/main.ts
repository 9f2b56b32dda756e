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
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import { type ClientOptions, createServerClients } from "../rpc/client/client.js";
import { fromConnectError } from "../rpc/errors.js";
import { followEpochs } from "../rpc/follower/follower.js";
import { relayDiscovery } from "../rpc/follower/relay-discovery.js";
import { type ValidatorSettings, configOf, minRelayStakeRaoOf, readValidatorSettings } from "./config.js";
import { type ByHandOptions, judgeByHand } from "./judge/by-hand.js";
import type { ValidatorParts } from "./parts.js";
import { judgingCalls } from "./server-calls.js";
import { runValidator } from "./validator.js";

/** What a validator's settings open. */
type Opened = Omit<ValidatorParts, "relayObjects" | "relayCache" | "follow"> & {
  /** How the server is called. */
  readonly calling: ClientOptions;
  /** Asks the server for what a closed epoch is judged by. */
  readonly fetchRecords: ByHandOptions["fetchRecords"];
  close(): Promise<void>;
};

/** Opens everything but the relay and the stream. */
async function openParts(settings: ValidatorSettings, signal: AbortSignal): Promise<Opened> {
  const { network, netuid, serverHotkey, serverUrl } = settings;
  const log = createLog("validator", { format: settings.logFormat, level: settings.logLevel });
  const clock = systemClock;
  const signer = await loadSigner(settings, (warning) => log.warn({}, warning));
  const random = (): number => randomInt(2 ** 32) / 2 ** 32;
  const state = folderState(join(settings.stateDir, "state"));
  await claimState(state, `${network}/${netuid}/${signer.hotkey}`);
  const chain = await openChain(settings, { clock, log }, signal);
  const opened = await openSource(settings, { program: "validator", seed: signer.hotkey, clock });
  const calling = { signer, network, netuid, clock, transport: settings.transport };
  const clients = createServerClients(serverUrl, serverHotkey, calling);
  const transfer = fetchTransfer();
  const server = judgingCalls(clients, { transfer, urls: serverUrl });
  const onDeath = (sentence: string): void => log.warn({}, sentence);
  const files = filesInChildren({ atOnce: settings.concurrency, onDeath });
  // A file that takes minutes does not hold up the end.
  signal.addEventListener("abort", () => void files.close(), { once: true });
  return {
    clock,
    random,
    log,
    signer,
    verify: verifySr25519,
    state,
    chain,
    transfer,
    files,
    server,
    calling,
    source: opened.source((pages) => pages),
    async fetchRecords(epochId, signal) {
      const snapshot = await server.snapshot(epochId, signal);
      const { record: epoch } = await clients.epochs.getEpoch({ epochId }, { signal }).catch((error: unknown) => {
        throw fromConnectError(error);
      });
      if (epoch === undefined) throw new Error("the server's answer has no epoch");
      return { epoch, snapshot };
    },
    async close() {
      await files.close();
      clients.close();
      chain.close();
      await opened.close();
    },
  };
}

/** Validates until the signal is aborted. raw: settings by environment variable name. Throws SettingsError. */
export async function main(raw: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<void> {
  const settings = readValidatorSettings(raw);
  const { network, netuid, serverHotkey, serverUrl, stateDir } = settings;
  const { calling, fetchRecords: _, close, ...parts } = await openParts(settings, signal);
  const { clock, log, chain, signer, source, random, verify } = parts;
  const discoverRelays = relayDiscovery({ chain, network, netuid, minStakeRao: minRelayStakeRaoOf(settings) });
  const endpoints = serverUrl.map((url) => ({ url, hotkey: serverHotkey }));
  const following = { ...calling, random, log, verify, endpoints, discoverRelays, recordSigner: serverHotkey };
  const relayCache = memoryCache(clock);
  log.info({ event: "started", hotkey: signer.hotkey, source: source.name }, `validator ${signer.hotkey} has started`);
  try {
    // The relay passes on records over its streams only and never grants an address.
    const relayObjects = await openFolderObjects({ dir: join(stateDir, "records"), publicUrl: "", clock, log });
    const follow: ValidatorParts["follow"] = (own, ended) => followEpochs({ ...following, ...own }, ended);
    await runValidator({ ...parts, relayObjects, relayCache, follow }, configOf(settings), signal);
  } finally {
    await relayCache.close();
    await close();
  }
}

/**
 * Judges one closed epoch. raw: settings by environment variable name. Throws SettingsError; rejects with EPOCH_UNKNOWN,
 * EPOCH_OPEN, or where the report cannot be published now.
 *
 * @param isDryRun publish nothing.
 */
export async function judgeOnce(
  raw: Readonly<Record<string, string | undefined>>,
  epochId: string,
  isDryRun: boolean,
  signal: AbortSignal,
): Promise<SignedRecord> {
  const settings = readValidatorSettings(raw);
  const { fetchRecords, calling: _, close, ...parts } = await openParts(settings, signal);
  try {
    return await judgeByHand(epochId, { parts, config: configOf(settings), fetchRecords, isDryRun }, signal);
  } finally {
    await close();
  }
}
