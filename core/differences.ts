/**
 * What differs between two messages of one kind, field by field, under the names that the contract gives the fields.
 */
import { type DescField, type DescMessage, type Message, isMessage } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { showTime } from "./constraints/show.js";

/** One thing that is not as it should be. */
export interface Difference {
  /** Path of the field, for example "seed_block.hash" or "zip_codes[98101].expected_listings". */
  readonly field: string;
  /** What it should be, in words or as the value itself. */
  readonly expected: string;
  /** What it is. */
  readonly found: string;
}

/** How an absent value is shown. */
const NOTHING = "nothing";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Every difference, in the order of the fields. Entries of a list that have a zip code are held against those with the
 * same one, others by their place in the list.
 */
export function differencesBetween(
  schema: DescMessage,
  expected: Message | undefined,
  found: Message | undefined,
  path = "",
): Difference[] {
  return schema.fields.flatMap((field) => {
    const at = path === "" ? field.name : `${path}.${field.name}`;
    const [wanted, given] = [expected, found].map((message) => (message as Fields | undefined)?.[field.localName]);
    return fieldDifferences(field, wanted, given, at);
  });
}

function fieldDifferences(field: DescField, expected: unknown, found: unknown, at: string): Difference[] {
  if (field.fieldKind === "list") {
    return listDifferences(field.message, (expected ?? []) as unknown[], (found ?? []) as unknown[], at);
  }
  return valueDifferences(field.message, expected, found, at);
}

function valueDifferences(
  schema: DescMessage | undefined,
  expected: unknown,
  found: unknown,
  at: string,
): Difference[] {
  const isNested = schema !== undefined && schema.typeName !== TimestampSchema.typeName;
  if (isNested && expected !== undefined && found !== undefined) {
    return differencesBetween(schema, expected as Message, found as Message, at);
  }
  const [wanted, given] = [shown(expected), shown(found)];
  return wanted === given ? [] : [{ field: at, expected: wanted, found: given }];
}

function listDifferences(
  schema: DescMessage | undefined,
  expected: readonly unknown[],
  found: readonly unknown[],
  at: string,
): Difference[] {
  const wanted = byKey(expected);
  const given = byKey(found);
  const keys = [...new Set([...wanted.keys(), ...given.keys()])];
  return keys.flatMap((key) => valueDifferences(schema, wanted.get(key), given.get(key), `${at}[${key}]`));
}

function byKey(entries: readonly unknown[]): Map<string, unknown> {
  return new Map(entries.map((entry, index) => [zipCodeOf(entry) ?? String(index), entry]));
}

function zipCodeOf(entry: unknown): string | undefined {
  const zipCode = (entry as { zipCode?: unknown }).zipCode;
  return typeof zipCode === "string" ? zipCode : undefined;
}

/** A value as text. A nested message that stands on one side only is shown by its simple fields. */
function shown(value: unknown): string {
  if (value === undefined) return NOTHING;
  if (isMessage(value, TimestampSchema)) return showTime(value);
  if (!isMessage(value)) return String(value);
  const fields = Object.entries(value).filter(([name, each]) => name !== "$typeName" && typeof each !== "object");
  return fields.map(([, each]) => String(each)).join(", ");
}
