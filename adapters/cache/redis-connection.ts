/** Connections to Redis that notice when it is gone, and say so without telling secrets. */
import { Redis } from "ioredis";
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { Log } from "../../core/ports.js";

const CONNECT_TIMEOUT_MS = 3_000;
const LONGEST_RECONNECT_DELAY_MS = 2_000;

/**
 * A connection, not opened yet. When commands are waiting and nothing has come for silenceMs, it counts as lost: they
 * all fail, and others fail at once until a new connection is answered.
 */
export function connection(url: string, silenceMs: number): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: silenceMs,
    // A call made while the connection is away fails now instead of waiting for it.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempts) => Math.min(50 * 2 ** Math.min(attempts, 10), LONGEST_RECONNECT_DELAY_MS),
  });
  // Without a listener ioredis prints errors; the calls that fail for them say what is to be said.
  redis.on("error", () => undefined);
  return redis;
}

/**
 * Connects; false where Redis does not answer, which is tried again from then on. Rejects when it refuses. ioredis itself
 * rejects with "Connection is closed." for everything; the reason comes as an event before.
 */
export async function connected(redis: Redis): Promise<boolean> {
  let reason: Error | undefined;
  const note = (error: Error): void => void (reason = error);
  redis.on("error", note);
  try {
    await redis.connect();
    return true;
  } catch (error) {
    if (reason?.name === "ReplyError") throw reason;
    if (reason === undefined && redis.status === "end") throw error;
    return false;
  } finally {
    redis.off("error", note);
  }
}

/** Logs whether the connection is missing now, and from now on when it is lost and when it is back. */
export function reportConnection(redis: Redis, where: string, log: Log | undefined): void {
  let isLost = redis.status !== "ready";
  if (isLost) log?.warn({ redis: where }, "Redis does not answer; starting without it, and trying again");
  redis.on("close", () => {
    if (!isLost) log?.warn({ redis: where }, "the connection to Redis is lost; trying again");
    isLost = true;
  });
  redis.on("ready", () => {
    if (isLost) log?.info({ redis: where }, "the connection to Redis is back");
    isLost = false;
  });
}

/** What a call gives; rejects with UNAVAILABLE when it fails. */
export async function answered<T>(where: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    // No cause: ioredis keeps the command in its errors, values and passwords included.
    throw new ZipnetError("UNAVAILABLE", `Redis at ${where} did not do it: ${messageOf(error)}`);
  }
}

/** Host and port: the rest of the address may hold a password. Throws a RangeError for what is no Redis address. */
export function placeOf(url: string): string {
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol)) {
    throw new RangeError("the Redis address is not of the form redis://[[user]:password@]host[:port][/database]");
  }
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === "" ? "6379" : port}`;
}
