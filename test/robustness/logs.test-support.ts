/** Logs made by hand: a short history, a follower that saw it rightly, and ways to make it wrong. */
import type { FollowerLog, Life, LogEvent, LoggedMessage, LoggedStream, World } from "./logs.js";

/** Epochs 100 to 104: each opens, then the one before closes. */
export const WORLD: World = {
  history: [200, 201, 202, 203, 204, 205, 206, 207, 208, 209].map((revision) => ({ revision, digest: `#${revision}` })),
  epochLengthMs: 1_000,
  keptEpochs: 3,
  checkedMs: 0,
};

const eventAt = (revision: number): LogEvent => ({ revision, digest: `#${revision}` });

/** Messages by a shorthand: "started" and others with a position, an event by its revision (and token, else its own). */
type Short =
  readonly [kind: LoggedMessage["kind"], position: number] | number | readonly [event: LogEvent, position: number];

/** A stream. Its messages come 10 ms apart. */
export function stream(
  presented: number | undefined,
  openedMs: number,
  shorts: readonly Short[],
  ended?: Partial<LoggedStream["ended"]>,
): LoggedStream {
  const messages = shorts.map((short, index): LoggedMessage => {
    const atMs = openedMs + 10 * index;
    if (typeof short === "number") {
      return { atMs, kind: kindOf(short), position: short, event: eventAt(short) };
    }
    const [what, position] = short;
    if (typeof what === "object") return { atMs, kind: kindOf(what.revision), position, event: what };
    return { atMs, kind: what, position, ...(what === "started" ? { isResumed: presented !== undefined } : {}) };
  });
  const atMs = openedMs + 10 * messages.length;
  return {
    endpoint: "a",
    openedMs,
    presented,
    messages,
    ...(ended === undefined ? {} : { ended: { atMs, how: "unreachable", ...ended } }),
  };
}

const kindOf = (revision: number): "epoch" | "closed" => (revision % 2 === 0 ? "epoch" : "closed");

/** A life that dealt with and kept everything that its streams brought, or just with these. */
export function life(streams: LoggedStream[], revisions?: readonly number[]): Life {
  const seen = streams.flatMap(({ messages }) =>
    messages.flatMap(({ event, atMs }) => (event === undefined ? [] : [{ atMs, revision: event.revision }])),
  );
  const delivered = revisions === undefined ? seen : seen.filter(({ revision }) => revisions.includes(revision));
  return { startedMs: streams[0]?.openedMs ?? 0, streams, delivered, keptMs: delivered.map(({ atMs }) => atMs) };
}

/** A follower. */
export function follower(...lives: Life[]): FollowerLog {
  return { name: "miner-1", lives };
}

/** One that saw all there is: a fresh start, a broken stream, a crash, a bookmark, a drain. */
export function goodLog(): FollowerLog {
  const fresh = stream(undefined, 103_000, [["started", 199], 200, 201, ["caughtUp", 201], 202], {});
  const resumed = stream(202, 103_100, [["started", 202], 203, ["caughtUp", 203], ["bookmark", 203], ["drain", 203]], {
    how: "drained",
  });
  // Dealt with, but the crash came before its token was kept.
  const crashed = stream(203, 104_000, [["started", 203], 204], { how: "stopped" });
  const after = stream(203, 104_100, [
    ["started", 203],
    204,
    205,
    206,
    ["caughtUp", 206],
    207,
    208,
    209,
    ["bookmark", 209],
  ]);
  const before = life([fresh, resumed, crashed]);
  return follower({ ...before, keptMs: before.keptMs.slice(0, -1) }, life([after]));
}
