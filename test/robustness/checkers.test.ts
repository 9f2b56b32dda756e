import assert from "node:assert/strict";
import { atomic, bookmarkable, eventsBetween, ordered, resumable, unique } from "./checkers.js";
import { violationsIn } from "./checkers-of-lives.js";
import { WORLD, follower, goodLog, life, stream } from "./logs.test-support.js";
import type { LoggedStream } from "./logs.js";
import type { Checker } from "./checkers.js";

function broken(check: Checker, ...streams: LoggedStream[]): string[] {
  return check(follower(life(streams)), WORLD).map(({ what }) => what);
}

describe("the checkers of one stream", () => {
  it("find nothing in a good log", () => {
    assert.deepEqual(violationsIn([goodLog()], WORLD, true), []);
  });

  it("ordered: an older event, or an older token, after a newer one", () => {
    assert.deepEqual(broken(ordered, stream(199, 0, [["started", 199], 202, 201])), [
      "event 201 (epoch 99 closed) comes after 202 (epoch 101 opened)",
      "the token goes back from 202 to 201",
    ]);
    assert.deepEqual(broken(ordered, stream(199, 0, [["started", 199], 200, ["bookmark", 199]])), [
      "the token goes back from 200 to 199",
    ]);
  });

  it("unique: an event twice, or one that the token had passed", () => {
    assert.deepEqual(broken(unique, stream(199, 0, [["started", 199], 200, 200])), [
      "event 200 (epoch 100 opened) comes a second time",
    ]);
    assert.deepEqual(broken(unique, stream(201, 0, [["started", 201], 201, 202])), [
      "event 201 (epoch 99 closed) comes again, though the stream was opened after 201",
    ]);
  });

  it("atomic: an event that is not as it is on record, or not there", () => {
    const half = stream(199, 0, [
      ["started", 199],
      [{ revision: 200, digest: "half of it" }, 200],
    ]);
    assert.deepEqual(broken(atomic, half), ["event 200 (epoch 100 opened) is not as it is on record"]);
    const made = stream(209, 0, [["started", 209], 210]);
    assert.deepEqual(broken(atomic, made), ["event 210 (epoch 105 opened) is not on record"]);
  });

  it("bookmarkable: a bookmark that was sent early, an event after its bookmark, a token below its event", () => {
    assert.deepEqual(broken(bookmarkable, stream(199, 0, [["started", 199], 200, ["bookmark", 201]])), [
      "the bookmark message's token 201 passes event 201 (epoch 99 closed), which has not come",
    ]);
    assert.deepEqual(broken(bookmarkable, stream(209, 0, [["started", 209], ["bookmark", 212], 212])), [
      "event 212 (epoch 106 opened) comes after token 212",
    ]);
    const below = stream(199, 0, [
      ["started", 199],
      [{ revision: 200, digest: "#200" }, 199],
    ]);
    assert.deepEqual(broken(bookmarkable, below), ["token 199 is below its event 200 (epoch 100 opened)"]);
    const [bare] = goodLog().lives[0]?.streams ?? [];
    assert.ok(bare !== undefined);
    const foreign = { ...bare, messages: bare.messages.map((message) => ({ ...message, position: undefined })) };
    assert.equal(broken(bookmarkable, foreign).length, bare.messages.length);
  });

  it("resumable: another start than the one that was asked for, or another first event", () => {
    assert.deepEqual(broken(resumable, stream(201, 0, [["started", 201], 203])), [
      "the first event after 201 is 202 (epoch 101 opened), but 203 (epoch 100 closed) came",
    ]);
    assert.deepEqual(
      broken(resumable, stream(201, 0, [["started", 205], 206]))[0],
      "the stream was opened with token 201, but begins at 205",
    );
    assert.deepEqual(broken(resumable, stream(201, 0, [202])), ["the stream begins with a epoch message"]);
    const afresh = stream(201, 0, [["started", 201]]);
    const said = afresh.messages.map((message) => ({ ...message, isResumed: false }));
    assert.deepEqual(broken(resumable, { ...afresh, messages: said }), [
      "the stream was opened with token 201, but says that it begins afresh",
    ]);
  });

  it("look up events by position", () => {
    const between = (after: number, upTo: number): number[] =>
      eventsBetween(WORLD.history, after, upTo).map(({ revision }) => revision);
    assert.deepEqual(between(0, 201), [200, 201]);
    assert.deepEqual(between(203, 205), [204, 205]);
    assert.deepEqual(between(208, 500), [209]);
    assert.deepEqual(between(209, 500), []);
    assert.deepEqual(between(205, 205), []);
    assert.deepEqual(between(205, 201), []);
  });
});
