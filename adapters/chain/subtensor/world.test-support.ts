/** A chain with two endpoints, a clock that the test moves, and a client of it. */
import { setImmediate } from "node:timers/promises";
import type { Log, Signer } from "../../../core/ports.js";
import { SubtensorNode, type NodeOptions } from "../../../test/subtensor-node/node.js";
import { Endpoint } from "../../../test/subtensor-node/server.js";
import { type ManualClock, manualClock } from "../../clock/manual-clock.js";
import { readyCrypto, signerFromUri } from "../../wallet/wallet.js";
import { type SubtensorChain, subtensorChain } from "./client.js";

export const BLOCK_MS = 12_000;
export const TAO = 1_000_000_000n;

/** Turns of the event loop without a request, after which nothing is under way any more but waiting. */
const QUIET_TURNS = 30;

/** How something ended, and how much of the chain's time it took. */
export type Ended<T> = { readonly tookMs: number } & (
  { readonly value: T; readonly error?: undefined } | { readonly error: unknown; readonly value?: undefined }
);

/** The world of a test. */
export class World {
  readonly told: { readonly event: string; readonly level: string }[] = [];
  readonly chain: SubtensorChain;

  private constructor(
    readonly clock: ManualClock,
    readonly node: SubtensorNode,
    readonly first: Endpoint,
    readonly second: Endpoint,
  ) {
    const endpoints = [first.url, second.url];
    const named = { network: "local", netuid: node.netuid };
    this.chain = subtensorChain({ endpoints, ...named, clock, log: this.log });
  }

  /** Starts it, with Alice, who has stake and a permit, and Bob, who has none, on the subnet. */
  static async open(rules: NodeOptions["rules"] = {}, startMs = Date.UTC(2026, 10, 22)): Promise<World> {
    await readyCrypto();
    const clock = manualClock(startMs);
    const node = new SubtensorNode({ rules, startMs, blockTimeMs: BLOCK_MS });
    node.enrol(this.alice.hotkey, 5_000n * TAO);
    node.enrol(this.bob.hotkey, 0n);
    const world = new World(clock, node, await Endpoint.listen(node), await Endpoint.listen(node));
    await world.blocks(4);
    return world;
  }

  static get alice(): Signer {
    return signerFromUri("//alice");
  }

  static get bob(): Signer {
    return signerFromUri("//bob");
  }

  get log(): Log {
    const at =
      (level: string) =>
      (facts: object): void =>
        void this.told.push({ level, event: String((facts as { event?: unknown }).event) });
    return { debug() {}, info: at("info"), warn: at("warn"), error: at("error") };
  }

  async close(): Promise<void> {
    this.chain.close();
    await Promise.all([this.first.close(), this.second.close()]);
  }

  /** Lets the chain's time pass, with a block every 12 seconds. */
  async blocks(count: number): Promise<void> {
    for (let made = 0; made < count; made += 1) await this.step();
  }

  /** Lets 12 seconds pass, with a block. */
  async step(): Promise<void> {
    this.node.makeBlock(this.clock.now() + BLOCK_MS);
    await this.clock.advanceTo(this.clock.now() + BLOCK_MS);
    await this.quiet();
  }

  /** Resolves once everybody has got and used every answer that is on its way. */
  async quiet(): Promise<void> {
    let seen = -1;
    let turns = 0;
    while (turns < QUIET_TURNS) {
      await setImmediate();
      const calls = this.first.calls.length + this.second.calls.length;
      turns = calls === seen ? turns + 1 : 0;
      seen = calls;
    }
  }

  /** Lets time pass until a promise is settled, with what happens before each step. */
  async until<T>(promise: Promise<T>, before: (step: number) => Promise<void> | void = () => {}): Promise<Ended<T>> {
    const startMs = this.clock.now();
    const ended: Ended<T>[] = [];
    promise.then(
      (value) => ended.push({ value, tookMs: this.clock.now() - startMs }),
      (error: unknown) => ended.push({ error, tookMs: this.clock.now() - startMs }),
    );
    await this.quiet();
    for (let step = 0; ended.length === 0 && step < 1_000; step += 1) {
      await before(step);
      await this.step();
    }
    const [end] = ended;
    if (end === undefined) throw new Error("nothing ended it in 1,000 blocks");
    return end;
  }

  /** Blocks, by number, that hold a weights transaction of a hotkey that took effect or failed. */
  sentBy(hotkey: string): number[] {
    const found: number[] = [];
    for (let number = 0; number <= this.node.best.number; number += 1) {
      const block = this.node.block(number);
      if (block?.transactions.some(({ signer }) => signer === hotkey) === true) found.push(number);
    }
    return found;
  }
}
