import assert from "node:assert/strict";
import { type Breaker, breaker } from "./breaker.js";

describe("the breaker", () => {
  let nowMs: number;
  let calls: number;
  let through: Breaker;
  beforeEach(() => {
    nowMs = 0;
    calls = 0;
    through = breaker({ silenceMs: 100, firstPauseMs: 1_000, longestPauseMs: 4_000, now: () => nowMs });
  });

  /** A call that takes some time, then fails or answers. */
  const call = (tookMs: number, fails: boolean) => async (): Promise<string> => {
    calls += 1;
    nowMs += tookMs;
    if (fails) throw new Error("no answer");
    return "answer";
  };
  const silence = (): Promise<string> => through(call(100, true));
  const refused = async (): Promise<void> => {
    const before = calls;
    await assert.rejects(through(call(0, false)), /tried again soon/);
    assert.equal(calls, before, "nobody was asked");
  };

  it("lets calls through as long as they are answered, or fail soon", async () => {
    for (let index = 0; index < 10; index += 1) await assert.rejects(through(call(99, true)), /no answer/);
    assert.equal(await through(call(5_000, false)), "answer");
  });

  it("pauses after a silence, twice as long after each further one, up to the longest", async () => {
    for (const pauseMs of [1_000, 2_000, 4_000, 4_000]) {
      await assert.rejects(silence(), /no answer/);
      nowMs += pauseMs - 1;
      await refused();
      nowMs += 1;
    }
    assert.equal(await through(call(1, false)), "answer");
    await assert.rejects(silence(), /no answer/);
    nowMs += 1_000;
    assert.equal(await through(call(1, false)), "answer", "the pause began anew");
  });

  it("lets one call try, and the others fail meanwhile", async () => {
    await assert.rejects(silence(), /no answer/);
    nowMs += 1_000;
    let answer = (_text: string): void => {};
    const trial = through(() => new Promise<string>((resolve) => (answer = resolve)));
    await refused();
    answer("back");
    assert.equal(await trial, "back");
    assert.equal(await through(call(0, false)), "answer");
  });

  it("counts one silence once, however many calls met it", async () => {
    const fails: ((error: Error) => void)[] = [];
    const waiting = Array.from({ length: 5 }, () =>
      through(() => new Promise((_resolve, reject) => void fails.push(reject))),
    );
    nowMs += 100;
    for (const fail of fails) fail(new Error("no answer"));
    for (const one of waiting) await assert.rejects(one, /no answer/);
    nowMs += 1_000;
    assert.equal(await through(call(0, false)), "answer");
  });
});
