/**
 * Setting weights, tempo after tempo.
 */
import { z } from "zod";
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { Chain, Clock, LocalState, Log, Signer } from "../../core/ports.js";
import { type LastSet, type SettledTable, type WeightsPlan, planWeights } from "./plan.js";
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

const LAST_SET_KEY = "weights/last";
/** Blocks until something that did not work, or that lacked something, is looked at again. */
const RETRY_BLOCKS = 5;
const PAUSE_AFTER_FAILURE_MS = 5_000;

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

class WeightsRun {
  private nextLookBlock = 0;
  private lookedAt: string | undefined;
  private toldReason = "";

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
    const { chain, signer, state, versionKey } = this.options;
    const metagraph = await chain.metagraph(this.signal);
    const plan = planWeights({ metagraph, hotkey: signer.hotkey, table, versionKey, last: await readLastSet(state) });
    if (plan.kind === "set") return this.set(plan);
    if (plan.kind === "wait") this.nextLookBlock = Math.max(plan.untilBlock, blockNumber + 1);
    // Every few blocks the same reason would only fill the log.
    if (plan.reason !== this.toldReason)
      this.options.log.info({ reason: plan.reason }, `no weights are set now: ${plan.reason}`);
    this.toldReason = plan.reason;
  }

  private async set(plan: WeightsPlan & { kind: "set" }): Promise<void> {
    const { chain, signer, state, log, versionKey } = this.options;
    if (plan.missing.length > 0) log.warn({ hotkeys: plan.missing }, "some who earned are not registered any more");
    const { blockNumber } = await chain.setWeights(signer, plan.weights, versionKey, this.signal);
    await state.write(LAST_SET_KEY, new TextEncoder().encode(JSON.stringify({ epochId: plan.epochId, blockNumber })));
    this.toldReason = "";
    const weights = plan.weights.map(({ uid, weightU16 }) => ({ uid, weight_u16: weightU16 }));
    const facts = { event: "weights_set", block: blockNumber, epoch_id: plan.epochId, weights };
    log.info(facts, `the weights from epoch ${plan.epochId} are set in block ${blockNumber}`);
  }
}

const lastSetShape = z.object({ epochId: z.string(), blockNumber: z.number() });

async function readLastSet(state: LocalState): Promise<LastSet | undefined> {
  const bytes = await state.read(LAST_SET_KEY);
  return bytes === undefined ? undefined : lastSetShape.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

function chainError(error: unknown): { reason?: string; chain_error?: string } {
  if (!(error instanceof ZipnetError)) return {};
  const chain = error.metadata["chain_error"];
  return { reason: error.reason, ...(chain === undefined ? {} : { chain_error: chain }) };
}
