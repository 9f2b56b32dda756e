/**
 * Small checks of one value, and how they combine.
 */
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Check } from "./message.js";
import { grouped, show, showTime } from "./show.js";

/** No rule. */
export function anything(): Check<unknown> {
  return () => undefined;
}

/** Every one of the checks. */
export function every<T>(...checks: readonly Check<T>[]): Check<T> {
  return (value, path, tell) => checks.forEach((check) => check(value, path, tell));
}

/** Passes where the condition holds. */
export function that<T>(holds: (value: T) => boolean, must: string): Check<T> {
  return (value, path, tell) => {
    if (!holds(value)) tell(path, `is ${show(value)}`, must);
  };
}

/** Whole number from min to max. */
export function integer(min: number, max = 0xffff_ffff): Check<number> {
  const must = `be a whole number from ${grouped(min)} to ${grouped(max)}`;
  return that((value) => Number.isInteger(value) && value >= min && value <= max, must);
}

/** Any number from min to max, fractions allowed. */
export function decimal(min: number, max: number): Check<number> {
  return that((value) => value >= min && value <= max, `be a number from ${grouped(min)} to ${grouped(max)}`);
}

/** Text of min to max characters (code points). */
export function text(min: number, max: number): Check<string> {
  const must = min === 0 ? `have at most ${grouped(max)} characters` : `have ${min} to ${grouped(max)} characters`;
  return that((value) => {
    // A code point has one or two UTF-16 units, so most texts need not be counted to be known as fitting or too long.
    if (value.length <= max && value.length >= 2 * min) return true;
    const length = value.length > 2 * max ? value.length : [...value].length;
    return length >= min && length <= max;
  }, must);
}

/** Text of a form. */
export function form(pattern: RegExp, must: string): Check<string> {
  return that((value) => pattern.test(value), must);
}

/** Exactly so many lower-case hexadecimal digits. */
export function hex(digits: number): Check<string> {
  return form(new RegExp(`^[0-9a-f]{${digits}}$`), `be ${digits} lower-case hexadecimal digits`);
}

/** Empty text, or text that passes the check. */
export function emptyOr(check: Check<string>): Check<string> {
  return (value, path, tell) => {
    if (value !== "") check(value, path, (at, fact, must) => tell(at, fact, `${must}, or be empty`));
  };
}

/** From min to max bytes. */
export function bytes(min: number, max: number): Check<Uint8Array> {
  const must = min === max ? `be ${max} bytes` : `be ${grouped(min)} to ${grouped(max)} bytes`;
  return that((value) => value.length >= min && value.length <= max, must);
}

/** A value of the enum other than 0, which never says anything. */
export function specified(values: Readonly<Record<string, string | number>>): Check<number> {
  const names = Object.keys(values).filter((name) => Number.isNaN(Number(name)) && values[name] !== 0);
  const known = new Set<unknown>(names.map((name) => values[name]));
  return that((value) => known.has(value), `be one of ${names.join(", ")}`);
}

/** The value is there, and passes. */
export function required<T>(check: Check<T>): Check<T | undefined> {
  return (value, path, tell) => (value === undefined ? tell(path, "is missing", "be given") : check(value, path, tell));
}

/** The value is absent, or passes. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, path, tell) => (value === undefined ? undefined : check(value, path, tell));
}

/** From min to max entries, each of which passes. */
export function list<T>(min: number, max: number, each: Check<T>): Check<readonly T[]> {
  const counts = min === 0 ? `at most ${grouped(max)}` : `${min} to ${grouped(max)}`;
  return (values, path, tell) => {
    if (values.length < min || values.length > max) tell(path, `has ${values.length} entries`, `have ${counts}`);
    // Entries beyond the most allowed are not looked at: they would only make the answer long.
    values.slice(0, max).forEach((value, i) => each(value, `${path}[${i}]`, tell));
  };
}

/** Entries ascend by a text, each text once. `field` is the text's field in an entry; empty when the entry is the text. */
export function ascending<T>(textOf: (entry: T) => string, field = ""): Check<readonly T[]> {
  return (values, path, tell) => {
    let before: string | undefined;
    values.forEach((value, i) => {
      const here = textOf(value);
      if (before !== undefined && here <= before) {
        const at = `${path}[${i}]${field === "" ? "" : `.${field}`}`;
        tell(at, `is ${show(here)} after ${show(before)}`, "ascend, each value once");
      }
      before = here;
    });
  };
}

/** A moment with no more detail than the unit: "seconds", "milliseconds" or "nanoseconds". */
export function moment(unit: "seconds" | "milliseconds" | "nanoseconds"): Check<Timestamp> {
  const stepNanos = { seconds: 1_000_000_000, milliseconds: 1_000_000, nanoseconds: 1 }[unit];
  return (value, path, tell) => {
    const { seconds, nanos } = value;
    const inRange = seconds >= -62_135_596_800n && seconds <= 253_402_300_799n && nanos >= 0 && nanos < 1_000_000_000;
    if (!inRange) tell(path, `is ${seconds} seconds and ${nanos} nanoseconds`, "be a time in the years 1 to 9999");
    else if (nanos % stepNanos !== 0) tell(path, `is ${showTime(value)}`, `be in whole ${unit}`);
  };
}
