import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ZipnetError } from "../../core/errors.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { EpochClosedSchema } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { SignedRecordSchema } from "../../gen/zipnet/v1/record_pb.js";
import type { FollowedEvent } from "./follower-options.js";
import {
  type FollowerPosition,
  MAX_AHEAD,
  NOWHERE,
  advanced,
  decodePosition,
  encodePosition,
  isDealtWith,
  newestOpened,
  tokensFor,
} from "./follower-position.js";

const SERVER = { isServer: true, hotkey: "server" };
const RELAY = { isServer: false, hotkey: "relay" };
const OTHER = { isServer: false, hotkey: "other" };

function opened(number: number): FollowedEvent {
  return { kind: "epoch", epoch: create(EpochSchema, { number }), record: create(SignedRecordSchema) };
}

function closed(epochNumber: number, snapshotSha256 = "true"): FollowedEvent {
  return {
    kind: "closed",
    closed: create(EpochClosedSchema, { epochNumber, epochId: `id${epochNumber}`, snapshotSha256 }),
  };
}

/** A token that says who made it, when. */
const token = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (tokens: readonly Uint8Array[]): string[] => tokens.map((bytes) => new TextDecoder().decode(bytes));

describe("a follower's position", () => {
  it("keeps the newest token of each kind of issuer, and gives a server only its own", () => {
    const atServer = advanced(NOWHERE, token("s1"), opened(5), SERVER);
    const atRelay = advanced(atServer, token("r1"), opened(6), RELAY);
    assert.deepEqual(read(tokensFor(atServer, RELAY)), ["s1", ""]);
    assert.deepEqual(read(tokensFor(atRelay, SERVER)), ["s1", ""]);
    assert.deepEqual(read(tokensFor(atRelay, RELAY)), ["r1", "s1", ""]);
    assert.deepEqual(read(tokensFor(atRelay, OTHER)), ["s1", "r1", ""]);
    const back = advanced(atRelay, token("s2"), opened(6), SERVER);
    assert.deepEqual(read(tokensFor(back, RELAY)), ["s2", ""]);
    assert.deepEqual(read(tokensFor(NOWHERE, SERVER)), [""]);
  });

  it("recognises what a relay told, and not what it left out", () => {
    let position = advanced(NOWHERE, token("s"), opened(5), SERVER);
    for (const event of [closed(5), opened(7)]) position = advanced(position, token("r"), event, RELAY);
    assert.deepEqual(
      [opened(5), opened(6), opened(7), closed(4), closed(5), closed(6)].map((event) => isDealtWith(position, event)),
      [true, false, true, false, true, false],
    );
    assert.equal(newestOpened(position), 7);
    // The server's numbers take over once it has told as much.
    for (const event of [opened(6), closed(5), opened(7)]) position = advanced(position, token("s"), event, SERVER);
    assert.deepEqual(
      { opened: position.opened, closed: position.closed, ahead: position.ahead },
      { opened: 7, closed: 5, ahead: [] },
    );
  });

  it("does not take a close that a relay made up for the server's", () => {
    const position = advanced(NOWHERE, token("r"), closed(5, "made up"), RELAY);
    assert.equal(isDealtWith(position, closed(5, "made up")), true);
    assert.equal(isDealtWith(position, closed(5)), false);
  });

  it("remembers a bounded number of events, the newest", () => {
    let position = NOWHERE;
    for (let number = 0; number < MAX_AHEAD + 10; number += 1) {
      position = advanced(position, token("r"), opened(number), RELAY);
    }
    assert.equal(position.ahead.length, MAX_AHEAD);
    assert.equal(isDealtWith(position, opened(9)), false);
    assert.equal(isDealtWith(position, opened(10)), true);
    assert.deepEqual(decodePosition(encodePosition(position)), position);
  });

  it("survives storing, and reads the bare tokens of earlier versions", () => {
    const position = advanced(advanced(NOWHERE, token("s"), opened(5), SERVER), token("r"), closed(6), RELAY);
    assert.deepEqual(decodePosition(encodePosition(position)), position);
    assert.deepEqual(decodePosition(encodePosition(NOWHERE)), NOWHERE);
    for (const version of [1, 2]) {
      const bare = new Uint8Array([version, 2, 3]);
      assert.deepEqual(decodePosition(bare), { ...NOWHERE, serverToken: bare });
    }
    for (const text of ["{", "{}", '{"format":"zipnet-position/2"}']) {
      assert.throws(
        () => decodePosition(token(text)),
        (error) => error instanceof ZipnetError,
        text,
      );
    }
  });

  it("has every event of the server dealt with exactly once, whatever relays tell in between", () => {
    const step = fc.record({ atServer: fc.boolean(), told: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const history = Array.from({ length: 21 }, (_, index) => (index % 2 === 0 ? opened(index) : closed(index)));
        const delivered = new Map<FollowedEvent, number>();
        let position: FollowerPosition = NOWHERE;
        let server = 0;
        const deliver = (event: FollowedEvent | undefined, teller: typeof SERVER): void => {
          if (event === undefined) return;
          if (!isDealtWith(position, event)) delivered.set(event, (delivered.get(event) ?? 0) + 1);
          position = decodePosition(encodePosition(advanced(position, token("t"), event, teller)));
        };
        for (const { atServer, told } of steps) {
          // The server tells in order and leaves nothing out; a relay tells what it likes.
          if (atServer) deliver(history[server++], SERVER);
          else deliver(history[told], RELAY);
        }
        while (server < history.length) deliver(history[server++], SERVER);
        assert.deepEqual(
          history.map((event) => delivered.get(event)),
          history.map(() => 1),
        );
      }),
    );
  });
});
