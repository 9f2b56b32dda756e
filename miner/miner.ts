/**
 * The miner: follows the epochs, works on the newest one that is open, and is never ended by a failed epoch. Where it is
 * cut off from server and relays, it derives the epochs by itself.
 */
import type { Chain, Log } from "../core/ports.js";
import { openRecord } from "../core/signed-record.js";
import { millisOf } from "../core/timestamps.js";
import { type Epoch, EpochSchema } from "../gen/zipnet/v1/epoch_pb.js";
import type { FollowOptions } from "../rpc/follower/follower.js";
import type { DeploymentCalls } from "./derive/deployment-calls.js";
import { deriveWhenCutOff } from "./derive/derive-loop.js";
import { keepReady } from "./derive/keep-ready.js";
import { type Knowledge, knowledgeIn } from "./derive/knowledge.js";
import { EpochWorks } from "./epoch-works.js";
import { reasonOf } from "./work/failures.js";
import type { EpochParts, EpochSettings } from "./work/parts.js";
import { POSITION_KEY, newestSavedEpochs, saveEpoch, savedWork } from "./work/saved-work.js";

/** What a miner needs to derive epochs by itself. */
interface DerivingParts {
  readonly chain: Pick<Chain, "finalizedBlock" | "block">;
  readonly calls: DeploymentCalls;
  /** Milliseconds after an epoch's start that its record is waited for. */
  readonly patienceMs: number;
}

/** What a miner is made of. main.ts makes the parts. */
export interface MinerParts extends Omit<EpochParts, "tell"> {
  readonly log: Log;
  /** Follows the epochs until the signal is aborted: followEpochs with all that is not the miner's business filled in. */
  readonly follow: (own: Pick<FollowOptions, "tokens" | "onEvent">, signal: AbortSignal) => Promise<void>;
  /** Undefined without a chain: then every epoch's record is waited for. */
  readonly deriving: DerivingParts | undefined;
}

/** What the operator decides. */
export interface MinerConfig extends EpochSettings {
  readonly network: string;
  readonly netuid: number;
  /** Whether the server is told how far the miner is. */
  readonly reportProgress: boolean;
}

/** Runs until the signal is aborted; resolves when everything has come to rest. Rejects when local state fails or is another miner's. */
export async function runMiner(parts: MinerParts, config: MinerConfig, signal: AbortSignal): Promise<void> {
  const { state } = parts;
  const knowledge = knowledgeIn(state, parts.verify, config.serverHotkey);
  const works = new EpochWorks({ parts, settings: config, knowledge, reportProgress: config.reportProgress, signal });
  await resume(parts, config, works);
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  const following = parts.follow(
    {
      tokens: {
        load: () => state.read(POSITION_KEY),
        save: (position) => state.write(POSITION_KEY, position),
      },
      async onEvent(event) {
        if (event.kind === "closed") return;
        // The position moves on once this resolves, and then this epoch is not delivered again.
        await saveEpoch(state, event.epoch.id, event.record);
        works.recorded(event.epoch);
      },
    },
    ended,
  );
  const running = [following, ...deriving(parts, config, knowledge, works, ended)];
  try {
    await Promise.all(running);
  } finally {
    failed.abort(new Error("the miner stops"));
    await Promise.allSettled(running);
    await works.end();
  }
}

/** Keeps ready to derive epochs, and derives them. */
function deriving(
  { deriving: own, clock, log, state, verify }: MinerParts,
  { network, netuid, serverHotkey }: MinerConfig,
  knowledge: Knowledge,
  works: EpochWorks,
  signal: AbortSignal,
): Promise<void>[] {
  if (own === undefined) return [];
  const { calls, chain, patienceMs } = own;
  const onDerived = (epoch: Epoch): void => works.derived(epoch);
  // Sooner than by the stream, whose follower comes back to a server that was away in its own time.
  const onRecorded = (epoch: Epoch): void => works.recorded(epoch);
  return [
    keepReady({ calls, knowledge, state, clock, log, verify, network, netuid, serverHotkey, onRecorded }, signal),
    deriveWhenCutOff({ chain, knowledge, clock, log, patienceMs, onDerived }, signal),
  ];
}

/** Epochs whose saved work may be unfinished: the newest, and the one before it. */
const RESUMED_EPOCHS = 2;

/** Takes up what there is still something to be had for: an open epoch, a manifest that may have arrived, files of an epoch that is over. */
async function resume(parts: MinerParts, config: MinerConfig, works: EpochWorks): Promise<void> {
  const [newest, ...before] = await savedEpochs(parts, config);
  for (const epoch of before) {
    if (await isUnfinished(parts, epoch)) works.late(epoch);
  }
  if (newest === undefined || !(await isUnfinished(parts, newest))) return;
  const isOpen = parts.clock.now() < millisOf(newest.closeTime);
  if (isOpen || (await savedWork(parts.state, newest.id).manifest()) !== undefined) works.takeUp(newest);
  else works.late(newest);
}

async function isUnfinished({ state }: MinerParts, epoch: Epoch): Promise<boolean> {
  return (await savedWork(state, epoch.id).receipt()) === undefined;
}

/** The newest saved epochs of this deployment, newest first. */
async function savedEpochs({ state, verify, log }: MinerParts, config: MinerConfig): Promise<Epoch[]> {
  const epochs: Epoch[] = [];
  for (const record of await newestSavedEpochs(state, RESUMED_EPOCHS)) {
    try {
      const epoch = openRecord(EpochSchema, record, verify, config.serverHotkey);
      if (epoch.network === config.network && epoch.netuid === config.netuid) epochs.push(epoch);
    } catch (error) {
      log.warn({ err: error }, `a saved epoch is not this server's and is ignored: ${reasonOf(error)}`);
    }
  }
  return epochs;
}
