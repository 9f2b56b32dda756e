/**
 * What WatchEpochs promises of every stream, held against what followers saw. One function per promise; each is pure
 * and answers what is broken. What is promised beyond one stream stands in checkers-of-lives.ts.
 *
 * After the validators of etcd's robustness tests, for tokens that advance without events.
 */
import { type FollowerLog, type LogEvent, type World, eventName } from "./logs.js";
import { type PlacedStream, type Violation, streamsOf } from "./violations.js";

/** A checker: everything in a follower's log that breaks its promise. */
export type Checker = (log: FollowerLog, world: World) => Violation[];

/** Ordered: no older state after a newer one, and tokens never go back. */
export const ordered: Checker = (log, world) => uncheckedStreams(log, world).flatMap(orderIn);

/** Unique: no event twice on a stream, and none that the token which opened it had passed. */
export const unique: Checker = (log, world) => uncheckedStreams(log, world).flatMap(repeatsIn);

/** Atomic: an event is the one on record, whole and to the byte. */
export const atomic: Checker = (log, world) => {
  const recorded = new Map(world.history.map(({ revision, digest }) => [revision, digest]));
  return uncheckedStreams(log, world).flatMap((placed) =>
    placed.stream.messages.flatMap(({ event }, index) => {
      if (event === undefined || recorded.get(event.revision) === event.digest) return [];
      const what = recorded.has(event.revision) ? "is not as it is on record" : "is not on record";
      return [placed.violation("atomic", `event ${eventName(event.revision)} ${what}`, index)];
    }),
  );
};

/**
 * Bookmarkable: a token passes what has been delivered and nothing else. So none is below an event that came before it,
 * and no event comes, or should have come, at or below an earlier token.
 */
export const bookmarkable: Checker = (log, world) =>
  uncheckedStreams(log, world).flatMap((placed) => tokensIn(placed, world.history));

/** Resumable: a stream says at once how it begins, begins at its token, and its first event is the first one after. */
export const resumable: Checker = (log, { history }) => streamsOf(log).flatMap((placed) => startOf(placed, history));

/** A run is checked again and again; what had ended by the last time needs no second look. */
function uncheckedStreams(log: FollowerLog, { checkedMs }: World): PlacedStream[] {
  return streamsOf(log).filter(({ stream }) => (stream.ended?.atMs ?? Infinity) >= checkedMs);
}

function orderIn({ stream, violation }: PlacedStream): Violation[] {
  const found: Violation[] = [];
  let newest = -1;
  let position = -1;
  for (const [index, message] of stream.messages.entries()) {
    const revision = message.event?.revision ?? newest;
    if (revision < newest) {
      found.push(violation("ordered", `event ${eventName(revision)} comes after ${eventName(newest)}`, index));
    }
    if ((message.position ?? position) < position) {
      found.push(violation("ordered", `the token goes back from ${position} to ${message.position}`, index));
    }
    newest = Math.max(newest, revision);
    position = Math.max(position, message.position ?? position);
  }
  return found;
}

function repeatsIn({ stream, violation }: PlacedStream): Violation[] {
  const seen = new Set<number>();
  return stream.messages.flatMap(({ event }, index) => {
    if (event === undefined) return [];
    const { revision } = event;
    if (seen.has(revision)) return [violation("unique", `event ${eventName(revision)} comes a second time`, index)];
    seen.add(revision);
    if (revision > (stream.presented ?? -1)) return [];
    const what = `event ${eventName(revision)} comes again, though the stream was opened after ${stream.presented}`;
    return [violation("unique", what, index)];
  });
}

function tokensIn({ stream, violation }: PlacedStream, history: readonly LogEvent[]): Violation[] {
  const found: Violation[] = [];
  const delivered = new Set<number>();
  const begin = stream.messages[0]?.position;
  let passed = begin ?? 0;
  for (const [index, { event, position, kind }] of stream.messages.entries()) {
    if (position === undefined) {
      found.push(violation("bookmarkable", `the ${kind} message has no token of this deployment`, index));
      continue;
    }
    if (event !== undefined) {
      const { revision } = event;
      const name = eventName(revision);
      if (revision <= passed) found.push(violation("bookmarkable", `event ${name} comes after token ${passed}`, index));
      if (position < revision)
        found.push(violation("bookmarkable", `token ${position} is below its event ${name}`, index));
      delivered.add(revision);
    }
    const skipped = eventsBetween(history, passed, position).find(({ revision }) => !delivered.has(revision));
    if (skipped !== undefined) {
      const what = `the ${kind} message's token ${position} passes event ${eventName(skipped.revision)}, which has not come`;
      found.push(violation("bookmarkable", what, index));
    }
    passed = Math.max(passed, position);
  }
  return found;
}

function startOf({ stream, violation }: PlacedStream, history: readonly LogEvent[]): Violation[] {
  const [first] = stream.messages;
  if (first === undefined) return [];
  if (first.kind !== "started") {
    return [violation("resumable", `the stream begins with a ${first.kind} message`, 0)];
  }
  const { presented } = stream;
  const asked = presented === undefined ? "without a token" : `with token ${presented}`;
  if (first.isResumed !== (presented !== undefined)) {
    const said = first.isResumed === true ? "resumed" : "afresh";
    return [violation("resumable", `the stream was opened ${asked}, but says that it begins ${said}`, 0)];
  }
  const found: Violation[] = [];
  const begin = presented ?? first.position ?? 0;
  if (presented !== undefined && first.position !== presented) {
    found.push(violation("resumable", `the stream was opened ${asked}, but begins at ${first.position}`, 0));
  }
  const index = stream.messages.findIndex(({ event }) => event !== undefined);
  const event = stream.messages[index]?.event;
  const due = history.find(({ revision }) => revision > begin);
  if (event !== undefined && due !== undefined && event.revision !== due.revision) {
    const what = `the first event after ${begin} is ${eventName(due.revision)}, but ${eventName(event.revision)} came`;
    found.push(violation("resumable", what, index));
  }
  return found;
}

/** Events after one position up to another. */
export function eventsBetween(history: readonly LogEvent[], after: number, upTo: number): readonly LogEvent[] {
  let low = 0;
  for (let high = history.length; low < high;) {
    const middle = (low + high) >>> 1;
    if ((history[middle]?.revision ?? Infinity) > after) high = middle;
    else low = middle + 1;
  }
  let end = low;
  while ((history[end]?.revision ?? Infinity) <= upTo) end += 1;
  return history.slice(low, end);
}
