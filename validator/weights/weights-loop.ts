/**
 * Setting weights, tempo after tempo.
 */
import { z } from "zod";
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { Chain, Clock, LocalState, Log, Metagraph, Signer } from "../../core/ports.js";
import { activityWarning } from "../../core/weights-preflight.js";
import { noteCommit, readCommits, unopenedCommit } from "./commits.js";
import { type LastSent, type SettledTable, type WeightsPlan, planWeights } from "./plan.js";
import type { SettledTables } from "./settled-tables.js";

/** What setting weights needs. */
export interface WeightsLoopOptions {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly log: Log;
  readonly signer: Signer;
  readonly state: LocalState;
  readonly tables: SettledTables;
  readonly versionKey: bigint;
}

const LAST_SENT_KEY = "weights/last";
/** Blocks until something that did not work, or that lacked something, is looked at again. */
const RETRY_BLOCKS = 5;
const PAUSE_AFTER_FAILURE_MS = 5_000;
/**
 * Age of the newest finalized block from which on nothing is sent. While finality stands still, weights that were sent may
 * be set without showing, and sent once more after the rate limit they would be set twice.
 */
const MAX_VIEW_AGE_MS = 300_000;

/** Sets weights until the signal is aborted; resolves then. */
export async function keepWeightsSet(options: WeightsLoopOptions, signal: AbortSignal): Promise<void> {
  const { chain, clock, log } = options;
  const run = new WeightsRun(options, signal);
  while (!signal.aborted) {
    try {
      for await (const block of chain.watchFinalized(signal)) await run.atBlock(block.number, block.timeMs);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, "the chain is out of reach for now");
    }
    await clock.sleepUntil(clock.now() + PAUSE_AFTER_FAILURE_MS, signal).catch(() => {});
  }
}

/** What is told of weights that are not set. */
type Told = "alarm" | "reason" | "activity" | "unopened";

class WeightsRun {
  private nextLookBlock = 0;
  private lookedAt: string | undefined;
  private readonly told = new Map<Told, string>();

  constructor(
    private readonly options: WeightsLoopOptions,
    private readonly signal: AbortSignal,
  ) {}

  /** Looks at the weights when it is time to, or when another table has come into force. */
  async atBlock(blockNumber: number, blockTimeMs: number): Promise<void> {
    const table = this.options.tables.inForceAt(blockTimeMs);
    if (blockNumber < this.nextLookBlock && table?.epochId === this.lookedAt) return;
    this.nextLookBlock = blockNumber + RETRY_BLOCKS;
    this.lookedAt = table?.epochId;
    try {
      await this.look(table, blockNumber);
    } catch (error) {
      this.signal.throwIfAborted();
      this.options.log.warn({ err: error, ...chainError(error) }, `weights could not be set: ${messageOf(error)}`);
    }
  }

  private async look(table: SettledTable | undefined, blockNumber: number): Promise<void> {
    const { chain, clock, signer, state, versionKey } = this.options;
    const metagraph = await chain.metagraph(this.signal);
    if (clock.now() - metagraph.block.timeMs > MAX_VIEW_AGE_MS) {
      const what = `finality stands still at block ${metagraph.block.number}, so what is set already cannot be known`;
      return this.tell("reason", what, metagraph);
    }
    const { hotkey } = signer;
    const unopened = unopenedCommit(await readCommits(state), metagraph, hotkey);
    if (unopened !== undefined) {
      const { epochId, blockNumber } = unopened;
      const what = `the chain took weights from epoch ${epochId} sealed in block ${blockNumber} and has not opened them`;
      this.tell("unopened", what, metagraph);
    }
    const plan = planWeights({ metagraph, hotkey, table, versionKey, last: await readLastSent(state) });
    if (plan.kind === "set") return this.set(plan, metagraph);
    if (plan.kind === "wait") this.nextLookBlock = Math.max(plan.untilBlock, blockNumber + 1);
    const isAlarm = plan.kind === "nothing" && plan.isAlarm;
    this.tell(isAlarm ? "alarm" : "reason", plan.reason, metagraph);
    const warning = activityWarning({ metagraph, hotkey });
    if (warning !== undefined) this.tell("activity", warning, metagraph);
  }

  /** Tells what keeps weights from being set, but in one tempo the same only once: every few blocks would fill the log. */
  private tell(kind: Told, what: string, { nextEpochBlock }: Metagraph): void {
    const { log } = this.options;
    // How old the weights are changes with every block.
    const news = kind === "reason" ? what : `${kind === "activity" ? "" : what} before ${nextEpochBlock}`;
    if (this.told.get(kind) === news) return;
    this.told.set(kind, news);
    if (kind === "alarm") log.error({ event: "weights_blocked", reason: what }, `no weights can be set: ${what}`);
    else if (kind === "unopened") log.error({ event: "weights_unopened", reason: what }, what);
    else if (kind === "activity") log.warn({ event: "weights_old", reason: what }, what);
    else log.info({ reason: what }, `no weights are set now: ${what}`);
  }

  private async set(plan: WeightsPlan & { kind: "set" }, metagraph: Metagraph): Promise<void> {
    const { chain, signer, state, log, versionKey } = this.options;
    const { epochId } = plan;
    if (plan.missing.length > 0) log.warn({ hotkeys: plan.missing }, "some who earned are not registered any more");
    // Should the answer be lost, the chain's own record tells whether these weights are set.
    await writeLastSent(state, { epochId, blockNumber: metagraph.block.number + 1 });
    const commit = { epochId, weights: [...plan.weights] };
    const isSealed = metagraph.revealPeriodEpochs > 0;
    if (isSealed) await noteCommit(state, commit, metagraph);
    try {
      const { blockNumber } = await chain.setWeights(signer, plan.weights, versionKey, this.signal);
      await writeLastSent(state, { epochId, blockNumber });
      if (isSealed) await noteCommit(state, { ...commit, blockNumber }, metagraph);
      for (const kind of ["alarm", "reason"] as const) this.told.delete(kind);
      const weights = plan.weights.map(({ uid, weightU16 }) => ({ uid, weight_u16: weightU16 }));
      const facts = { event: "weights_set", block: blockNumber, epoch_id: epochId, weights };
      log.info(facts, `the weights from epoch ${epochId} are set in block ${blockNumber}`);
    } catch (error) {
      if (!isLasting(error)) throw error;
      // The same call would be refused again; permits and most else that it can be about change with the next tempo.
      this.nextLookBlock = metagraph.nextEpochBlock;
      this.tell(
        "alarm",
        `${messageOf(error)} (${chainError(error).chain_error}); tried again in the next tempo`,
        metagraph,
      );
    }
  }
}

/** Refusals that some blocks are the cure for. */
const PASSING: ReadonlySet<string> = new Set(["SettingWeightsTooFast", "CommittingWeightsTooFast"]);

function isLasting(error: unknown): boolean {
  if (!(error instanceof ZipnetError) || error.reason !== "CHAIN_REJECTED") return false;
  return !PASSING.has(error.metadata["chain_error"] ?? "");
}

const lastSentShape = z.object({ epochId: z.string(), blockNumber: z.number() });

async function readLastSent(state: LocalState): Promise<LastSent | undefined> {
  const bytes = await state.read(LAST_SENT_KEY);
  return bytes === undefined ? undefined : lastSentShape.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

function writeLastSent(state: LocalState, last: LastSent): Promise<void> {
  return state.write(LAST_SENT_KEY, new TextEncoder().encode(JSON.stringify(last)));
}

function chainError(error: unknown): { reason?: string; chain_error?: string } {
  if (!(error instanceof ZipnetError)) return {};
  const chain = error.metadata["chain_error"];
  return { reason: error.reason, ...(chain === undefined ? {} : { chain_error: chain }) };
}
