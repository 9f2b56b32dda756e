/**
 * The words of the follower's state machine: what happens, what it remembers and what it says to do. follower-state.ts
 * has the table.
 */

/** Why a stream ended without being asked to. */
export type Failure =
  /** No connection, the connection broke, or the server refused for now. */
  | "unreachable"
  /** Nothing came for longer than the server promised. */
  | "silent"
  /** A record that the server did not sign, or that is not of this deployment. */
  | "bad_record"
  /** Our own handling of an event failed, and it will be delivered again; or it was so slow that the server gave up. */
  | "not_handled"
  /** The server is behind our token. */
  | "token_from_future"
  /** The token is malformed, foreign or too old. */
  | "token_refused";

/** How a stream ended. "moved": a server's stream took the place of this relay's. */
export type StreamEnding = Failure | "drained" | "moved" | "stopped";

/** What happened. */
export type FollowerEvent =
  | { readonly kind: "start" }
  /** The first message of a stream came. */
  | { readonly kind: "opened" }
  /** A message was dealt with that shows the endpoint to be of use: anything but the first of a stream. */
  | { readonly kind: "progressed" }
  | { readonly kind: "failed"; readonly failure: Failure }
  /** delayMs: 0 and up. */
  | { readonly kind: "drained"; readonly delayMs: number }
  | { readonly kind: "waited" }
  /** The first message of a server's stream came while a relay stood in. */
  | { readonly kind: "server_opened"; readonly endpoint: number }
  | { readonly kind: "server_failed"; readonly failure: Failure }
  | { readonly kind: "stop" };

/** What the follower is doing. */
export type Phase =
  | "idle"
  /** A stream is being opened. */
  | "connecting"
  /** A server's stream is open. */
  | "following"
  /** A relay's stream is open, and the servers are tried beside it. */
  | "standing_in"
  /** Nothing is open. */
  | "waiting"
  | "stopped";

/** The machine's memory. */
export interface FollowerState {
  readonly phase: Phase;
  /** Number of the endpoint in use, or to be used after the wait. */
  readonly endpoint: number;
  /** Failures since something useful came. */
  readonly failures: number;
  /** Attempts to come back to a server that failed since a server was of use. */
  readonly serverFailures: number;
  /** When the wait is over; 0 when there is none. */
  readonly untilMs: number;
}

/** What the shell does next. */
export type FollowerAction =
  /** Opens a stream. */
  | { readonly kind: "connect"; readonly endpoint: number }
  /** Ends what is open and waits. `refused`: the token that the endpoint got is of no use there any more. */
  | { readonly kind: "wait"; readonly untilMs: number; readonly refused: boolean }
  /** Goes on with the open stream. */
  | { readonly kind: "continue" }
  /** Goes on with the open stream, and opens a server's beside it at a moment. `refused`: as above, of the last such one. */
  | { readonly kind: "try_server"; readonly endpoint: number; readonly atMs: number; readonly refused: boolean }
  /** Ends the relay's stream and goes on with the server's. */
  | { readonly kind: "move" }
  | { readonly kind: "stop" };

/** The next state and what to do. */
export interface FollowerStep {
  readonly state: FollowerState;
  readonly action: FollowerAction;
}

/** What a step depends on besides state and event. */
export interface FollowerContext {
  readonly nowMs: number;
  /** 0 (included) to 1 (excluded): the jitter of a wait. */
  readonly random: number;
  /** Endpoints that are servers; they have the lowest numbers. 0 and up. */
  readonly serverCount: number;
  /** All endpoints. 1 and up. */
  readonly endpointCount: number;
}
