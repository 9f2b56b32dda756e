import assert from "node:assert/strict";
import fc from "fast-check";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import { ZipnetError } from "../../core/errors.js";
import { snappyDecompress } from "./snappy.js";
import { guardThrift } from "./thrift-guard.js";

function unreadable(run: () => unknown, message: RegExp): void {
  assert.throws(
    run,
    (error) => error instanceof ZipnetError && error.reason === "FILE_UNREADABLE" && message.test(error.message),
  );
}

describe("snappyDecompress", () => {
  it("gives back what was compressed", () => {
    const repetitive = fc.array(fc.constantFrom(0, 1, 2), { maxLength: 5_000 }).map((bytes) => Uint8Array.from(bytes));
    fc.assert(
      fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 5_000 })), (bytes) => {
        assert.deepEqual(snappyDecompress(snappyCompress(bytes), bytes.length), bytes);
      }),
    );
  });

  it("refuses lengths and copies that lead outside", () => {
    unreadable(() => snappyDecompress(Uint8Array.of(), 0), /ends too early/);
    unreadable(() => snappyDecompress(Uint8Array.of(5, 0, 65), 1), /claims 5 bytes/);
    unreadable(() => snappyDecompress(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 1), 1), /more than 5 bytes/);
    unreadable(() => snappyDecompress(Uint8Array.of(4, 0x0c, 65), 4), /literal/);
    // A literal whose 32-bit length would be negative as a signed number, and so lead backwards for ever.
    unreadable(() => snappyDecompress(Uint8Array.of(4, 0xfc, 0xf0, 0xff, 0xff, 0xff, 0), 4), /literal/);
    unreadable(() => snappyDecompress(Uint8Array.of(8, 0x00, 65, 0x01, 2), 8), /copy/);
    unreadable(() => snappyDecompress(Uint8Array.of(8, 0x00, 65, 0x01, 0), 8), /copy/);
    unreadable(() => snappyDecompress(Uint8Array.of(3, 0x00, 65), 3), /holds 1 bytes/);
  });
});

describe("guardThrift", () => {
  const guard = (...bytes: number[]): number => guardThrift(Uint8Array.from(bytes), 0, bytes.length, "the footer");

  it("walks to the end of a structure", () => {
    // Field 1: i32 3; field 2: binary "ab"; field 3: list of two structs, of which the first has a true; stop.
    assert.equal(guard(0x15, 6, 0x18, 2, 97, 98, 0x19, 0x2c, 0x11, 0, 0, 0, 99, 99), 12);
  });

  it("refuses lists, texts, numbers and nesting without bounds", () => {
    unreadable(() => guard(0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0), /list of 2147483647 items/);
    unreadable(() => guard(0x18, 0xff, 0xff, 0xff, 0xff, 0x07, 0), /claims 2147483647 bytes/);
    unreadable(() => guard(0x16, ...Array.from({ length: 100_000 }, () => 0xff)), /more than 10 bytes/);
    unreadable(() => guard(...Array.from({ length: 100_000 }, () => 0x1c)), /nested/);
    unreadable(() => guard(0x15, 6), /ends too early/);
    unreadable(() => guard(0x1b, 0), /unknown type/);
  });
});
