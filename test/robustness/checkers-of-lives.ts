/**
 * What is promised beyond one stream: of a follower's whole life, whatever interrupts it. As in checkers.ts.
 */
import { type Checker, atomic, bookmarkable, eventsBetween, ordered, resumable, unique } from "./checkers.js";
import { type FollowerLog, type Life, TOO_OLD, type World, eventName, openedAt } from "./logs.js";
import { type Promised, type Violation, streamsOf } from "./violations.js";

/**
 * Reliable: what a follower has dealt with is the history between the first and the last of it, each event once and in
 * order. After a crash it goes on right after the token that it had kept, so what came after that token may come again.
 * Only a token that was refused as too old excuses a gap.
 */
export const reliable: Checker = (log, world) => {
  const dealtWith = new Set<number>();
  return log.lives.flatMap((life, index) => {
    const gaps = [
      ...skippedByStart(life, dealtWith, world),
      ...gapsIn(life, dealtWith, world),
      ...refusedRecords(life),
    ];
    for (const { revision } of life.delivered) dealtWith.add(revision);
    return gaps.map((gap) => ({ ...gap, promise: "reliable", follower: log.name, life: index }) as const);
  });
};

type Gap = Pick<Violation, "atMs" | "what">;

/** Events that the token passes with which a life starts, but that no life before has dealt with. */
function skippedByStart({ streams, startedMs }: Life, dealtWith: ReadonlySet<number>, { history }: World): Gap[] {
  const kept = streams[0]?.presented;
  if (kept === undefined || dealtWith.size === 0) return [];
  const skipped = eventsBetween(history, Math.max(...dealtWith), kept)[0];
  if (skipped === undefined) return [];
  const what = `the kept token ${kept} passes event ${eventName(skipped.revision)}, which was never dealt with`;
  return [{ atMs: startedMs, what }];
}

/** Nobody lies here: a follower that does not believe what it is sent will never get past it. */
function refusedRecords({ streams }: Life): Gap[] {
  return streams.flatMap(({ ended }) =>
    ended?.how === "bad_record" ? [{ atMs: ended.atMs, what: `what came is not believed: ${ended.text}` }] : [],
  );
}

function gapsIn(life: Life, dealtWith: ReadonlySet<number>, { history }: World): Gap[] {
  const gaps: Gap[] = [];
  const refusedMs = life.streams.flatMap(({ ended }) => (ended?.reason === TOO_OLD ? [ended.atMs] : []));
  let sinceMs = life.startedMs;
  // The first event after a token that an earlier life had kept; without one a life may start anywhere.
  let last = dealtWith.size === 0 ? undefined : life.streams[0]?.presented;
  for (const { atMs, revision } of life.delivered) {
    const name = eventName(revision);
    const isExcused = refusedMs.some((refused) => refused >= sinceMs && refused <= atMs);
    if (last !== undefined && revision <= last) {
      gaps.push({ atMs, what: `event ${name} is dealt with after ${eventName(last)}` });
    } else if (last !== undefined && !isExcused) {
      const between = eventsBetween(history, last, revision - 1);
      const missed = between.find((event) => !dealtWith.has(event.revision));
      if (missed !== undefined) {
        gaps.push({ atMs, what: `event ${name} is dealt with, but ${eventName(missed.revision)} before it never was` });
      }
    }
    last = revision;
    sinceMs = atMs;
  }
  return gaps;
}

/**
 * Honest about age: a token that the deployment gave is never called malformed or foreign, and is called too old only
 * when it is. The refusal then names the oldest token that works. A follower starts without a token only where it has
 * none, or after such a refusal.
 */
export const honest: Checker = (log, world) => [...refusalsIn(log, world), ...freshStartsIn(log)];

function refusalsIn(log: FollowerLog, { epochLengthMs, keptEpochs }: World): Violation[] {
  return streamsOf(log).flatMap(({ stream, violation }) => {
    const { ended, presented } = stream;
    if (ended?.reason === undefined || !ended.reason.startsWith("RESUME_TOKEN_")) return [];
    if (presented === undefined) return [violation("honest", `a stream without a token is refused: ${ended.text}`)];
    if (ended.reason === "RESUME_TOKEN_FROM_FUTURE") return [];
    if (ended.reason !== TOO_OLD) return [violation("honest", `token ${presented} is refused: ${ended.text}`)];
    // No epoch is recorded before it starts, so by the clock no replica can have dropped more than this.
    const newest = Math.floor(ended.atMs / epochLengthMs);
    const floor = openedAt(newest - keptEpochs) - 1;
    if (presented >= floor) {
      return [violation("honest", `token ${presented} is refused as too old, but everything after ${floor} is kept`)];
    }
    if (ended.oldest === undefined || ended.oldest <= presented || ended.oldest > floor) {
      const what = `token ${presented} is refused as too old; the oldest that works is said to be ${ended.oldest}`;
      return [violation("honest", what)];
    }
    return [];
  });
}

function freshStartsIn(log: FollowerLog): Violation[] {
  const keptMs = log.lives.flatMap((life) => life.keptMs);
  let refusedMs = -Infinity;
  return streamsOf(log).flatMap(({ stream, violation }) => {
    const { presented, openedMs, ended } = stream;
    const hasToken = keptMs.some((atMs) => atMs > refusedMs && atMs < openedMs);
    if (ended?.reason === TOO_OLD) refusedMs = ended.atMs;
    if (presented !== undefined || !hasToken) return [];
    return [violation("honest", "the stream is opened without a token, though the follower has a good one")];
  });
}

/**
 * Caught up: in the end, with nothing new and no fault for a while, a follower has dealt with the newest event. The close
 * of the newest epoch is not told before the epoch after it.
 */
export const caughtUp: Checker = (log, { history }) => {
  const opened = history.findLast(({ revision }) => revision % 2 === 0)?.revision ?? 0;
  const newest = history.findLast(({ revision }) => revision <= opened + 1)?.revision;
  const life = log.lives.length - 1;
  const last = log.lives.findLast(({ delivered }) => delivered.length > 0)?.delivered.at(-1);
  if (newest === undefined || last?.revision === newest) return [];
  const where = last === undefined ? "has dealt with nothing" : `stands at ${eventName(last.revision)}`;
  const what = `the newest event is ${eventName(newest)}, but the follower ${where}`;
  return [{ promise: "caught up", follower: log.name, life, atMs: last?.atMs ?? 0, what }];
};

/** The checkers that hold at any time. */
const ALWAYS: Readonly<Record<Exclude<Promised, "caught up">, Checker>> = {
  ordered,
  unique,
  atomic,
  bookmarkable,
  resumable,
  reliable,
  honest,
};

/** Everything that is broken, in the order in which it was seen. `isOver`: whether all must have caught up. */
export function violationsIn(logs: readonly FollowerLog[], world: World, isOver: boolean): Violation[] {
  const checkers = [...Object.values(ALWAYS), ...(isOver ? [caughtUp] : [])];
  return logs.flatMap((log) => checkers.flatMap((check) => check(log, world))).toSorted((a, b) => a.atMs - b.atMs);
}
