/**
 * The topology of deploy/ on one machine and without containers: three server replicas that share a Redis and an
 * object store, behind HAProxy, with a local chain and a listing site for ground. Everything is a process of its own.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { type NetworkPlan, serverSpec } from "../../cli/demo/network.js";
import type { ProgramEvent } from "../../cli/demo/processes.js";
import { RunningNetwork, startGround } from "../../cli/demo/running-network.js";
import { demoKeys, keyOf, layGround } from "../../cli/demo/setup.js";
import { epochIdOf, epochNumberAt, epochStartMs } from "../../core/epoch-time.js";
import type { Signer } from "../../core/ports.js";
import { type BalancedReplica, type StartedHaproxy, haproxyMissing, startHaproxy } from "./haproxy.js";
import { freePort, waitUntil } from "./programs.js";
import { redisMissing, startRedis } from "./redis.js";

/** What may be chosen. */
export interface ReplicasOptions {
  readonly epochLengthSeconds: number;
  /** Time over which the clients of a replica that goes down come back. */
  readonly drainWindowMs: number;
  /** Port of the balancer, default any free one, and connections that it takes, default 2000. */
  readonly balancer?: { readonly port?: number; readonly maxConnections?: number };
  /** Object store as the server's setting names it; default a folder that goes with the topology. */
  readonly objects?: string;
  /** Told every event of every program. */
  onEvent?(event: ProgramEvent): void;
}

/** The running topology. */
export interface BalancedReplicas {
  /** Address that clients use: the balancer's. */
  readonly url: string;
  /** Where the balancer tells of itself. */
  readonly statusUrl: string;
  /** Addresses of the replicas themselves, in the balancer's order. */
  readonly replicaUrls: readonly string[];
  readonly redisUrl: string;
  readonly chainUrl: string;
  readonly siteUrl: string;
  /** The hotkey that all replicas answer for. */
  readonly serverHotkey: string;
  /** Registered keys of the demo by name: the owner, two validators, five miners. */
  readonly keys: ReadonlyMap<string, Signer>;
  /** Rejects when a program ends that nobody ended. */
  readonly lost: Promise<never>;
  /** The replicas as the balancer sees them. */
  replicas(): Promise<readonly BalancedReplica[]>;
  /**
   * Ends one replica as an operator does and starts it again; resolves once the balancer sends it streams again. Rejects
   * when it had to be ended by force.
   */
  restart(index: number): Promise<void>;
  /** Ends everything. May be called again. */
  stop(): Promise<void>;
}

/** What a replica may take to end: its own deadline, and what the machine is slow. */
const STOP_GRACE_MS = 20_000;
const UP_MS = 30_000;

/** Why the topology cannot run here; undefined when it can. */
export function replicasMissing(): string | undefined {
  return haproxyMissing() ?? redisMissing();
}

function started<Part extends object>(part: Part | { readonly missing: string }): Part {
  if ("missing" in part) throw new Error(part.missing);
  return part;
}

/** Starts the topology; resolves once the balancer sends streams to all three. Everything has ended when it rejects. */
export async function startBalancedReplicas(options: ReplicasOptions): Promise<BalancedReplicas> {
  await readyCrypto();
  const ends: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  try {
    const dir = await mkdtemp(join(tmpdir(), "zipnet-replicas-"));
    ends.push(() => rm(dir, { recursive: true, force: true }));
    const redis = started(await startRedis());
    ends.push(() => redis.stop());
    const ports: [number, number, number] = [await freePort(), await freePort(), await freePort()];
    const balancer = started(await startHaproxy(ports, options.balancer));
    ends.push(() => balancer.stop());
    return await startServers(options, { dir, ports, balancer, redisUrl: redis.url, ends }, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Ground {
  readonly dir: string;
  readonly ports: readonly [number, number, number];
  readonly balancer: StartedHaproxy;
  readonly redisUrl: string;
  readonly ends: (() => Promise<void>)[];
}

async function startServers(
  options: ReplicasOptions,
  { dir, ports, balancer, redisUrl, ends }: Ground,
  stop: () => Promise<void>,
): Promise<BalancedReplicas> {
  const keys = demoKeys();
  const ownerHotkey = keyOf(keys, "owner").hotkey;
  const ground = { ...(await layGround(dir)), homes: undefined, ownerHotkey };
  let lose: (error: Error) => void = () => {};
  const lost = new Promise<never>((_, reject) => (lose = reject));
  lost.catch(() => {});
  const network = new RunningNetwork(
    dir,
    (event) => options.onEvent?.(event),
    (how) => lose(new Error(how)),
  );
  ends.push(() => network[Symbol.asyncDispose]());
  await startGround(network, ground, keys, AbortSignal.timeout(UP_MS));
  const now = epochNumberAt(systemClock.now(), options.epochLengthSeconds);
  const plan: NetworkPlan = {
    ...ground,
    epochLengthSeconds: options.epochLengthSeconds,
    firstEpochId: epochIdOf(epochStartMs(now, options.epochLengthSeconds)),
    targetListings: 400,
    spotCheckListings: 8,
    cache: redisUrl,
    objects: options.objects ?? `folder:${join(dir, "objects")}`,
  };
  const up = (index: number): Promise<void> =>
    waitUntil(`replica ${index + 1} in the balancer`, UP_MS, async () => {
      return (await balancer.replicas())[index]?.up === true;
    });
  for (const [index, port] of ports.entries())
    await network.start(replicaSpec(plan, options, balancer.url, index, port));
  for (const index of ports.keys()) await up(index);
  return {
    url: balancer.url,
    statusUrl: balancer.statusUrl,
    replicaUrls: ports.map((port) => `http://127.0.0.1:${port}`),
    redisUrl,
    chainUrl: `http://127.0.0.1:${plan.ports.chain}`,
    siteUrl: `http://127.0.0.1:${plan.ports.site}`,
    serverHotkey: ownerHotkey,
    keys,
    lost,
    replicas: () => balancer.replicas(),
    async restart(index) {
      const how = await network.stop(nameOf(index), STOP_GRACE_MS);
      if (!how.endsWith("exit code 0")) throw new Error(`${how}, but a replica ends by itself when it is told to`);
      await network.restart(nameOf(index));
      await up(index);
    },
    stop,
  };
}

const nameOf = (index: number): string => `replica-${index + 1}`;

/** A replica: the demo's server, with the place that it has among the others. */
function replicaSpec(plan: NetworkPlan, options: ReplicasOptions, publicUrl: string, index: number, port: number) {
  const spec = serverSpec(plan);
  const settings = {
    ...spec.settings,
    ZIPNET_LISTEN_PORT: String(port),
    // Grants of a folder store name the balancer: any replica can serve them.
    ZIPNET_PUBLIC_URL: publicUrl,
    ZIPNET_DATA_DIR: join(plan.dir, nameOf(index)),
    ZIPNET_DRAIN_WINDOW_MS: String(options.drainWindowMs),
    ZIPNET_BOOKMARK_INTERVAL_MS: "2000",
    // All callers are on this machine and hold few hotkeys.
    ZIPNET_TRUSTED_PROXIES: "127.0.0.1",
    ZIPNET_MAX_STREAMS_PER_HOTKEY: "100000",
    // Bounded by what a short run on a slow machine shows, not by what production asks for.
    ZIPNET_COOLDOWN_EPOCHS: "1",
  };
  return { ...spec, name: nameOf(index), settings };
}
