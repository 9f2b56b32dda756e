import assert from "node:assert/strict";
import {
  FOLLOWER_FAULTS,
  LASTING,
  NETWORK_FAULTS,
  PROCESS_FAULTS,
  REDIS_FAULTS,
  isStruck,
  scheduleOf,
} from "./schedule.js";

const PLAN = { replicas: 3, windowMs: 4_000, stallMs: 5_000, awayMs: 6_000 };
const seeds = Array.from({ length: 50 }, (_, index) => index + 1);

describe("schedules of faults", () => {
  it("are the same for the same seed, and others for others", () => {
    assert.deepEqual(scheduleOf(17, PLAN), scheduleOf(17, PLAN));
    assert.equal(new Set(seeds.map((seed) => JSON.stringify(scheduleOf(seed, PLAN)))).size, seeds.length);
  });

  it("bring every kind of fault at every replica within fifty seeds", () => {
    const faults = seeds.flatMap((seed) => scheduleOf(seed, PLAN));
    for (const kind of [...PROCESS_FAULTS, ...NETWORK_FAULTS]) {
      const replicas = faults.flatMap((fault) => (fault.kind === kind && "replica" in fault ? [fault.replica] : []));
      assert.deepEqual([...new Set(replicas)].toSorted(), [0, 1, 2], kind);
    }
    for (const kind of [...REDIS_FAULTS, ...FOLLOWER_FAULTS]) {
      assert.ok(faults.filter((fault) => fault.kind === kind).length >= 5, kind);
    }
  });

  it("are over before the end of the window, except for those that last", () => {
    for (const fault of seeds.flatMap((seed) => scheduleOf(seed, PLAN))) {
      if (!LASTING.has(fault.kind)) assert.ok(fault.atMs + fault.forMs <= PLAN.windowMs - 500, JSON.stringify(fault));
    }
  });

  it("strike about as many as they say, the same ones every time", () => {
    const struck = (salt: number): number[] =>
      Array.from({ length: 200 }, (_, index) => index).filter((index) => isStruck({ percent: 30, salt }, index));
    assert.ok(struck(1).length > 30 && struck(1).length < 90, `${struck(1).length}`);
    assert.deepEqual(struck(1), struck(1));
    assert.notDeepEqual(struck(1), struck(2));
  });
});
