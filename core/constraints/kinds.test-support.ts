/** Good and bad values of the kinds of fields that messages have, for tests. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { HOTKEY_A, HOTKEY_B, SHA } from "../samples.test-support.js";

/** Values that a field may and may not have. */
export interface Kind {
  readonly good: fc.Arbitrary<unknown>;
  readonly bad: fc.Arbitrary<unknown>;
}

/** Whole number. */
export const integer = (min: number, max = 0xffff_ffff): Kind => ({
  good: fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max)),
  bad: fc.constantFrom(min - 1, max + 1, min + 0.5, Number.NaN, Number.POSITIVE_INFINITY),
});

/** Text of so many characters. */
export const text = (min: number, max: number): Kind => ({
  good: fc.oneof(fc.string({ minLength: min, maxLength: max }), fc.constantFrom("🏠".repeat(max), "x".repeat(max))),
  bad: fc.constantFrom("x".repeat(max + 1), "🏠".repeat(max + 1), ...(min > 0 ? [""] : [])),
});

/** Text of a form. */
export const form = (good: RegExp, ...bad: string[]): Kind => ({
  good: fc.stringMatching(good),
  bad: fc.constantFrom("", ...bad),
});

/** Hexadecimal digits. */
export const hex = (digits: number): Kind =>
  form(
    new RegExp(`^[0-9a-f]{${digits}}$`),
    "A".repeat(digits),
    "a".repeat(digits - 1),
    "a".repeat(digits + 1),
    `0x${"a".repeat(digits - 2)}`,
  );

/** Zip code. */
export const zip = form(/^[0-9]{5}$/, "9810", "981011", "9810a", " 98101", "98101\n", "९८१०१");

/** State. */
export const state = form(/^[A-Z]{2}$/, "wa", "WAS", "W1", "W");

/** Hotkey. */
export const hotkey: Kind = {
  good: fc.constantFrom(HOTKEY_A, HOTKEY_B),
  bad: fc.constantFrom(
    "",
    HOTKEY_A.slice(1),
    `${HOTKEY_A}a`,
    HOTKEY_A.replace("5", "1"),
    HOTKEY_A.replace("F", "0"),
    `0x${SHA}`,
  ),
};

/** Epoch id. */
export const epochId: Kind = {
  good: fc
    .integer({ min: 0, max: 4_000_000 })
    .map((hours) => new Date(hours * 3_600_000).toISOString().replace(/[-:]|\.000/g, "")),
  bad: fc.constantFrom(
    "",
    "20261122",
    "20261322T120000Z",
    "20260230T120000Z",
    "20261122T250000Z",
    "2026-11-22T12:00:00Z",
    "x",
  ),
};

/** A moment of any fineness. */
export const anyTime: Kind = {
  good: fc.integer({ min: 0, max: 999_999_999 }).map((nanos) => ({ ...timestampFromMs(5_000), nanos })),
  bad: fc.constantFrom(
    undefined,
    { ...timestampFromMs(0), nanos: -1 },
    { ...timestampFromMs(0), nanos: 1_000_000_000 },
  ),
};

/** A moment in whole milliseconds. */
export const wholeMs: Kind = {
  good: fc.integer({ min: 0, max: 10_000_000 }).map((steps) => timestampFromMs(steps)),
  bad: fc.constantFrom(
    undefined,
    { ...timestampFromMs(0), nanos: -1 },
    { ...timestampFromMs(0), nanos: 1_000_000_000 },
    { ...timestampFromMs(0), seconds: 253_402_300_800n },
    { ...timestampFromMs(0), nanos: 1 },
  ),
};

/** An enum with the values 1 to max. */
export const enumOf = (max: number): Kind => ({
  good: fc.integer({ min: 1, max }),
  bad: fc.constantFrom(0, max + 1, -1),
});

/** Absent, or of the kind. */
export const optional = (kind: Kind): Kind => ({ good: fc.oneof(fc.constant(undefined), kind.good), bad: kind.bad });

/** Basis points. */
export const bps = integer(0, 10_000);
