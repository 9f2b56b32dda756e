/**
 * Runs seeds: strikes the arena with each seed's faults, and holds what the followers saw against what happened.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Arena, Group } from "./arena.js";
import { violationsIn } from "./checkers-of-lives.js";
import { EPOCH_SECONDS, KEPT_EPOCHS } from "./deployment.js";
import { type World, logUntil } from "./logs.js";
import { type Fault, scheduleOf } from "./schedule.js";
import { Striker } from "./strikes.js";
import type { Violation } from "./violations.js";

/** Length of a seed. */
const WINDOW_MS = 4_000;
/** Five epochs fill what a connection takes of a stream that is not read. */
const STALL_MS = 7_000;
/** How long a follower is away when its token is to get too old. */
const AWAY_MS = (KEPT_EPOCHS + 2) * 1000 * EPOCH_SECONDS;
/** Longest time for everybody to catch up after the last fault. */
const CATCH_UP_MS = 90_000;
/** Nothing new for this long means that nothing new comes. */
const QUIET_MS = 2_000;

/** What a seed found. */
export interface SeedResult {
  readonly seed: number;
  readonly faults: number;
  /** Events that followers dealt with in its time. */
  readonly delivered: number;
  readonly violations: readonly Violation[];
}

/** A run over an arena. */
export class Run {
  readonly #arena: Arena;
  readonly striker: Striker;
  /** What was reported already. */
  readonly #reported = new Set<string>();
  #checkedMs = 0;
  #delivered = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.striker = new Striker(arena);
  }

  /** Starts all followers and waits until each has dealt with an event. */
  async begin(): Promise<void> {
    for (const follower of this.#arena.followers) follower.start();
    const idle = (): string[] =>
      this.#arena.followers.filter(({ last }) => last === undefined).map(({ log }) => log.name);
    await this.#until(
      () => `a first event for ${idle().join(", ")}`,
      CATCH_UP_MS,
      async () => idle().length === 0,
    );
  }

  /** Runs a seed against a group. */
  async seed(seed: number, group: Group): Promise<SeedResult> {
    const plan = { replicas: group.sites.length, windowMs: WINDOW_MS, stallMs: STALL_MS, awayMs: AWAY_MS };
    return await this.faults(seed, scheduleOf(seed, plan), [group]);
  }

  /** Carries out the same faults against groups, side by side. */
  async faults(seed: number, faults: readonly Fault[], groups: readonly Group[]): Promise<SeedResult> {
    const before = this.striker.timeline.length;
    await Promise.all([pause(WINDOW_MS), ...groups.map((group) => this.striker.carryOut(seed, faults, group))]);
    return await this.#result(seed, this.striker.timeline.length - before, false);
  }

  /** Waits until every follower of a group has dealt with so many more events. */
  async events(count: number, { followers, name }: Group): Promise<void> {
    const dealtWith = (): number[] =>
      followers.map(({ log }) => log.lives.reduce((sum, { delivered }) => sum + delivered.length, 0));
    const before = dealtWith();
    await this.#until(
      () => `${count} more events for every follower of ${name}`,
      CATCH_UP_MS,
      async () => dealtWith().every((now, index) => now >= (before[index] ?? 0) + count),
    );
  }

  /**
   * Ends all faults, lets nothing new happen, and waits for everybody in these groups to catch up: what is still wrong
   * then, with anybody.
   */
  async end(groups: readonly Group[]): Promise<SeedResult> {
    await this.striker.settled();
    this.#arena.chain.freeze();
    const followers = groups.flatMap((group) => group.followers);
    let [before, sinceMs] = ["", Date.now()];
    const isQuiet = async (): Promise<boolean> => {
      const lasts = followers.map(({ last }) => last);
      if (lasts.join() !== before) [before, sinceMs] = [lasts.join(), Date.now()];
      return new Set(lasts).size === 1 && Date.now() - sinceMs > QUIET_MS;
    };
    await this.#until(() => "everybody at the newest event", CATCH_UP_MS, isQuiet).catch(() => {}); // The checker tells who is not.
    return await this.#result(-1, 0, true);
  }

  async #result(seed: number, faults: number, isOver: boolean): Promise<SeedResult> {
    const problems = this.#arena.sites.flatMap(({ replica }) => replica.problem() ?? []);
    if (problems.length > 0) throw new Error(problems.join("\n"));
    // History is read after the logs were, so that whatever they hold is in it.
    const untilMs = Date.now();
    const logs = this.#arena.followers.map(({ log }) => logUntil(log, untilMs));
    const world: World = {
      history: await this.#arena.history.read(),
      epochLengthMs: EPOCH_SECONDS * 1000,
      keptEpochs: KEPT_EPOCHS,
      checkedMs: this.#checkedMs,
    };
    const found = violationsIn(logs, world, isOver).filter((violation) => {
      const { follower, life, stream, message, promise, what } = violation;
      const key = JSON.stringify([follower, life, stream, message, promise, what]);
      return !this.#reported.has(key) && this.#reported.add(key);
    });
    this.#checkedMs = untilMs;
    const delivered = logs.reduce(
      (sum, { lives }) => sum + lives.reduce((count, life) => count + life.delivered.length, 0),
      0,
    );
    const result = { seed, faults, delivered: delivered - this.#delivered, violations: found };
    this.#delivered = delivered;
    return result;
  }

  async #until(what: () => string, limitMs: number, holds: () => Promise<boolean>): Promise<void> {
    for (const endMs = Date.now() + limitMs; !(await holds());) {
      if (Date.now() > endMs) throw new Error(`${what()} did not come within ${limitMs} ms`);
      await pause(100);
    }
  }
}
