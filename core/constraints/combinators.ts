/**
 * Small checks, and how they combine to the constraints of a message. A check looks at one value and tells every rule
 * that the value breaks.
 */
import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { FieldViolation } from "../errors.js";

/** Takes a violation: the field's path, what the value is (`is "9810"`) and what it must be (`be five digits`). */
export type Tell = (path: string, fact: string, must: string) => void;

/** Tells every rule that the value at the path breaks. */
export type Check<T> = (value: T, path: string, tell: Tell) => void;

/** Rules that concern more than one field. `at` makes the path of a field of this message from its name in the contract. */
export type CrossCheck<T> = (message: T, at: (field: string) => string, tell: Tell) => void;

/** The constraints of one kind of message. */
export interface MessageConstraints<Desc extends DescMessage> {
  readonly schema: Desc;
  readonly check: Check<MessageShape<Desc>>;
}

type Fields<Shape> = { readonly [Field in Exclude<keyof Shape, "$typeName" | "$unknown">]: Check<Shape[Field]> };

/** Constraints of a message: a check for each of its fields, none left out, then the rules across fields. */
export function constraintsOn<Desc extends DescMessage>(
  schema: Desc,
  fields: Fields<MessageShape<Desc>>,
  cross?: CrossCheck<MessageShape<Desc>>,
): MessageConstraints<Desc> {
  const names = new Map(schema.fields.map((field) => [field.localName, field.name]));
  const checks = Object.entries<Check<never>>(fields);
  const check: Check<MessageShape<Desc>> = (message, path, tell) => {
    const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
    const values = message as Message & Record<string, never>;
    for (const [field, checkField] of checks) {
      checkField(values[field] as never, at(names.get(field) ?? field), tell);
    }
    cross?.(message, at, tell);
  };
  return { schema, check };
}

/** Collects what a check tells about a value. */
export function collect<T>(check: Check<T>, value: T): FieldViolation[] {
  const violations: FieldViolation[] = [];
  check(value, "", (field, fact, must) => violations.push({ field, description: `${fact}, but must ${must}` }));
  return violations;
}

/** A value as a person reads it, at most 60 characters. */
export function show(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return value.length > 60 ? `"${value.slice(0, 59)}…"` : `"${value}"`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return String(value);
}

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
    // Counting code points is needed only where the cheaper count of UTF-16 units cannot decide.
    const length = value.length <= max ? value.length : [...value].length;
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

/** A moment as a person reads it. */
export function showTime(time: Timestamp): string {
  const timeMs = timestampMs(time);
  return Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : `${time.seconds} seconds`;
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}
