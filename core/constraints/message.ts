/**
 * How the constraints of one kind of message are put together: a check for every field, then rules across fields.
 */
import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import type { FieldViolation } from "../errors.js";

/** Takes a violation: the field's path, what the value is (`is "9810"`) and what it must be (`be five digits`). */
type Tell = (path: string, fact: string, must: string) => void;

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
  const checks = Object.entries<Check<never>>(fields).map(
    ([field, check]) => [field, names.get(field) ?? field, check] as const,
  );
  const check: Check<MessageShape<Desc>> = (message, path, tell) => {
    const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
    const values = message as Message & Record<string, never>;
    for (const [field, name, checkField] of checks) checkField(values[field] as never, at(name), tell);
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
