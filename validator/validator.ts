/**
 * The validator: four things that go on side by side and meet only in records and local state.
 *
 * - following: the server's epochs and snapshots come in and are kept,
 * - the relay: passes them on,
 * - judging: every closed epoch becomes a signed report,
 * - weights: the newest settled report is set on the chain, tempo after tempo.
 */
import { WEIGHTS_VERSION_KEY } from "../core/version.js";
import { recordedEpochs } from "../rpc/epoch-log/recorded-epochs.js";
import { learnEpochLength } from "./deployment.js";
import { KeptFiles } from "./judge/kept-files.js";
import { judgeEpochs } from "./judge/judge-loop.js";
import { tableOf } from "./judge/publish.js";
import { savedReports } from "./judge/work-store.js";
import { keepRecord } from "./keep-records.js";
import type { ValidatorConfig, ValidatorParts } from "./parts.js";
import { announceRelay } from "./relay/announce.js";
import { keepCatalogues } from "./relay/keep-catalogues.js";
import { startRelay } from "./relay/relay.js";
import { SettledTables } from "./weights/settled-tables.js";
import { keepWeightsSet } from "./weights/weights-loop.js";

/** Of the follower's position; it was a bare token once, and a follower takes that, too. */
const POSITION_KEY = "resume-token";

/** Runs until the signal is aborted; resolves then. Rejects when it cannot start, or when a part of it breaks. */
export async function runValidator(parts: ValidatorParts, config: ValidatorConfig, signal: AbortSignal): Promise<void> {
  try {
    await run(parts, config, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function run(parts: ValidatorParts, config: ValidatorConfig, signal: AbortSignal): Promise<void> {
  const { clock, random, log, signer, state, chain, server, verify, relayObjects, relayCache } = parts;
  // When one part breaks, the others end too, and the failure is the validator's.
  const broken = new AbortController();
  const ended = AbortSignal.any([signal, broken.signal]);
  const epochLengthSeconds = await learnEpochLength(parts, config, signal);
  const { keptEpochs } = config.relay;
  const records = {
    objects: relayObjects,
    cache: relayCache,
    clock,
    epochLengthSeconds,
    keptEpochs,
    trust: { signer: config.serverHotkey, verify },
    log,
    isRelay: true,
  };
  const epochs = recordedEpochs(records);
  const kept = await KeptFiles.open(state, config.cacheBytes);
  const tables = new SettledTables(epochLengthSeconds * 1000);
  for (const report of await savedReports(state)) tables.add(tableOf(report));
  const keeping = { epochs, server, serverHotkey: config.serverHotkey, verify, clock, log };
  const relay = await startRelay(
    {
      epochs,
      objects: relayObjects,
      epochLengthSeconds,
      config,
      chain,
      cache: relayCache,
      clock,
      random,
      log,
      signer,
      verify,
    },
    ended,
  );
  const { axon } = config.relay;
  const announcing = { chain, signer, clock, random, log };
  const work = [
    ...(axon === undefined ? [] : [announceRelay({ ip: axon.ip, port: axon.port ?? relay.port }, announcing, ended)]),
    parts.follow(
      {
        tokens: { load: () => state.read(POSITION_KEY), save: (position) => state.write(POSITION_KEY, position) },
        onEvent: (event) => keepRecord(event, keeping, ended),
      },
      ended,
    ),
    keepCatalogues({ epochs, epochLengthSeconds, server, objects: relayObjects, clock, log }, ended),
    judgeEpochs({ parts, config, epochs, kept, onJudged: (table) => tables.add(table) }, ended),
    keepWeightsSet({ chain, clock, log, signer, state, tables, versionKey: WEIGHTS_VERSION_KEY }, ended),
  ];
  for (const part of work) part.catch((error: unknown) => broken.abort(error));
  const results = await Promise.allSettled([...work, relay.closed]);
  const failure = results.find((result) => result.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}
