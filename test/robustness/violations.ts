/**
 * A broken promise, and where it was seen.
 */
import type { FollowerLog, LoggedStream } from "./logs.js";

/** The promises of WatchEpochs, and that a follower gets to the newest event in the end. */
export type Promised =
  "ordered" | "unique" | "atomic" | "bookmarkable" | "resumable" | "reliable" | "honest" | "caught up";

/** A broken promise. */
export interface Violation {
  readonly promise: Promised;
  readonly follower: string;
  /** Index of the life. */
  readonly life: number;
  /** Index of the stream in its life; undefined when it is a matter of the whole life. */
  readonly stream?: number;
  /** Index of the message in its stream. */
  readonly message?: number;
  readonly atMs: number;
  /** What is wrong, in one sentence. */
  readonly what: string;
}

/** A stream with its place. */
export interface PlacedStream {
  readonly stream: LoggedStream;
  /** A violation in this stream, at a message or, without one, at its end. */
  violation(promise: Promised, what: string, message?: number): Violation;
}

/** Every stream of a follower, in order. */
export function streamsOf(log: FollowerLog): PlacedStream[] {
  return log.lives.flatMap(({ streams }, life) =>
    streams.map((stream, index) => ({
      stream,
      violation: (promise, what, message) => ({
        promise,
        follower: log.name,
        life,
        stream: index,
        ...(message === undefined ? {} : { message }),
        atMs: (message === undefined ? stream.ended?.atMs : stream.messages[message]?.atMs) ?? stream.openedMs,
        what,
      }),
    })),
  );
}
