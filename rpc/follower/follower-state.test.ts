import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { FIRST_BACKOFF_MS, MAX_BACKOFF_MS } from "./backoff.js";
import type {
  Failure,
  FollowerAction,
  FollowerContext,
  FollowerEvent,
  FollowerState,
  Phase,
} from "./follower-model.js";
import { INITIAL_STATE, MAX_FUTURE_FAILURES, nextStep } from "./follower-state.js";

// Two servers (0 and 1) and two relays (2 and 3).
const at: FollowerContext = { nowMs: 10_000, random: 0.5, serverCount: 2, endpointCount: 4 };
const following: FollowerState = { ...INITIAL_STATE, phase: "following", endpoint: 1, failures: 2, serverFailures: 3 };
const standingIn: FollowerState = { ...following, phase: "standing_in", endpoint: 2 };
const failed = (failure: Failure): FollowerEvent => ({ kind: "failed", failure });

const FAILURES: readonly Failure[] = [
  "unreachable",
  "silent",
  "bad_record",
  "not_handled",
  "token_from_future",
  "token_refused",
];
const PHASES: readonly Phase[] = ["idle", "connecting", "following", "standing_in", "waiting", "stopped"];
const EVENTS: { readonly [K in FollowerEvent["kind"]]: Extract<FollowerEvent, { kind: K }> } = {
  start: { kind: "start" },
  opened: { kind: "opened" },
  progressed: { kind: "progressed" },
  failed: { kind: "failed", failure: "unreachable" },
  drained: { kind: "drained", delayMs: 700 },
  waited: { kind: "waited" },
  server_opened: { kind: "server_opened", endpoint: 0 },
  server_failed: { kind: "server_failed", failure: "unreachable" },
  stop: { kind: "stop" },
};

/** The cells of the table in the source's comment: event to phase to what it says. */
function writtenTable(): Map<string, Map<string, string>> {
  const source = readFileSync(new URL("follower-state.ts", import.meta.url), "utf8");
  const [head = [], , ...rows] = source
    .split("\n")
    .filter((line) => line.startsWith(" * |"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return new Map(
    rows.map(([event = "", ...cells]) => [event, new Map(cells.map((cell, i) => [head[i + 1] ?? "", cell]))]),
  );
}

describe("the follower's state machine", () => {
  it("does in every phase with every event what the written table says", () => {
    const table = writtenTable();
    assert.deepEqual([...table.keys()], Object.keys(EVENTS));
    for (const [kind, row] of table) {
      assert.deepEqual([...row.keys()], PHASES);
      for (const phase of PHASES) {
        const state: FollowerState = { ...following, phase };
        const act = () => nextStep(state, EVENTS[kind as FollowerEvent["kind"]], at);
        const cell = row.get(phase) ?? "";
        const leadsTo = /^> (\w+)/.exec(cell)?.[1];
        if (cell === "-") assert.throws(act, /^TypeError: the follower is \w+, where "\w+" cannot happen$/, kind);
        else if (cell === ".") assert.deepEqual(act(), { state, action: { kind: "stop" } }, kind);
        else assert.equal(act().state.phase, leadsTo ?? phase, `${kind} in ${phase}`);
      }
    }
  });

  // The third failure in a row waits half of the limit, which has doubled twice.
  const untilMs = 10_000 + (FIRST_BACKOFF_MS * 4) / 2;
  const failures: [Failure, FollowerState, number, boolean][] = [
    ["unreachable", following, 2, false],
    ["silent", following, 2, false],
    ["bad_record", following, 2, false],
    ["token_from_future", following, 2, false],
    ["not_handled", following, 1, false],
    ["token_refused", following, 1, true],
    ["unreachable", standingIn, 3, false],
    ["not_handled", standingIn, 3, false],
    ["token_refused", standingIn, 2, true],
    // After the last comes the first.
    ["unreachable", { ...standingIn, endpoint: 3 }, 0, false],
  ];
  for (const [failure, state, endpoint, refused] of failures) {
    it(`${state.phase} ${state.endpoint}: after ${failure} it waits, then goes to ${endpoint}`, () => {
      const step = nextStep(state, failed(failure), at);
      assert.deepEqual(step.action, { kind: "wait", untilMs, refused });
      assert.deepEqual(step.state, { ...state, phase: "waiting", endpoint, failures: 3, untilMs });
      const then = nextStep(step.state, { kind: "waited" }, { ...at, nowMs: untilMs });
      assert.deepEqual(then.action, { kind: "connect", endpoint });
    });
  }

  it("tries the servers in turn while a relay stands in, and moves over to the one that answered", () => {
    const opened = nextStep({ ...standingIn, phase: "connecting", serverFailures: 0 }, { kind: "opened" }, at);
    assert.deepEqual(opened.action, { kind: "try_server", endpoint: 0, atMs: 10_500, refused: false });
    const again = nextStep(opened.state, { kind: "server_failed", failure: "token_refused" }, at);
    assert.deepEqual(again.action, { kind: "try_server", endpoint: 1, atMs: 11_000, refused: true });
    const third = nextStep(again.state, { kind: "server_failed", failure: "unreachable" }, at);
    assert.deepEqual(third.action, { kind: "try_server", endpoint: 0, atMs: 12_000, refused: false });
    const moved = nextStep(third.state, { kind: "server_opened", endpoint: 0 }, at);
    assert.deepEqual(moved.action, { kind: "move" });
    assert.equal(moved.state.phase, "following");
    assert.equal(moved.state.endpoint, 0);
    // Only a server that was of use is back; one that answers and fails is tried later and later.
    assert.equal(moved.state.serverFailures, 2);
    assert.equal(nextStep(moved.state, { kind: "progressed" }, at).state.serverFailures, 0);
  });

  it("does not try servers where there are none", () => {
    const { action } = nextStep({ ...standingIn, phase: "connecting" }, { kind: "opened" }, { ...at, serverCount: 0 });
    assert.deepEqual(action, { kind: "continue" });
  });

  it("goes to the next server after a drain, and comes back to the only one", () => {
    const drained: FollowerEvent = { kind: "drained", delayMs: 700 };
    assert.equal(nextStep(following, drained, at).state.endpoint, 0);
    assert.equal(nextStep({ ...following, endpoint: 0 }, drained, { ...at, serverCount: 1 }).state.endpoint, 0);
    assert.equal(nextStep(standingIn, drained, at).state.endpoint, 3);
  });

  it("gives up a token that stays in the future", () => {
    for (const [before, refused] of [
      [MAX_FUTURE_FAILURES - 1, false],
      [MAX_FUTURE_FAILURES, true],
    ] as const) {
      const { action } = nextStep({ ...following, failures: before }, failed("token_from_future"), at);
      assert.equal(action.kind === "wait" && action.refused, refused);
    }
  });

  it("connects to an endpoint that is there when relays have gone", () => {
    const waiting: FollowerState = { ...standingIn, phase: "waiting", endpoint: 3 };
    const { action } = nextStep(waiting, { kind: "waited" }, { ...at, endpointCount: 2 });
    assert.deepEqual(action, { kind: "connect", endpoint: 1 });
  });
});

describe("the follower's state machine, whatever happens", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const failure = fc.constantFrom(...FAILURES);
  const possible: Readonly<Record<Phase, fc.Arbitrary<FollowerEvent>>> = {
    idle: fc.constant(EVENTS.start),
    connecting: fc.oneof(fc.constant(EVENTS.opened), failure.map(failed)),
    following: fc.oneof(fc.constant(EVENTS.progressed), failure.map(failed), drain()),
    standing_in: fc.oneof(
      fc.constant(EVENTS.progressed),
      failure.map(failed),
      drain(),
      fc.nat(1).map((endpoint): FollowerEvent => ({ kind: "server_opened", endpoint })),
      failure.map((which): FollowerEvent => ({ kind: "server_failed", failure: which })),
    ),
    waiting: fc.constant(EVENTS.waited),
    stopped: fc.constantFrom(...Object.values(EVENTS)),
  };

  function drain(): fc.Arbitrary<FollowerEvent> {
    return fc.nat(600_000).map((delayMs): FollowerEvent => ({ kind: "drained", delayMs }));
  }

  /** A walk of the machine: at each step one of the events that can happen there, after some time, among some endpoints. */
  const moves = fc.array(
    fc.record({
      event: fc.record(possible),
      stops: fc.integer({ min: 0, max: 40 }).map((roll) => roll === 0),
      passedMs: fc.nat(100_000),
      random,
      serverCount: fc.integer({ min: 1, max: 3 }),
      relayCount: fc.nat(3),
    }),
    { maxLength: 60 },
  );
  interface Seen {
    readonly before: FollowerState;
    readonly event: FollowerEvent;
    readonly at: FollowerContext;
    readonly after: FollowerState;
    readonly action: FollowerAction;
  }

  function everyStep(check: (seen: Seen) => void): void {
    fc.assert(
      fc.property(moves, (walk) => {
        let before = INITIAL_STATE;
        let nowMs = 0;
        for (const { event: choice, stops, passedMs, random: jitter, serverCount, relayCount } of walk) {
          nowMs += passedMs;
          const event: FollowerEvent = stops ? EVENTS.stop : choice[before.phase];
          const context = { nowMs, random: jitter, serverCount, endpointCount: serverCount + relayCount };
          const { state: after, action } = nextStep(before, event, context);
          check({ before, event, at: context, after, action });
          before = after;
        }
      }),
      { numRuns: 500 },
    );
  }

  it("is in a phase that fits what it does", () => {
    const doing: Readonly<Record<FollowerAction["kind"], readonly Phase[]>> = {
      connect: ["connecting"],
      wait: ["waiting"],
      continue: ["following", "standing_in"],
      try_server: ["standing_in"],
      move: ["following"],
      stop: ["stopped"],
    };
    everyStep(({ after, action }) =>
      assert.ok(doing[action.kind].includes(after.phase), `${action.kind}: ${after.phase}`),
    );
  });

  it("never connects before a wait is over", () => {
    everyStep(({ before, at: { nowMs }, action }) => {
      if (action.kind === "connect" && before.phase === "waiting") assert.ok(nowMs >= before.untilMs);
    });
  });

  it("connects only to endpoints that are there, and tries only servers", () => {
    everyStep(({ action, at: { serverCount, endpointCount } }) => {
      if (action.kind === "connect") assert.ok(action.endpoint < endpointCount);
      if (action.kind === "try_server") assert.ok(action.endpoint < serverCount);
    });
  });

  it("waits at most the doubling limit after a failure, with full jitter", () => {
    const limitMs = (count: number) => Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** count);
    everyStep(({ before, event, at: { nowMs, random: jitter }, action }) => {
      if (event.kind === "failed" && action.kind === "wait") {
        assert.equal(action.untilMs - nowMs, Math.floor(jitter * limitMs(before.failures)));
      }
      if (event.kind === "server_failed" && action.kind === "try_server") {
        assert.equal(action.atMs - nowMs, Math.floor(jitter * limitMs(before.serverFailures + 1)));
      }
    });
  });

  it("comes back after a drain exactly when it was told", () => {
    everyStep(({ event, at: { nowMs }, after }) => {
      if (event.kind === "drained" && after.phase === "waiting") assert.equal(after.untilMs, nowMs + event.delayMs);
    });
  });

  it("forgets its failures when it makes progress, and only then", () => {
    everyStep(({ before, event, after }) => {
      if (event.kind === "progressed" && after.phase !== "stopped") assert.equal(after.failures, 0);
      else assert.ok(after.failures >= before.failures, event.kind);
    });
  });

  it("stays stopped", () => {
    everyStep(({ before, after }) => {
      if (before.phase === "stopped") assert.deepEqual(after, before);
    });
  });
});
