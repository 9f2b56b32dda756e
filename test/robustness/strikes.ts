/**
 * Carries out the faults of a schedule.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import type { Arena, Group, Site } from "./arena.js";
import type { Trouble } from "./fault-proxy.js";
import { type Fault, type FaultKind, LASTING, faultName, isStruck } from "./schedule.js";
import type { TrackedFollower } from "./tracked-follower.js";

/** Something that was done, or could not be. */
export interface Strike {
  readonly seed: number;
  readonly kind: FaultKind;
  readonly atMs: number;
  /** When it was over; undefined while it lasts. */
  endedMs?: number;
  readonly name: string;
}

/** Longest delay of a slow connection, per chunk. */
const SLOW_MS = 120;
/** Bytes after which a connection is cut, at most. */
const CUT_BYTES = 30_000;

/** Strikes an arena with schedules. */
export class Striker {
  readonly #arena: Arena;
  readonly timeline: Strike[] = [];
  /** Faults that go on after their seed. */
  readonly #lasting = new Set<Promise<void>>();
  #isRedisBusy = false;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Carries out a seed's faults against a group; resolves when all are over but those that last. */
  async carryOut(seed: number, faults: readonly Fault[], group: Group): Promise<void> {
    await Promise.all(
      faults.map(async (fault) => {
        await pause(fault.atMs);
        const strike: Strike = { seed, kind: fault.kind, atMs: Date.now(), name: faultName(fault) };
        const over = this.#strike(fault, group);
        // Something else is just being done to it.
        if (over === undefined) return;
        this.timeline.push(strike);
        const noted = over.then(() => void (strike.endedMs = Date.now()));
        if (!LASTING.has(fault.kind)) return noted;
        this.#lasting.add(noted);
        noted.then(
          () => this.#lasting.delete(noted),
          () => {}, // settled() rejects with it.
        );
      }),
    );
  }

  /** Resolves when nothing lasts any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#lasting);
  }

  /** The end of a fault; undefined when it cannot be now. */
  #strike(fault: Fault, group: Group): Promise<void> | undefined {
    switch (fault.kind) {
      case "kill":
      case "drain":
      case "suspend":
        return strikeProcess(fault.kind, siteOf(group, fault.replica), fault.forMs);
      case "cut":
      case "black-hole":
      case "slow":
        return strikeNetwork(fault, siteOf(group, fault.replica));
      case "redis-flush":
      case "redis-kill":
      case "redis-suspend":
        return this.#strikeRedis(fault.kind, fault.forMs);
      case "crash":
      case "stall":
      case "away":
        return strikeFollowers(fault, group.followers);
    }
  }

  #strikeRedis(kind: "redis-flush" | "redis-kill" | "redis-suspend", forMs: number): Promise<void> | undefined {
    if (this.#isRedisBusy) return undefined;
    this.#isRedisBusy = true;
    const strike = async (): Promise<void> => {
      const { redis } = this.#arena;
      if (kind === "redis-flush") return flush(redis.url);
      if (kind === "redis-kill") return await this.#arena.restartRedis(() => pause(forMs));
      redis.suspend();
      await pause(forMs);
      redis.resume();
    };
    return strike().finally(() => void (this.#isRedisBusy = false));
  }
}

async function flush(url: string): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: 2 });
  await redis.flushall();
  redis.disconnect();
}

function siteOf({ sites }: Group, index: number): Site {
  const site = sites[index % sites.length];
  if (site === undefined) throw new RangeError("the group has no replica");
  return site;
}

function strikeProcess(
  kind: "kill" | "drain" | "suspend",
  { replica }: Site,
  forMs: number,
): Promise<void> | undefined {
  if (replica.isBusy) return undefined;
  replica.isBusy = true;
  const strike = async (): Promise<void> => {
    if (kind === "suspend") replica.suspend();
    else await replica[kind]();
    await pause(forMs);
    if (kind === "suspend") replica.resume();
    else await replica.start();
  };
  return strike().finally(() => void (replica.isBusy = false));
}

async function strikeNetwork(fault: Extract<Fault, { kind: Trouble["kind"] }>, { proxy }: Site): Promise<void> {
  const { kind, salt, forMs } = fault;
  const end = proxy.trouble((connection) => {
    if (!isStruck(fault, connection)) return undefined;
    const size = (salt + connection * 7_919) % CUT_BYTES;
    if (kind === "cut") return { kind, afterBytes: size };
    return kind === "slow" ? { kind, delayMs: 1 + (size % SLOW_MS) } : { kind };
  });
  await pause(forMs);
  end();
}

async function strikeFollowers(
  fault: Extract<Fault, { kind: "crash" | "stall" | "away" }>,
  followers: readonly TrackedFollower[],
): Promise<void> {
  const struck = followers.filter((_, index) => isStruck(fault, index));
  switch (fault.kind) {
    case "stall":
      for (const follower of struck) follower.stall(Date.now() + fault.forMs);
      return pause(fault.forMs);
    case "crash":
      await Promise.all(struck.map((follower, index) => follower.crash(index % 2 === 0, fault.forMs)));
      return;
    case "away":
      await Promise.all(struck.map((follower) => follower.stop()));
      await pause(fault.forMs);
      for (const follower of struck) follower.start();
  }
}
