/**
 * What a follower of epochs does next: a pure function of what it is doing and what happened. The shell in follower.ts
 * does the connecting and waiting.
 */

/** Why a stream ended without being asked to. */
export type Failure =
  /** No connection, the connection broke, or the server refused for now. */
  | "unreachable"
  /** Nothing came for longer than the server promised. */
  | "silent"
  /** A record that the server did not sign, or that is not of this deployment. */
  | "bad_record"
  /** Our own handling of an event failed; it will be delivered again. */
  | "not_handled"
  /** The server is behind our token. */
  | "token_from_future"
  /** The token is malformed, foreign or too old. */
  | "token_refused";

/** What happened. */
export type FollowerInput =
  | { readonly kind: "start" }
  /** A message came that shows the server to be of use: anything but the first of a stream. */
  | { readonly kind: "progressed" }
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "drained"; readonly delayMs: number }
  | { readonly kind: "waited" }
  | { readonly kind: "stop" };

/** What the follower is doing. */
export interface FollowerState {
  readonly phase: "idle" | "streaming" | "waiting" | "stopped";
  /** Index of the endpoint in use, or to be used after the wait. */
  readonly endpoint: number;
  /** Failures since something useful came. */
  readonly failures: number;
}

/** What the shell does next. */
type FollowerAction =
  | { readonly kind: "connect"; readonly endpoint: number }
  | { readonly kind: "wait"; readonly untilMs: number; readonly dropToken: boolean }
  /** Go on with what is being done. */
  | { readonly kind: "continue" }
  | { readonly kind: "stop" };

/** The next state and what to do. */
export interface FollowerStep {
  readonly state: FollowerState;
  readonly action: FollowerAction;
}

/** Before anything happened. */
export const INITIAL_STATE: FollowerState = { phase: "idle", endpoint: 0, failures: 0 };

/** Longest wait after the first failure; doubles with each further one. */
export const FIRST_BACKOFF_MS = 1_000;
/** Longest wait at all. */
export const MAX_BACKOFF_MS = 60_000;
/** Failures in a row after which a token from the future is given up; some ten minutes. */
export const MAX_FUTURE_FAILURES = 25;

/**
 * The next state.
 *
 * @param random 0 (included) to 1 (excluded): the jitter of a wait.
 * @param endpointCount 1 and up.
 */
export function nextStep(
  state: FollowerState,
  input: FollowerInput,
  { nowMs, random, endpointCount }: { readonly nowMs: number; readonly random: number; readonly endpointCount: number },
): FollowerStep {
  if (state.phase === "stopped") return { state, action: { kind: "stop" } };
  switch (input.kind) {
    case "start":
    case "waited":
      return {
        state: { ...state, phase: "streaming" },
        action: { kind: "connect", endpoint: state.endpoint },
      };
    case "progressed":
      return { state: { ...state, failures: 0 }, action: { kind: "continue" } };
    case "drained":
      return {
        state: { ...state, phase: "waiting" },
        action: { kind: "wait", untilMs: nowMs + input.delayMs, dropToken: false },
      };
    case "failed":
      return {
        state: {
          phase: "waiting",
          endpoint: leavesEndpoint(input.failure) ? (state.endpoint + 1) % endpointCount : state.endpoint,
          failures: state.failures + 1,
        },
        action: {
          kind: "wait",
          untilMs: nowMs + backoffMs(state.failures, random),
          dropToken: dropsToken(input.failure, state.failures),
        },
      };
    case "stop":
      return { state: { ...state, phase: "stopped" }, action: { kind: "stop" } };
  }
}

/** Whether another endpoint may do better. */
function leavesEndpoint(failure: Failure): boolean {
  switch (failure) {
    case "unreachable":
    case "silent":
    case "bad_record":
    case "token_from_future":
      return true;
    case "not_handled":
    case "token_refused":
      return false;
  }
}

/**
 * Whether to start afresh without a token. A replica that is behind catches up within minutes; a token that stays in the
 * future for longer was made up by a relay, and no server will ever take it.
 */
function dropsToken(failure: Failure, failuresBefore: number): boolean {
  return failure === "token_refused" || (failure === "token_from_future" && failuresBefore >= MAX_FUTURE_FAILURES);
}

/** Full jitter: anything up to a limit that doubles, so that many followers do not come back together. */
function backoffMs(failuresBefore: number, random: number): number {
  return Math.floor(random * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failuresBefore, 16)));
}
