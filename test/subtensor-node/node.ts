/**
 * A chain that speaks the real chain's protocol, made from its published metadata, for tests.
 */
import type { Clock } from "../../core/ports.js";
import { type NodeBlock, nextBlock } from "./blocks.js";
import { callOf, type PoolView, type Transaction, admit } from "./pool.js";
import { poolRefusal } from "./pallet.js";
import { loadRuntime, type Runtime } from "./runtime.js";
import { State } from "./state.js";
import { type SubnetRules, enrol, writeRules } from "./subnet.js";

/** Blocks whose state is kept, as on the public nodes that keep the least. */
const KEPT_STATES = 256;

/** Rules as they are on a new subnet, but with short tempos. */
const NODE_RULES: SubnetRules = {
  netuid: 1,
  ownerHotkey: "",
  tempo: 20,
  weightsRateLimit: 0,
  minAllowedWeights: 1,
  weightsVersionKey: 0n,
  maxValidators: 64,
  minStakeRao: 1_000_000_000_000n,
  servingRateLimit: 0,
  commitReveal: false,
};

/** How a chain runs. */
export interface NodeOptions {
  readonly rules?: Partial<SubnetRules>;
  /** Blocks that the finalized one is behind the newest. Default 2. */
  readonly finalityLag?: number;
  /** Time from one block's timestamp to the next where the clock does not say more. Default 12,000. */
  readonly blockTimeMs?: number;
  /** Time of block 0. */
  readonly startMs: number;
}

/** The chain. */
export class SubtensorNode {
  readonly runtime: Runtime = loadRuntime();
  readonly netuid: number;
  readonly blockTimeMs: number;
  /** The best chain, by number. */
  readonly #best: NodeBlock[] = [];
  readonly #byHash = new Map<string, NodeBlock>();
  readonly #listeners = new Set<() => void>();
  #pending: Transaction[] = [];
  #finalized = 0;
  #isStalled = false;
  #specVersion: number;
  /** Changes of the storage that the next block begins with. */
  #changes: ((state: State, block: number) => void)[] = [];
  readonly #lag: number;

  constructor({ rules = {}, finalityLag = 2, blockTimeMs = 12_000, startMs }: NodeOptions) {
    const all = { ...NODE_RULES, ...rules };
    this.netuid = all.netuid;
    this.#lag = finalityLag;
    this.blockTimeMs = blockTimeMs;
    this.#specVersion = this.runtime.specVersion;
    const state = new State(this.runtime);
    writeRules(state, all);
    this.#append(nextBlock(this.runtime, undefined, state, this.#made(startMs, ""), []));
  }

  get best(): NodeBlock {
    return this.#at(this.#best.length - 1);
  }

  get finalized(): NodeBlock {
    return this.#at(this.#finalized);
  }

  get genesisHash(): string {
    return this.#at(0).hash;
  }

  get specVersion(): number {
    return this.#specVersion;
  }

  get pending(): readonly Transaction[] {
    return this.#pending;
  }

  /** A block of the best chain. */
  block(number: number): NodeBlock | undefined {
    return this.#best[number];
  }

  blockOf(hash: string): NodeBlock | undefined {
    return this.#byHash.get(hash);
  }

  /** Whether a block's state is still kept. */
  hasState({ number }: NodeBlock): boolean {
    return number > this.best.number - KEPT_STATES;
  }

  /** Calls the listener after every change. Returns how to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Lets a transaction into the pool; its hash. Throws RpcFailure. */
  submit(hex: string): string {
    const transaction = admit(hex, this.#view());
    this.#pending.push(transaction);
    return transaction.hash;
  }

  /** The nonce that a hotkey's next transaction needs, those in the pool counted. */
  nextNonce(hotkey: string): number {
    const waiting = this.#pending.filter(({ signer }) => signer === hotkey).map(({ nonce }) => nonce + 1);
    return Math.max(this.best.state.nonceOf(hotkey), ...waiting);
  }

  /** Makes a block now. */
  makeBlock(timeMs = 0): NodeBlock {
    const parent = this.best;
    const state = parent.state.copy();
    for (const change of this.#changes.splice(0)) change(state, parent.number + 1);
    const made = this.#made(Math.max(timeMs, parent.timeMs + (timeMs === 0 ? this.blockTimeMs : 1)), "");
    const block = nextBlock(this.runtime, parent, state, made, this.#ready(state, parent.number + 1));
    this.#append(block);
    return block;
  }

  /** Makes blocks at the clock's multiples of the block time until the signal is aborted. */
  async run(clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const dueMs = (Math.floor(clock.now() / this.blockTimeMs) + 1) * this.blockTimeMs;
      await clock.sleepUntil(dueMs, signal).catch(() => {});
      if (!signal.aborted) this.makeBlock(clock.now());
    }
  }

  /** Registers a hotkey with a stake in the next block; with a uid, in place of who has it. */
  enrol(hotkey: string, stakeRao: bigint, uid?: number): void {
    this.change((state, block) => enrol(state, this.netuid, hotkey, stakeRao, block, uid));
  }

  /** Changes the storage in the next block. */
  change(change: (state: State, block: number) => void): void {
    this.#changes.push(change);
  }

  /** Stops finalizing, or goes on and catches up. */
  stallFinality(isStalled: boolean): void {
    this.#isStalled = isStalled;
    this.#finalize();
    this.#tell();
  }

  /** Upgrades the runtime: what is signed for the old version is refused from the next call on. */
  upgrade(): void {
    this.#specVersion += 1;
    this.makeBlock();
  }

  /** Replaces the newest blocks, finalized ones excepted, by one more than they were. Their transactions wait again. */
  reorganize(): void {
    const orphans = this.#best.splice(this.#finalized + 1);
    this.#pending.unshift(...orphans.flatMap(({ transactions }) => transactions));
    // The first new block stays empty, so that what was in the first old one moves.
    const waiting = this.#pending.splice(0);
    for (let made = 0; made <= orphans.length; made += 1) {
      const parent = this.best;
      if (made > 0) this.#pending.push(...waiting.splice(0));
      const facts = this.#made(parent.timeMs + this.blockTimeMs, "reorganized");
      this.#append(
        nextBlock(this.runtime, parent, parent.state.copy(), facts, this.#ready(parent.state, parent.number + 1)),
      );
    }
  }

  #made(timeMs: number, salt: string) {
    return { netuid: this.netuid, timeMs, specVersion: this.#specVersion, salt };
  }

  #view(): PoolView {
    const { best, runtime, genesisHash } = this;
    return {
      runtime,
      genesisHash,
      specVersion: this.#specVersion,
      bestNumber: best.number,
      state: best.state,
      pending: this.#pending,
      hashOf: (number) => this.#best[number]?.hash,
    };
  }

  /** Takes the transactions that a block may hold out of the pool, and what can never be held any more. */
  #ready(state: State, number: number): Transaction[] {
    const ready: Transaction[] = [];
    const next = new Map<string, number>();
    const left: Transaction[] = [];
    for (const transaction of this.#pending.toSorted((a, b) => a.nonce - b.nonce)) {
      const { signer, nonce } = transaction;
      const expected = next.get(signer) ?? state.nonceOf(signer);
      if (number > transaction.lastBlock || nonce < expected) continue;
      if (nonce > expected) left.push(transaction);
      else if (poolRefusal(state, callOf(transaction), number) === undefined) {
        ready.push(transaction);
        next.set(signer, nonce + 1);
      }
    }
    this.#pending = left;
    return ready;
  }

  #append(block: NodeBlock): void {
    this.#best.push(block);
    this.#byHash.set(block.hash, block);
    this.#best[block.number - KEPT_STATES]?.state.drop();
    this.#finalize();
    this.#tell();
  }

  #finalize(): void {
    if (!this.#isStalled) this.#finalized = Math.max(this.#finalized, this.best.number - this.#lag);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #at(number: number): NodeBlock {
    const block = this.#best[number];
    if (block === undefined) throw new Error(`the chain has no block ${number}`);
    return block;
  }
}
