/**
 * What a follower of epochs does next: a pure machine of (state, event, now). follower.ts is the shell that connects,
 * waits and delivers.
 *
 * Endpoints are numbered, the servers first and the relays after them. A follower that is at a relay tries the servers
 * again beside it, later and later, and moves over once a server has answered with a stream.
 *
 * | event         | idle         | connecting      | following    | standing_in           | waiting             | stopped |
 * | ------------- | ------------ | --------------- | ------------ | --------------------- | ------------------- | ------- |
 * | start         | > connecting | -               | -            | -                     | -                   | .       |
 * | opened        | -            | > following (1) | -            | -                     | -                   | .       |
 * | progressed    | -            | -               | forgives (2) | forgives (2)          | -                   | .       |
 * | failed        | -            | > waiting (3)   | > waiting (3)| > waiting (3)         | -                   | .       |
 * | drained       | -            | -               | > waiting (4)| > waiting (4)         | -                   | .       |
 * | waited        | -            | -               | -            | -                     | > connecting (5)    | .       |
 * | server_opened | -            | -               | -            | > following           | -                   | .       |
 * | server_failed | -            | -               | -            | tries again later     | -                   | .       |
 * | stop          | > stopped    | > stopped       | > stopped    | > stopped             | > stopped           | .       |
 *
 * "-" cannot happen and throws, "." changes nothing.
 * (1) At a relay: > standing_in, and a server is tried after a wait.
 * (2) Failures count from zero again; at a server, failed attempts to come back do so too.
 * (3) For a random time up to a limit that doubles; then here or at the next endpoint, see `leavesEndpoint`.
 * (4) For the time that was told; then at the next server, from a relay at the next endpoint.
 * (5) When the wait is not over yet, it goes on.
 */

import { backoffMs } from "./backoff.js";
import type {
  Failure,
  FollowerAction,
  FollowerContext,
  FollowerEvent,
  FollowerState,
  FollowerStep,
  Phase,
} from "./follower-model.js";

/** Before anything happened. */
export const INITIAL_STATE: FollowerState = {
  phase: "idle",
  endpoint: 0,
  failures: 0,
  serverFailures: 0,
  untilMs: 0,
};

type EventKind = FollowerEvent["kind"];
type EventOf<E extends EventKind> = Extract<FollowerEvent, { readonly kind: E }>;
type Transition<E extends EventKind> = (state: FollowerState, event: EventOf<E>, at: FollowerContext) => FollowerStep;

/** The next state and what to do. Throws a TypeError for an event that cannot happen in the state. */
export function nextStep(state: FollowerState, event: FollowerEvent, at: FollowerContext): FollowerStep {
  // The cell belongs to the event's kind, which the compiler cannot follow through the look-up.
  const transition = TABLE[state.phase][event.kind] as Transition<EventKind>;
  return transition(state, event, at);
}

function impossible({ phase }: FollowerState, { kind }: FollowerEvent): never {
  throw new TypeError(`the follower is ${phase}, where "${kind}" cannot happen`);
}

function ignored(state: FollowerState): FollowerStep {
  return { state, action: { kind: "stop" } };
}

const stop: Transition<"stop"> = (state) => ({
  state: { ...state, phase: "stopped", untilMs: 0 },
  action: { kind: "stop" },
});

function connect(state: FollowerState, _event: FollowerEvent, { nowMs, endpointCount }: FollowerContext): FollowerStep {
  if (nowMs < state.untilMs) return { state, action: { kind: "wait", untilMs: state.untilMs, refused: false } };
  // Relays come and go; the number may be that of one that is gone.
  const endpoint = state.endpoint % endpointCount;
  return {
    state: { ...state, phase: "connecting", endpoint, untilMs: 0 },
    action: { kind: "connect", endpoint },
  };
}

const opened: Transition<"opened"> = (state, _event, at) => {
  if (state.endpoint < at.serverCount) {
    return { state: { ...state, phase: "following" }, action: { kind: "continue" } };
  }
  return { state: { ...state, phase: "standing_in" }, action: tryServer(state, false, at) };
};

const progressed: Transition<"progressed"> = (state) => ({
  state: { ...state, failures: 0, serverFailures: state.phase === "following" ? 0 : state.serverFailures },
  action: { kind: "continue" },
});

const failed: Transition<"failed"> = (state, { failure }, at) => {
  const untilMs = at.nowMs + backoffMs(state.failures, at.random);
  const leaves = leavesEndpoint(failure, state.endpoint >= at.serverCount);
  return {
    state: {
      ...state,
      phase: "waiting",
      endpoint: leaves ? (state.endpoint + 1) % at.endpointCount : state.endpoint,
      failures: state.failures + 1,
      untilMs,
    },
    action: { kind: "wait", untilMs, refused: refusesToken(failure, state.failures) },
  };
};

const drained: Transition<"drained"> = (state, { delayMs }, at) => {
  const untilMs = at.nowMs + delayMs;
  const choice = state.endpoint < at.serverCount ? at.serverCount : at.endpointCount;
  return {
    state: { ...state, phase: "waiting", endpoint: (state.endpoint + 1) % choice, untilMs },
    action: { kind: "wait", untilMs, refused: false },
  };
};

const move: Transition<"server_opened"> = (state, { endpoint }) => ({
  state: { ...state, phase: "following", endpoint },
  action: { kind: "move" },
});

const serverFailed: Transition<"server_failed"> = (state, { failure }, at) => {
  const next = { ...state, serverFailures: state.serverFailures + 1 };
  return { state: next, action: tryServer(next, refusesToken(failure, state.serverFailures), at) };
};

/** Every event in every phase, so that one left out does not compile. */
const TABLE: { readonly [S in Phase]: { readonly [E in EventKind]: Transition<E> } } = {
  idle: {
    start: connect,
    opened: impossible,
    progressed: impossible,
    failed: impossible,
    drained: impossible,
    waited: impossible,
    server_opened: impossible,
    server_failed: impossible,
    stop,
  },
  connecting: {
    start: impossible,
    opened,
    progressed: impossible,
    failed,
    drained: impossible,
    waited: impossible,
    server_opened: impossible,
    server_failed: impossible,
    stop,
  },
  following: {
    start: impossible,
    opened: impossible,
    progressed,
    failed,
    drained,
    waited: impossible,
    server_opened: impossible,
    server_failed: impossible,
    stop,
  },
  standing_in: {
    start: impossible,
    opened: impossible,
    progressed,
    failed,
    drained,
    waited: impossible,
    server_opened: move,
    server_failed: serverFailed,
    stop,
  },
  waiting: {
    start: impossible,
    opened: impossible,
    progressed: impossible,
    failed: impossible,
    drained: impossible,
    waited: connect,
    server_opened: impossible,
    server_failed: impossible,
    stop,
  },
  stopped: {
    start: ignored,
    opened: ignored,
    progressed: ignored,
    failed: ignored,
    drained: ignored,
    waited: ignored,
    server_opened: ignored,
    server_failed: ignored,
    stop: ignored,
  },
};

/** The servers are tried in turn. */
function tryServer(state: FollowerState, refused: boolean, at: FollowerContext): FollowerAction {
  const { serverFailures } = state;
  if (at.serverCount === 0) return { kind: "continue" };
  const atMs = at.nowMs + backoffMs(serverFailures, at.random);
  return { kind: "try_server", endpoint: serverFailures % at.serverCount, atMs, refused };
}

/** Whether another endpoint may do better. */
function leavesEndpoint(failure: Failure, isRelay: boolean): boolean {
  switch (failure) {
    case "unreachable":
    case "silent":
    case "bad_record":
    case "token_from_future":
      return true;
    case "not_handled":
      // A relay may have made up a close, which cannot be dealt with; at a server the trouble is ours.
      return isRelay;
    case "token_refused":
      return false;
  }
}

/** Failures in a row after which a token from the future is given up; some ten minutes. */
export const MAX_FUTURE_FAILURES = 25;

/** Whether to make do with an older token. A replica that is behind catches up within minutes; one that does not never had it. */
function refusesToken(failure: Failure, failuresBefore: number): boolean {
  return failure === "token_refused" || (failure === "token_from_future" && failuresBefore >= MAX_FUTURE_FAILURES);
}
