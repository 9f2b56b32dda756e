/** The cache in Redis, shared by all replicas. */
import { randomUUID } from "node:crypto";
import { setInterval } from "node:timers/promises";
import type { Cache, Log } from "../../core/ports.js";
import { breaker } from "./breaker.js";
import { assertTtl, doorbell } from "./doorbell.js";
import { answered, connected, connection, placeOf, reportConnection } from "./redis-connection.js";
import { READ_SILENCE_MS, RingReader, addRing } from "./redis-doorbell.js";

/** What a Redis cache needs. */
export interface RedisCacheOptions {
  /** redis://[[user]:password@]host[:port][/database], or rediss:// for TLS. */
  readonly url: string;
  /** What all keys begin with, so that deployments can share a Redis. */
  readonly keyPrefix: string;
  /** Told when the connection is lost and found again. */
  readonly log?: Log;
  /** How often listeners are called without a ring, since rings can be lost. 5 seconds by default. */
  readonly spuriousRingIntervalMs?: number;
}

/** A cache that does not answer within this is out of reach: everything in it can be had elsewhere. */
const SILENCE_MS = 2_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 8_000;
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

/** Only the holder may release: by now the lock may be somebody else's. */
const RELEASE = `
if redis.call("GET", KEYS[1]) == ARGV[1] then redis.call("DEL", KEYS[1]) end`;

/**
 * Connects to Redis; rejects with UNAVAILABLE when Redis refuses, for a wrong password for example. Where it does not
 * answer, at the start or later, the connection comes back by itself, and until then every call rejects with UNAVAILABLE: at once, but for one call now and then that finds out whether
 * Redis answers again and takes 2 seconds to learn that it does not.
 */
export async function redisCache(options: RedisCacheOptions): Promise<Cache> {
  const { keyPrefix, spuriousRingIntervalMs = SPURIOUS_RING_INTERVAL_MS } = options;
  const where = placeOf(options.url);
  const commands = connection(options.url, SILENCE_MS);
  // A connection that waits for rings takes no other commands.
  const rings = connection(options.url, READ_SILENCE_MS);
  const ringsKey = `${keyPrefix}doorbell`;
  const bell = doorbell();
  const reader = new RingReader(rings, ringsKey, bell);
  const closing = new AbortController();
  const silence = { silenceMs: SILENCE_MS / 2, firstPauseMs: FIRST_PAUSE_MS, longestPauseMs: LONGEST_PAUSE_MS };
  const unlessSilent = breaker({ ...silence, now: () => performance.now() });

  const attempt = <T>(call: () => Promise<T>): Promise<T> => answered(where, () => unlessSilent(call));
  try {
    await answered(where, async () => {
      const [, hasRings] = await Promise.all([connected(commands), connected(rings)]);
      if (hasRings) await reader.start();
    });
  } catch (error) {
    for (const redis of [commands, rings]) redis.disconnect();
    throw error;
  }
  reportConnection(commands, where, options.log);
  const background = [
    reader.run(closing.signal),
    ringNowAndThen(spuriousRingIntervalMs, closing.signal, () => bell.ringAll()),
  ];

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
    async ring(topic, note) {
      await attempt(() => addRing(commands, ringsKey, topic, note));
    },
    onRing: (topic, listener) => bell.add(topic, listener),
    async lock(name, ttlMs) {
      assertTtl(ttlMs);
      const key = `${keyPrefix}lock/${name}`;
      const mine = randomUUID();
      if ((await attempt(() => commands.set(key, mine, "PX", ttlMs, "NX"))) !== "OK") return undefined;
      return { release: async () => void (await attempt(() => commands.eval(RELEASE, 1, key, mine))) };
    },
    async close() {
      closing.abort();
      bell.clear();
      for (const redis of [commands, rings]) redis.disconnect();
      await Promise.all(background);
    },
  };
}

async function ringNowAndThen(intervalMs: number, signal: AbortSignal, ringAll: () => void): Promise<void> {
  try {
    for await (const _ of setInterval(intervalMs, undefined, { signal, ref: false })) ringAll();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
