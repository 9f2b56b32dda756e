import assert from "node:assert/strict";
import type { Checker } from "./checkers.js";
import { caughtUp, honest, reliable, violationsIn } from "./checkers-of-lives.js";
import { type Life, TOO_OLD } from "./logs.js";
import { WORLD, follower, goodLog, life, stream } from "./logs.test-support.js";

function broken(check: Checker, ...lives: Life[]): string[] {
  return check(follower(...lives), WORLD).map(({ what }) => what);
}

describe("the checkers of lives", () => {
  const first = (): Life => life([stream(undefined, 100_000, [["started", 199], 200, 201, 202])]);

  it("reliable: an event that was never dealt with, within a life and from one to the next", () => {
    const skipping = life([
      stream(undefined, 0, [["started", 199], 200, 201]),
      stream(201, 100, [["started", 201], 203]),
    ]);
    assert.deepEqual(broken(reliable, skipping), [
      "event 203 (epoch 100 closed) is dealt with, but 202 (epoch 101 opened) before it never was",
    ]);
    const leaping = life([stream(203, 200_000, [["started", 203], 204])]);
    assert.deepEqual(broken(reliable, first(), leaping), [
      "the kept token 203 passes event 203 (epoch 100 closed), which was never dealt with",
    ]);
    const dropping = life([stream(202, 200_000, [["started", 202], 203, 204])], [204]);
    assert.equal(broken(reliable, first(), dropping).length, 1);
  });

  it("reliable: an event that is dealt with twice in a life, but not one that comes again after a crash", () => {
    const twice = life([stream(undefined, 0, [["started", 199], 200, 201]), stream(200, 100, [["started", 200], 201])]);
    assert.deepEqual(broken(reliable, twice), [
      "event 201 (epoch 99 closed) is dealt with after 201 (epoch 99 closed)",
    ]);
    const crashed = life([stream(201, 200_000, [["started", 201], 202, 203])]);
    assert.deepEqual(broken(reliable, first(), crashed), []);
  });

  it("reliable: a gap is excused by a token that was refused as too old, and by nothing else", () => {
    const fresh = stream(undefined, 106_000, [["started", 205], 206]);
    const refused = stream(202, 105_990, [], { reason: TOO_OLD, oldest: 203 });
    assert.deepEqual(broken(reliable, first(), life([refused, fresh])), []);
    const cut = stream(202, 105_990, [], { reason: "UNAVAILABLE" });
    assert.equal(broken(reliable, first(), life([cut, fresh])).length, 1);
  });

  it("reliable: a record that the follower does not believe", () => {
    const refused = stream(undefined, 0, [["started", 199], 200], { how: "bad_record", text: "no" });
    assert.deepEqual(broken(reliable, life([refused])), ["what came is not believed: no"]);
  });

  it("honest: a good token that is refused, or a refusal that names no way on", () => {
    const refusedWith = (reason: string, presented: number, oldest?: number): string[] =>
      broken(honest, first(), life([stream(presented, 105_000, [], { reason, text: "no", oldest })]));
    assert.deepEqual(refusedWith("RESUME_TOKEN_MALFORMED", 202), ["token 202 is refused: no"]);
    assert.deepEqual(refusedWith(TOO_OLD, 203, 203), [
      "token 203 is refused as too old, but everything after 203 is kept",
    ]);
    assert.deepEqual(refusedWith(TOO_OLD, 202, 203), []);
    for (const wrong of [undefined, 202, 204]) {
      assert.deepEqual(refusedWith(TOO_OLD, 202, wrong), [
        `token 202 is refused as too old; the oldest that works is said to be ${wrong}`,
      ]);
    }
    assert.deepEqual(refusedWith("RESUME_TOKEN_FROM_FUTURE", 202), []);
    assert.deepEqual(refusedWith("UNAVAILABLE", 202), []);
  });

  it("honest: a follower that drops a good token", () => {
    const afresh = (...before: Life["streams"]): Life =>
      life([...before, stream(undefined, 106_000, [["started", 205], 206])]);
    assert.equal(broken(honest, first(), afresh()).length, 1);
    const refused = stream(202, 105_000, [], { reason: TOO_OLD, oldest: 203 });
    assert.deepEqual(broken(honest, first(), afresh(refused)), []);
    assert.deepEqual(broken(honest, { ...first(), keptMs: [] }, afresh()), []);
  });

  it("caught up: a follower that is behind in the end", () => {
    assert.deepEqual(broken(caughtUp, first()), [
      "the newest event is 209 (epoch 103 closed), but the follower stands at 202 (epoch 101 opened)",
    ]);
    assert.deepEqual(broken(caughtUp, life([])), [
      "the newest event is 209 (epoch 103 closed), but the follower has dealt with nothing",
    ]);
    // Epoch 104 has closed as well, but nobody can know before epoch 105 or a later one opens.
    const closed = { ...WORLD, history: [...WORLD.history, { revision: 211, digest: "#211" }] };
    assert.deepEqual(violationsIn([goodLog()], closed, true), []);
    assert.deepEqual(violationsIn([goodLog(), follower(first())], WORLD, false), []);
    assert.deepEqual(
      violationsIn([goodLog(), follower(first())], WORLD, true).map(({ promise }) => promise),
      ["caught up"],
    );
  });
});
