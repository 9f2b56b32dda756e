/** The cache in Redis, shared by all replicas. */
import { setInterval } from "node:timers/promises";
import { Redis } from "ioredis";
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { Cache, Log } from "../../core/ports.js";
import { assertTtl, doorbell } from "./doorbell.js";

/** What a Redis cache needs. */
export interface RedisCacheOptions {
  /** redis://[[user]:password@]host[:port][/database], or rediss:// for TLS. */
  readonly url: string;
  /** What all keys and channels begin with, so that deployments can share a Redis. */
  readonly keyPrefix: string;
  /** Told when the connection is lost and found again. */
  readonly log?: Log;
  /** How often listeners are called without a ring, since rings can be lost. 5 seconds by default. */
  readonly spuriousRingIntervalMs?: number;
}

/** A cache that does not answer within this is out of reach: everything in it can be had elsewhere. */
const COMMAND_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 3_000;
const LONGEST_RECONNECT_DELAY_MS = 2_000;
const SPURIOUS_RING_INTERVAL_MS = 5_000;

/** INCR alone would leave a key without end when the process dies before it can set one. */
const INCREMENT = `
local sum = redis.call("INCR", KEYS[1])
if sum == 1 then redis.call("PEXPIRE", KEYS[1], ARGV[1]) end
return sum`;

const SET_AND_COUNT = `
if not redis.call("SET", KEYS[1], "", "PX", ARGV[1], "NX") then return 0 end
local sum = redis.call("INCR", KEYS[2])
if sum == 1 then redis.call("PEXPIRE", KEYS[2], ARGV[2]) end
return sum`;

/**
 * Connects to Redis; rejects with UNAVAILABLE when that fails. A connection that is lost later comes back by itself,
 * and until then every call rejects with UNAVAILABLE at once or after 2 seconds.
 */
export async function redisCache(options: RedisCacheOptions): Promise<Cache> {
  const { keyPrefix, spuriousRingIntervalMs = SPURIOUS_RING_INTERVAL_MS } = options;
  const where = placeOf(options.url);
  const commands = connection(options.url);
  // A connection that has subscribed takes no other commands.
  const rings = connection(options.url);
  const channel = `${keyPrefix}doorbell`;
  const bell = doorbell();
  const closing = new AbortController();

  const attempt = <T>(call: () => Promise<T>): Promise<T> => answered(where, call);
  rings.on("message", (_channel: string, topic: string) => bell.ring(topic));
  // Rings that came while the connection was away are lost; one for everybody makes up for them.
  const subscribe = async (): Promise<void> => {
    await rings.subscribe(channel);
    bell.ringAll();
  };
  try {
    await attempt(async () => {
      await Promise.all([connected(commands), connected(rings)]);
      await subscribe();
    });
  } catch (error) {
    for (const redis of [commands, rings]) redis.disconnect();
    throw error;
  }
  report(commands, where, options.log);
  // A failed subscription is followed by a lost connection, a new one, and a new subscription.
  rings.on("ready", () => void subscribe().catch(() => rings.disconnect(true)));
  const spurious = ringNowAndThen(spuriousRingIntervalMs, closing.signal, () => bell.ringAll());

  return {
    async get(key) {
      return attempt(async () => {
        const value = await commands.getBuffer(keyPrefix + key);
        return value === null ? undefined : Uint8Array.from(value);
      });
    },
    async set(key, value, ttlMs) {
      assertTtl(ttlMs);
      await attempt(() => commands.set(keyPrefix + key, Buffer.from(value), "PX", ttlMs));
    },
    async setIfAbsent(key, value, ttlMs) {
      assertTtl(ttlMs);
      return (await attempt(() => commands.set(keyPrefix + key, Buffer.from(value), "PX", ttlMs, "NX"))) === "OK";
    },
    async increment(key, ttlMs) {
      assertTtl(ttlMs);
      return Number(await attempt(() => commands.eval(INCREMENT, 1, keyPrefix + key, ttlMs)));
    },
    async setAndCount(absent, count) {
      assertTtl(absent.ttlMs);
      assertTtl(count.ttlMs);
      const keys = [keyPrefix + absent.key, keyPrefix + count.key] as const;
      const sum = await attempt(() => commands.eval(SET_AND_COUNT, 2, ...keys, absent.ttlMs, count.ttlMs));
      return sum === 0 ? undefined : Number(sum);
    },
    async ring(topic) {
      await attempt(() => commands.publish(channel, topic));
    },
    onRing: (topic, listener) => bell.add(topic, listener),
    async close() {
      closing.abort();
      bell.clear();
      for (const redis of [commands, rings]) redis.disconnect();
      await spurious;
    },
  };
}

function connection(url: string): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    // A call made while the connection is away fails now instead of waiting for it.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    retryStrategy: (attempts) => Math.min(50 * 2 ** Math.min(attempts, 10), LONGEST_RECONNECT_DELAY_MS),
  });
  // Without a listener ioredis prints errors; the calls that fail for them say what is to be said.
  redis.on("error", () => undefined);
  return redis;
}

/** Connects. ioredis itself rejects with "Connection is closed." for everything; the reason comes as an event before. */
async function connected(redis: Redis): Promise<void> {
  let reason: Error | undefined;
  const note = (error: Error): void => void (reason = error);
  redis.on("error", note);
  try {
    await redis.connect();
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.off("error", note);
  }
}

function report(redis: Redis, where: string, log: Log | undefined): void {
  redis.on("close", () => log?.warn({ redis: where }, "the connection to Redis is lost; trying again"));
  redis.on("ready", () => log?.info({ redis: where }, "the connection to Redis is back"));
}

async function answered<T>(where: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const why = messageOf(error);
    // No cause: ioredis keeps the command in its errors, values and passwords included.
    throw new ZipnetError("UNAVAILABLE", `Redis at ${where} did not do it: ${why}`);
  }
}

async function ringNowAndThen(intervalMs: number, signal: AbortSignal, ringAll: () => void): Promise<void> {
  try {
    for await (const _ of setInterval(intervalMs, undefined, { signal, ref: false })) ringAll();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Host and port: the rest of the address may hold a password. */
function placeOf(url: string): string {
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol)) {
    throw new RangeError("the Redis address is not of the form redis://[[user]:password@]host[:port][/database]");
  }
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === "" ? "6379" : port}`;
}
