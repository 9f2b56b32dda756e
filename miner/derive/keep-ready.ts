/**
 * Keeping ready to do without the server: what it announces for the next epoch is saved while it can be reached.
 */
import { epochIdOf, epochNumberOfId, epochStartMs } from "../../core/epoch-time.js";
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { Clock, LocalState, Log, VerifySignature } from "../../core/ports.js";
import { openRecord } from "../../core/signed-record.js";
import { type Epoch, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { saveEpoch } from "../work/saved-work.js";
import type { DeploymentCalls } from "./deployment-calls.js";
import type { Announced, Knowledge } from "./knowledge.js";

/** What keeping ready needs. */
export interface KeepReadyOptions {
  readonly calls: DeploymentCalls;
  readonly knowledge: Knowledge;
  readonly state: LocalState;
  readonly clock: Clock;
  readonly log: Log;
  readonly verify: VerifySignature;
  readonly network: string;
  readonly netuid: number;
  readonly serverHotkey: string;
  /** Hears of every record that is found and saved here before the stream has brought it. Ascending. */
  onRecorded(epoch: Epoch): void;
}

/** So many looks at what the server announces fall into one epoch. */
const LOOKS_PER_EPOCH = 8;
/** The time between two looks where the length of an epoch is not known, or a look failed. */
const RETRY_MS = 10_000;

/** Saves what the server announces, again and again, until the signal; resolves then. Rejects when local state fails. */
export async function keepReady(options: KeepReadyOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options;
  while (!signal.aborted) {
    let waitMs = RETRY_MS;
    try {
      const announced = await learn(options, signal);
      waitMs = (announced.epochLengthSeconds * 1000) / LOOKS_PER_EPOCH;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ZipnetError)) throw error;
      const lengthMs = ((await options.knowledge.announced())?.epochLengthSeconds ?? Infinity) * 1000;
      waitMs = Math.min(RETRY_MS, lengthMs / LOOKS_PER_EPOCH);
      log.debug({ err: error }, `what the server announces could not be saved yet: ${messageOf(error)}`);
    }
    await clock.sleepUntil(clock.now() + waitMs, signal).catch(() => undefined); // Only the signal ends it early.
  }
}

/** Saves what is announced, last of all: whoever finds it saved finds the catalogue and the epochs, too. */
async function learn(options: KeepReadyOptions, signal: AbortSignal): Promise<Announced> {
  const { calls, knowledge, log } = options;
  const announced = await calls.info(signal);
  assertOurs(announced, options);
  const before = await knowledge.announced();
  const { catalogueSha256: sha256, rules } = announced;
  if ((await knowledge.catalogue(sha256)) === undefined) {
    await knowledge.saveCatalogue(await calls.catalogue(sha256, signal));
    const facts = { event: "catalogue_saved", sha256 };
    log.info(facts, `the catalogue of the next epoch, ${sha256}, is saved: epochs can be derived from it`);
  }
  await saveHistory(options, announced, before, rules?.cooldownEpochs ?? 0, signal);
  await knowledge.saveAnnounced(announced);
  return announced;
}

function assertOurs(announced: Announced, { network, netuid, serverHotkey }: KeepReadyOptions): void {
  const is = `${announced.network}/${announced.netuid}, records signed by ${announced.recordSigner}`;
  const must = `${network}/${netuid}, records signed by ${serverHotkey}`;
  if (is !== must) throw new ZipnetError("UNAVAILABLE", `the server is for ${is}, not for ${must}`);
  if (announced.epochLengthSeconds < 1 || announced.rules === undefined || announced.catalogueSha256 === "") {
    throw new ZipnetError("UNAVAILABLE", "the server does not announce rules, catalogue and length of the next epoch");
  }
}

/** Saves the records of the cooldown that are not here: usually none, because the stream has brought them. */
async function saveHistory(
  { calls, knowledge, state, verify, serverHotkey, onRecorded }: KeepReadyOptions,
  { newestEpochId, epochLengthSeconds }: Announced,
  before: Announced | undefined,
  cooldownEpochs: number,
  signal: AbortSignal,
): Promise<void> {
  const newest = epochNumberOfId(newestEpochId, epochLengthSeconds);
  if (newest === undefined) return;
  const completeThrough = epochNumberOfId(before?.newestEpochId ?? "", epochLengthSeconds) ?? -1;
  const first = Math.max(0, completeThrough + 1, newest + 1 - Math.max(1, cooldownEpochs));
  const idOf = (number: number): string => epochIdOf(epochStartMs(number, epochLengthSeconds));
  const held = new Set((await knowledge.recorded(idOf(first))).map(({ number }) => number));
  if (Array.from({ length: newest + 1 - first }, (_, index) => first + index).every((number) => held.has(number)))
    return;
  const found: Epoch[] = [];
  let pageToken = "";
  do {
    const page = await calls.epochPage(pageToken, signal);
    for (const record of page.records) {
      const epoch = openRecord(EpochSchema, record, verify, serverHotkey);
      if (epoch.number < first) break;
      if (held.has(epoch.number)) continue;
      await saveEpoch(state, epoch.id, record);
      found.push(epoch);
    }
    const oldest = found.at(-1)?.number ?? first;
    pageToken = oldest > first ? page.nextPageToken : "";
  } while (pageToken !== "");
  for (const epoch of found.toReversed()) onRecorded(epoch);
}
