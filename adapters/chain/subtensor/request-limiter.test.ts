import assert from "node:assert/strict";
import { manualClock } from "../../clock/manual-clock.js";
import { RequestLimiter } from "./request-limiter.js";

const never = new AbortController().signal;

describe("RequestLimiter", () => {
  it("lets a burst through at once, and then so many a second", async () => {
    const clock = manualClock(1_000_000);
    const limiter = new RequestLimiter(clock, 2, 3);
    const wentMs: number[] = [];
    const all = Promise.all(
      Array.from({ length: 6 }, () => limiter.take(never).then(() => wentMs.push(clock.now() - 1_000_000))),
    );
    await clock.advanceTo(1_010_000);
    await all;
    assert.deepEqual(wentMs, [0, 0, 0, 500, 1_000, 1_500]);
  });

  it("saves up no more than a burst", async () => {
    const clock = manualClock(0);
    const limiter = new RequestLimiter(clock, 1, 2);
    await clock.advanceTo(3_600_000);
    await limiter.take(never);
    await limiter.take(never);
    const third = limiter.take(never).then(() => clock.now());
    await clock.advanceTo(3_610_000);
    assert.equal(await third, 3_601_000);
  });

  it("waits no longer than the signal", async () => {
    const limiter = new RequestLimiter(manualClock(0), 1, 1);
    await limiter.take(never);
    const reason = new Error("enough");
    const controller = new AbortController();
    const waiting = limiter.take(controller.signal);
    controller.abort(reason);
    await assert.rejects(waiting, reason);
  });
});
