import assert from "node:assert/strict";
import fc from "fast-check";
import {
  FIRST_BACKOFF_MS,
  type Failure,
  type FollowerInput,
  type FollowerState,
  INITIAL_STATE,
  MAX_BACKOFF_MS,
  MAX_FUTURE_FAILURES,
  nextStep,
} from "./follower-state.js";

const at = { nowMs: 10_000, random: 0.5, endpointCount: 3 };
const streaming: FollowerState = { phase: "streaming", endpoint: 1, failures: 2 };

describe("the follower's state machine", () => {
  const failed = (failure: Failure): FollowerInput => ({ kind: "failed", failure });
  // The third failure in a row waits half of the limit, which has doubled twice.
  const wait = { kind: "wait", untilMs: 10_000 + (FIRST_BACKOFF_MS * 4) / 2, dropToken: false } as const;
  const elsewhere: FollowerState = { phase: "waiting", endpoint: 2, failures: 3 };
  const here: FollowerState = { phase: "waiting", endpoint: 1, failures: 3 };

  const table: [FollowerState, FollowerInput, FollowerState, object][] = [
    [INITIAL_STATE, { kind: "start" }, { ...INITIAL_STATE, phase: "streaming" }, { kind: "connect", endpoint: 0 }],
    [here, { kind: "waited" }, { ...here, phase: "streaming" }, { kind: "connect", endpoint: 1 }],
    [streaming, { kind: "progressed" }, { ...streaming, failures: 0 }, { kind: "continue" }],
    [
      streaming,
      { kind: "drained", delayMs: 700 },
      { ...streaming, phase: "waiting" },
      { kind: "wait", untilMs: 10_700, dropToken: false },
    ],
    [streaming, failed("unreachable"), elsewhere, wait],
    [streaming, failed("silent"), elsewhere, wait],
    [streaming, failed("bad_record"), elsewhere, wait],
    [streaming, failed("token_from_future"), elsewhere, wait],
    [streaming, failed("not_handled"), here, wait],
    [streaming, failed("token_refused"), here, { ...wait, dropToken: true }],
    [streaming, { kind: "stop" }, { ...streaming, phase: "stopped" }, { kind: "stop" }],
    [{ ...streaming, phase: "stopped" }, { kind: "waited" }, { ...streaming, phase: "stopped" }, { kind: "stop" }],
  ];
  for (const [state, input, nextState, action] of table) {
    const what = input.kind === "failed" ? input.failure : input.kind;
    it(`${state.phase}: ${what} leads to ${nextState.phase}`, () => {
      assert.deepEqual(nextStep(state, input, at), { state: nextState, action });
    });
  }

  it("comes back to the first endpoint after the last", () => {
    assert.equal(nextStep({ ...streaming, endpoint: 2 }, failed("unreachable"), at).state.endpoint, 0);
  });

  it("gives up a token that stays in the future", () => {
    for (const [failures, dropToken] of [
      [MAX_FUTURE_FAILURES - 1, false],
      [MAX_FUTURE_FAILURES, true],
    ] as const) {
      const { action } = nextStep({ ...streaming, failures }, failed("token_from_future"), at);
      assert.equal(action.kind === "wait" && action.dropToken, dropToken);
    }
  });

  it("waits at most the doubling limit, with full jitter", () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(5_000), random, (failures, jitter) => {
        const { action } = nextStep({ ...streaming, failures }, failed("unreachable"), { ...at, random: jitter });
        assert.ok(action.kind === "wait");
        const waitMs = action.untilMs - at.nowMs;
        const limitMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures);
        assert.equal(waitMs, Math.floor(jitter * limitMs));
      }),
    );
  });
});
