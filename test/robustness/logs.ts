/**
 * What followers saw, and what really happened: the two sides that the checkers compare.
 *
 * A position is a revision of the log of epochs: "epoch N opened" stands at 2N, "epoch N-1 closed" at 2N + 1. The
 * position of a token is the revision after which a stream goes on that is opened with it.
 */

/** An event of the log. */
export interface LogEvent {
  readonly revision: number;
  /** Equal for two events exactly when every byte of them is. */
  readonly digest: string;
}

/** What really happened. */
export interface World {
  /** Every event that is on record, ascending by revision. */
  readonly history: readonly LogEvent[];
  readonly epochLengthMs: number;
  /** Epochs that a token may be behind. */
  readonly keptEpochs: number;
  /** Streams that had ended by then were checked before. */
  readonly checkedMs: number;
}

/** A message of a stream, as it came. */
export interface LoggedMessage {
  /** When it came, by the follower's clock, in unix milliseconds. */
  readonly atMs: number;
  readonly kind: "started" | "epoch" | "closed" | "caughtUp" | "bookmark" | "drain";
  /** Position of its token; undefined when the token is none of the deployment's. */
  readonly position: number | undefined;
  /** The event; of "epoch" and "closed" only. */
  readonly event?: LogEvent;
  /** Whether it says that it goes on from the token; of "started" only. */
  readonly isResumed?: boolean;
}

/** How a stream ended. */
export interface StreamEnd {
  readonly atMs: number;
  /** What the follower made of it: "drained", "stopped", or its failure. */
  readonly how: string;
  /** Reason of the error that ended it, where there was one. */
  readonly reason?: string;
  /** Text of that error. */
  readonly text?: string;
  /** Position of the oldest token that would work, where the error names one. */
  readonly oldest?: number | undefined;
}

/** A stream. */
export interface LoggedStream {
  readonly endpoint: string;
  readonly openedMs: number;
  /** Position of the token that it was opened with; undefined for none. */
  readonly presented: number | undefined;
  readonly messages: LoggedMessage[];
  ended?: StreamEnd;
}

/** An event that the follower's application has dealt with. */
interface Delivery {
  readonly atMs: number;
  readonly revision: number;
}

/** A follower from one start to its crash, stop or the end. */
export interface Life {
  readonly startedMs: number;
  readonly streams: LoggedStream[];
  readonly delivered: Delivery[];
  /** When a token was kept, each time. */
  readonly keptMs: number[];
}

/** A follower over all its lives, which share a store for the token. */
export interface FollowerLog {
  readonly name: string;
  readonly lives: Life[];
}

/** Reason of the error by which a token is refused as too old. */
export const TOO_OLD = "RESUME_TOKEN_TOO_OLD";

/** Revision of "this epoch opened". The checkers say it in their own words, so that they do not share a mistake. */
export function openedAt(epochNumber: number): number {
  return 2 * epochNumber;
}

/** Revision of "this epoch closed". */
export function closedAt(epochNumber: number): number {
  return 2 * epochNumber + 3;
}

/** A revision for people. */
export function eventName(revision: number): string {
  return revision % 2 === 0
    ? `${revision} (epoch ${revision / 2} opened)`
    : `${revision} (epoch ${(revision - 3) / 2} closed)`;
}

/** A log as it was at a moment; it goes on to grow, the answer does not. */
export function logUntil({ name, lives }: FollowerLog, timeMs: number): FollowerLog {
  const before = ({ atMs }: { readonly atMs: number }): boolean => atMs < timeMs;
  const streamUntil = (stream: LoggedStream): LoggedStream => {
    if (stream.ended !== undefined && before(stream.ended)) return stream;
    const { ended: _later, ...open } = stream;
    return { ...open, messages: stream.messages.filter(before) };
  };
  return {
    name,
    lives: lives
      .filter(({ startedMs }) => startedMs < timeMs)
      .map(({ startedMs, streams, delivered, keptMs }) => ({
        startedMs,
        streams: streams.filter(({ openedMs }) => openedMs < timeMs).map(streamUntil),
        delivered: delivered.filter(before),
        keptMs: keptMs.filter((keptAtMs) => keptAtMs < timeMs),
      })),
  };
}
