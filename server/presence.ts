/**
 * One server alone on a store: where nothing can keep two servers from replacing each other's records, the second one
 * does not start, and of two that slipped in together one stops.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { messageOf } from "../core/errors.js";
import { PRESENCE_KEY, RECORD_CONTENT_TYPE } from "../core/object-keys.js";
import type { Clock, Log, ObjectStore } from "../core/ports.js";
import { millisOf } from "../core/timestamps.js";
import { type ServerPresence, ServerPresenceSchema } from "../gen/zipnet/v1/presence_pb.js";

/** How often a server says that it is there. */
const REFRESH_INTERVAL_MS = 30_000;
/** A server that has not said so for this long is gone: two refreshes and some time for a slow store. */
const PRESENT_FOR_MS = 75_000;
/** Two servers that start at the same moment find each other after this. */
const SETTLE_MS = 1_000;

/** What it takes to be alone. */
export interface PresenceOptions {
  readonly objects: Pick<ObjectStore, "get" | "replace">;
  readonly clock: Clock;
  readonly log: Log;
  /** Names this process among all. */
  readonly instance: string;
}

const WHAT_TO_DO =
  "The object store does not hold conditional puts, so two servers would replace each other's records. Give both the " +
  "same Redis (--cache redis://...), or use a store with conditional puts (If-None-Match)";

/** Rejects, saying who is there and what to do, when another server has the store to itself. */
export async function assertStoreIsFree(options: PresenceOptions): Promise<void> {
  const { clock, instance } = options;
  const other = await readPresence(options);
  if (other === undefined || other.instance === instance || other.ended) return;
  const goneMs = millisOf(other.seenTime) + PRESENT_FOR_MS;
  if (clock.now() >= goneMs) return;
  throw new Error(
    `the server ${other.instance} has this object store to itself since ${timeOf(other.startTime)} and was seen at ` +
      `${timeOf(other.seenTime)}. ${WHAT_TO_DO}. If that server has been killed, start again at ` +
      `${new Date(goneMs).toISOString()} or later`,
  );
}

/**
 * Does work while this server has the store to itself. Rejects before it begins as assertStoreIsFree does; ends the work
 * by its signal and rejects when another server takes the store all the same.
 */
export async function runAlone(
  options: PresenceOptions,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { clock } = options;
  await assertStoreIsFree(options);
  const startMs = clock.now();
  await writePresence(options, startMs, false);

  const lost = new AbortController();
  const done = new AbortController();
  let staying: Promise<void> | undefined;
  try {
    await clock.sleepUntil(clock.now() + SETTLE_MS, signal);
    await assertStillOurs(options);
    staying = stay(options, startMs, AbortSignal.any([signal, done.signal])).catch((error) => lost.abort(error));
    await work(AbortSignal.any([signal, lost.signal]));
  } catch (error) {
    if (!(error instanceof StoreLost)) throw error;
    lost.abort(error);
  } finally {
    done.abort();
    await staying;
    if (!lost.signal.aborted) await leave(options, startMs);
  }
  lost.signal.throwIfAborted();
}

/** Says from time to time that this server is there. Resolves with the signal; rejects when another one is. */
async function stay(options: PresenceOptions, startMs: number, signal: AbortSignal): Promise<void> {
  const { clock, log } = options;
  while (!signal.aborted) {
    // Only the signal ends the sleep early.
    await clock.sleepUntil(clock.now() + REFRESH_INTERVAL_MS, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      await assertStillOurs(options);
      await writePresence(options, startMs, false);
    } catch (error) {
      if (error instanceof StoreLost) throw error;
      log.warn({ err: error }, `the store could not be told that this server is there: ${messageOf(error)}`);
    }
  }
}

async function leave(options: PresenceOptions, startMs: number): Promise<void> {
  try {
    await writePresence(options, startMs, true);
  } catch (error) {
    const text = `the store could not be told that this server has ended; the next may start ${PRESENT_FOR_MS / 1000} s later`;
    options.log.warn({ err: error }, text);
  }
}

/** Another server has the store now. */
class StoreLost extends Error {}

async function assertStillOurs(options: PresenceOptions): Promise<void> {
  const present = await readPresence(options);
  if (present === undefined || present.instance === options.instance) return;
  const since = timeOf(present.startTime);
  throw new StoreLost(`the server ${present.instance} has taken this object store at ${since}. ${WHAT_TO_DO}`);
}

async function readPresence({ objects }: PresenceOptions): Promise<ServerPresence | undefined> {
  const bytes = await objects.get(PRESENCE_KEY);
  if (bytes === undefined) return undefined;
  try {
    return fromBinary(ServerPresenceSchema, bytes);
  } catch (cause) {
    throw new Error(`${PRESENCE_KEY} in the object store is not readable; remove it`, { cause });
  }
}

async function writePresence({ objects, clock, instance }: PresenceOptions, startMs: number, ended: boolean) {
  const [startTime, seenTime] = [timestampFromMs(startMs), timestampFromMs(clock.now())];
  const presence = create(ServerPresenceSchema, { instance, startTime, seenTime, ended });
  await objects.replace(PRESENCE_KEY, toBinary(ServerPresenceSchema, presence), RECORD_CONTENT_TYPE);
}

function timeOf(time: ServerPresence["seenTime"]): string {
  return new Date(millisOf(time)).toISOString();
}
