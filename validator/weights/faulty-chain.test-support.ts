/**
 * A chain of twelve-second blocks with the embedded chain's ledger and refusals, in a world where things go wrong by a
 * seed: the chain is out of reach, finality stands still, answers are lost, stake comes and goes. Time passes only when
 * somebody waits.
 */
import { emptyLedger, type SubnetState } from "../../adapters/chain/local/ledger.js";
import { ChainRefusal, checkWeights } from "../../adapters/chain/local/refusals.js";
import { ZipnetError } from "../../core/errors.js";
import { sampleMetagraph } from "../../core/metagraph.test-support.js";
import type { Block, Chain, Clock, Metagraph, UidWeight } from "../../core/ports.js";

export const BLOCK_MS = 12_000;
export const RULES = {
  network: "local",
  netuid: 1,
  ownerHotkey: "owner",
  tempo: 360,
  finalityLag: 3,
  weightsRateLimit: 100,
  minAllowedWeights: 4,
  weightsVersionKey: 0n,
  maxValidators: 8,
  minStakeRao: 1_000n,
};

/** How long a call waits until it is given up, in blocks. */
const PATIENCE_BLOCKS = 15;

/** A setting of weights that the chain took. */
export interface Landed {
  readonly block: number;
  readonly weights: readonly UidWeight[];
}

/** A sequence of numbers from 0 (included) to 1 (excluded) that a seed determines. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The chain, and the clock of all. */
export class FaultyChain implements Chain, Clock {
  readonly landed: Landed[] = [];
  /** Blocks at which the chain refused for something that lasts. */
  readonly refusedAt: number[] = [];
  /** The chain is out of reach until this block. */
  downUntil = 0;
  /** Nothing is finalized until this block. */
  stalledUntil = 0;
  private readonly ledger = emptyLedger();
  private finalizedView: { readonly block: Block; readonly subnet: SubnetState };
  private timeMs: number;

  /**
   * @param startMs time of block 0.
   * @param onBlock is called after each block, with its number.
   */
  constructor(
    private readonly startMs: number,
    hotkeys: readonly string[],
    private readonly random: () => number,
    private readonly onBlock: (number: number) => void,
  ) {
    this.timeMs = startMs;
    this.ledger.apply({ kind: "rules", rules: RULES });
    for (const hotkey of hotkeys) this.ledger.apply({ kind: "register", hotkey, coldkey: hotkey });
    this.seal(0);
    this.finalizedView = this.ledger.finalized() ?? this.fail();
  }

  /** Number of the newest block. */
  get height(): number {
    return this.ledger.head()?.number ?? 0;
  }

  get isDown(): boolean {
    return this.height < this.downUntil;
  }

  get isStalled(): boolean {
    return this.height < this.stalledUntil;
  }

  setStake(hotkey: string, stakeRao: bigint): void {
    this.ledger.apply({ kind: "stake", hotkey, stakeRao });
  }

  now(): number {
    return this.timeMs;
  }

  async sleepUntil(timeMs: number, signal: AbortSignal): Promise<void> {
    this.passTo(timeMs);
    await Promise.resolve();
    signal.throwIfAborted();
  }

  async *watchFinalized(signal: AbortSignal): AsyncGenerator<Block> {
    let shown = -1;
    for (;;) {
      signal.throwIfAborted();
      if (this.isDown) throw this.outOfReach();
      const { block } = this.finalizedView;
      if (block.number > shown) {
        shown = block.number;
        yield block;
      } else {
        this.passTo(this.timeMs + BLOCK_MS);
        await Promise.resolve();
      }
    }
  }

  metagraph(): Promise<Metagraph> {
    if (this.isDown) return Promise.reject(this.outOfReach());
    const { block, subnet } = this.finalizedView;
    const nextEpochBlock = subnet.lastEpochBlock + RULES.tempo;
    return Promise.resolve(sampleMetagraph(subnet.neurons, { ...RULES, block, nextEpochBlock }));
  }

  async setWeights(
    { hotkey }: { readonly hotkey: string },
    weights: readonly UidWeight[],
    versionKey: bigint,
  ): Promise<{ blockNumber: number }> {
    const fate = this.random();
    if (this.isDown || fate < 0.15) return this.giveUp("nothing was sent");
    const uids = weights.map(({ uid }) => uid);
    const values = weights.map(({ weightU16 }) => weightU16);
    const blockNumber = this.height + 1;
    const call = { hotkey, netuid: RULES.netuid, uids, weights: values, versionKey };
    try {
      checkWeights(call, this.ledger.pending() ?? this.fail(), blockNumber);
    } catch (error) {
      if (!(error instanceof ChainRefusal)) throw error;
      if (error.chainError !== "SettingWeightsTooFast") this.refusedAt.push(this.height);
      throw new ZipnetError("CHAIN_REJECTED", error.message, { chain_error: error.chainError });
    }
    this.ledger.apply({ kind: "weights", hotkey, uids, weights: values });
    this.landed.push({ block: blockNumber, weights });
    if (fate < 0.35) return this.giveUp("the answer is lost");
    for (let waited = 0; this.finalizedView.block.number < blockNumber; waited += 1) {
      if (waited > PATIENCE_BLOCKS) throw this.outOfReach();
      this.passTo(this.timeMs + BLOCK_MS);
    }
    return { blockNumber };
  }

  finalizedBlock = (): Promise<Block> => Promise.reject(new Error("not asked for"));
  block = this.finalizedBlock;
  serveAxon = (): Promise<never> => Promise.reject(new Error("not asked for"));

  private giveUp(why: string): Promise<never> {
    this.passTo(this.timeMs + PATIENCE_BLOCKS * BLOCK_MS * this.random());
    return Promise.reject(new ZipnetError("UNAVAILABLE", why));
  }

  private outOfReach(): ZipnetError {
    return new ZipnetError("UNAVAILABLE", "the chain is out of reach");
  }

  private passTo(timeMs: number): void {
    this.timeMs = Math.max(this.timeMs, timeMs);
    while (this.startMs + (this.height + 1) * BLOCK_MS <= this.timeMs) {
      this.seal(this.height + 1);
      if (!this.isStalled) this.finalizedView = this.ledger.finalized() ?? this.fail();
      this.onBlock(this.height);
    }
  }

  private seal(number: number): void {
    const hash = number.toString(16).padStart(64, "0");
    const parentHash = this.ledger.head()?.hash ?? "0".repeat(64);
    this.ledger.apply({
      kind: "block",
      block: { number, hash, parentHash, timeMs: this.startMs + number * BLOCK_MS },
    });
  }

  private fail(): never {
    throw new Error("the ledger is empty");
  }
}
