import assert from "node:assert/strict";
import type { Clock } from "../../core/ports.js";

/** What every clock keeps. `pass` lets that much time go by. */
export function clockContract(
  name: string,
  create: () => { clock: Clock; pass: (durationMs: number) => Promise<void> },
): void {
  describe(`clock contract: ${name}`, () => {
    const never = new AbortController().signal;

    it("wakes a sleeper once its moment has come, and not before", async () => {
      const { clock, pass } = create();
      const due = clock.now() + 30;
      const woken = clock.sleepUntil(due, never).then(() => clock.now());
      await pass(40);
      assert.ok((await woken) >= due);
    });

    it("does not sleep for a moment that is past", async () => {
      const { clock } = create();
      await clock.sleepUntil(clock.now() - 1, never);
      await clock.sleepUntil(0, never);
    });

    it("wakes sleepers in the order of their moments", async () => {
      const { clock, pass } = create();
      const order: number[] = [];
      const start = clock.now();
      const all = [30, 10, 20].map((delay) => clock.sleepUntil(start + delay, never).then(() => order.push(delay)));
      await pass(50);
      await Promise.all(all);
      assert.deepEqual(order, [10, 20, 30]);
    });

    it("rejects with the signal's reason, at once and later, also for moments beyond what timers can count", async () => {
      const { clock } = create();
      const reason = new Error("enough");
      await assert.rejects(clock.sleepUntil(clock.now() + 1000, AbortSignal.abort(reason)), reason);
      const controller = new AbortController();
      const far = clock.sleepUntil(clock.now() + 2 ** 40, controller.signal);
      controller.abort(reason);
      await assert.rejects(far, reason);
    });
  });
}
