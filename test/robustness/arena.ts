/**
 * Everything that a run needs: Redis, chain, object store, replicas with a proxy before each, and followers.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { openFolderObjects } from "../../adapters/objects/folder/folder-objects.js";
import { readyCrypto, signerFromUri } from "../../adapters/wallet/wallet.js";
import { messageOf } from "../../core/errors.js";
import { freePort } from "../parts/programs.js";
import { type StartedRedis, startRedis } from "../parts/redis.js";
import { SERVER_URI, catalogueBytes, settingsOf } from "./deployment.js";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.js";
import { HistoryReader } from "./history.js";
import { type Chain, startChain } from "./local-chain.js";
import type { MutationName } from "./mutations.js";
import { ReplicaProcess, buildReplica } from "./replica-process.js";
import { seeded } from "./schedule.js";
import { TrackedFollower, WAYS } from "./tracked-follower.js";

/** Followers, and the replicas that they follow. */
export interface GroupPlan {
  readonly name: string;
  readonly replicas: number;
  readonly followers: number;
  /** What is wrong with the group's replicas, if anything. */
  readonly mutation?: MutationName;
}

/** A replica and the proxy before it. */
export interface Site {
  readonly replica: ReplicaProcess;
  readonly proxy: FaultProxy;
}

/** A group that runs. */
export interface Group {
  readonly name: string;
  readonly sites: readonly Site[];
  readonly followers: readonly TrackedFollower[];
}

/** The followers' dice are loaded: short waits make for many streams. */
const LONGEST_WAIT_SHARE = 0.25;

/** The arena. */
export class Arena implements AsyncDisposable {
  readonly #undo: (() => Promise<void>)[] = [];
  readonly groups: Group[] = [];
  #redis: StartedRedis | undefined;
  #chain: Chain | undefined;
  #history: HistoryReader | undefined;

  private constructor() {}

  /** Starts everything but the followers. */
  static async open(plans: readonly GroupPlan[]): Promise<Arena> {
    const arena = new Arena();
    try {
      await arena.#open(plans);
    } catch (error) {
      await arena[Symbol.asyncDispose]();
      throw error;
    }
    return arena;
  }

  get redis(): StartedRedis {
    return started(this.#redis);
  }

  get chain(): Chain {
    return started(this.#chain);
  }

  get history(): HistoryReader {
    return started(this.#history);
  }

  get followers(): TrackedFollower[] {
    return this.groups.flatMap(({ followers }) => followers);
  }

  get sites(): Site[] {
    return this.groups.flatMap(({ sites }) => sites);
  }

  /** Kills Redis and starts an empty one in its place. */
  async restartRedis(whenDead: () => Promise<void>): Promise<void> {
    const port = Number(new URL(this.redis.url).port);
    await this.redis.kill();
    await whenDead();
    this.#redis = await redisAt(port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (const undo of this.#undo.splice(0).toReversed()) await undo().catch((error: unknown) => failures.push(error));
    if (failures.length > 0)
      throw new AggregateError(failures, failures.map((failure) => messageOf(failure)).join("\n"));
  }

  async #open(plans: readonly GroupPlan[]): Promise<void> {
    await readyCrypto();
    const dir = await mkdtemp(join(tmpdir(), "zipnet-robustness-"));
    this.#undo.push(() => rm(dir, { recursive: true, force: true }));
    this.#redis = await redisAt();
    this.#undo.push(() => this.redis.stop());
    const people = plans.flatMap(({ name, followers }) =>
      Array.from({ length: followers }, (_, index) => signerFromUri(`//robustness/${name}/${index}`)),
    );
    const chain = await startChain(
      join(dir, "chain"),
      people.map(({ hotkey }) => hotkey),
    );
    this.#chain = chain;
    this.#undo.push(() => chain.stop());
    const objects = join(dir, "objects");
    const store = await openFolderObjects({ dir: objects, publicUrl: "http://unused.invalid", clock: systemClock });
    this.#history = new HistoryReader(store);
    const catalogue = join(dir, "catalogue.bin");
    await writeFile(catalogue, catalogueBytes());
    const program = await buildReplica();
    for (const plan of plans) {
      const sites: Site[] = [];
      for (let index = 0; index < plan.replicas; index += 1) {
        sites.push(await this.#makeSite(plan, index, { dir, objects, catalogue, program }));
      }
      const signers = people.splice(0, plan.followers);
      const followers = signers.map((signer, index) => followerOf(plan.name, signer, index, sites));
      this.groups.push({ name: plan.name, sites, followers });
    }
    this.#undo.push(async () => void (await Promise.all(this.followers.map((follower) => follower.stop()))));
    await Promise.all(this.sites.map(({ replica }) => replica.start()));
  }

  async #makeSite(
    { name, mutation }: GroupPlan,
    index: number,
    { dir, objects, catalogue, program }: Readonly<Record<"dir" | "objects" | "catalogue" | "program", string>>,
  ): Promise<Site> {
    const port = await freePort();
    const at = { port, objects, catalogue, redisUrl: this.redis.url, chainUrl: this.chain.url };
    const options = { settings: settingsOf(index, at), ...(mutation === undefined ? {} : { mutation }) };
    const replica = new ReplicaProcess(`${name}-replica-${index}`, port, program, options, dir);
    this.#undo.push(() => replica.stop());
    const proxy = await startFaultProxy(port);
    this.#undo.push(() => proxy.close());
    return { replica, proxy };
  }
}

/** Every third goes straight to the replicas, every fourth takes an unusual way; each begins with another replica. */
function followerOf(
  group: string,
  signer: ReturnType<typeof signerFromUri>,
  index: number,
  sites: readonly Site[],
): TrackedFollower {
  const { hotkey } = signerFromUri(SERVER_URI);
  const ports = sites.map(({ replica, proxy }) => (index % 3 === 2 ? replica.port : proxy.port));
  const first = index % ports.length;
  const endpoints = [...ports.slice(first), ...ports.slice(0, first)].map((port) => ({
    url: `http://127.0.0.1:${port}`,
    hotkey,
  }));
  const dice = seeded(index, `waits of ${group}`);
  const random = (): number => (LONGEST_WAIT_SHARE * dice.below(1_000_000)) / 1_000_000;
  const way = index % 4 === 3 ? (WAYS[1 + (Math.floor(index / 4) % 2)] ?? "connect") : "connect";
  return new TrackedFollower({ name: `${group}-${index}`, way, endpoints, signer, recordSigner: hotkey, random });
}

async function redisAt(port?: number): Promise<StartedRedis> {
  const redis = await startRedis(port);
  if ("missing" in redis) throw new Error(redis.missing);
  return redis;
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error("the arena is not open");
  return part;
}
