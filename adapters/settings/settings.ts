/**
 * Settings of a program: one shape says the name, the meaning, the default and the check of each, so that environment
 * variable, flag, help text and validation cannot drift apart. All problems are reported at once.
 */
import { z } from "zod";

/** One setting. Its schema parses from text, or from undefined where the setting is not given. */
export interface Setting<T> {
  /** Meaning, unit and default, for the help text. */
  readonly describe: string;
  readonly schema: z.ZodType<T>;
  /** Never printed. */
  readonly secret?: boolean;
  /** A second environment variable that it is read from, for example "SPOT_CHECK_LISTINGS". */
  readonly alias?: string;
}

/** All settings of a program, by their name in code. */
export type SettingsShape = Readonly<Record<string, Setting<unknown>>>;

/** The parsed values of a shape. */
export type SettingsOf<S extends SettingsShape> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

/** Settings as they come from outside: environment variable name to text. */
export type RawSettings = Readonly<Record<string, string | undefined>>;

/** Settings that do not make sense; all problems at once. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";

  constructor(
    /** One sentence per problem: which setting, which value, what it must be. */
    readonly problems: readonly string[],
  ) {
    super(
      problems.length === 1
        ? `the configuration has a mistake: ${problems[0]}`
        : `the configuration has ${problems.length} mistakes:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    );
  }
}

/** Declares a setting. */
export function setting<T>(
  describe: string,
  schema: z.ZodType<T>,
  more: { secret?: boolean; alias?: string } = {},
): Setting<T> {
  return { describe, schema, ...more };
}

/** Environment variable of a setting: listenPort is ZIPNET_LISTEN_PORT. */
export function environmentName(name: string): string {
  return `ZIPNET_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** Flag of a setting: listenPort is --listen-port. */
export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Parses settings. Empty text counts as not given.
 *
 * @param check looks at the parsed values together and names what does not fit; called only when each fits by itself.
 * Throws SettingsError with every problem.
 */
export function readSettings<S extends SettingsShape>(
  shape: S,
  raw: RawSettings,
  check: (values: SettingsOf<S>) => readonly string[] = () => [],
): SettingsOf<S> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, { schema, alias, secret }] of Object.entries(shape)) {
    const variable = environmentName(name);
    const text = raw[variable] || (alias === undefined ? undefined : raw[alias]) || undefined;
    const parsed = schema.safeParse(text);
    if (parsed.success) {
      values[name] = parsed.data;
    } else {
      const must = parsed.error.issues.map((issue) => issue.message).join(", ");
      const what = text === undefined ? "is missing" : `is ${secret === true ? "set" : JSON.stringify(text)}`;
      problems.push(`${variable} (${flagName(name)}) ${what}, but must be ${must}`);
    }
  }
  // The cast is sound: every name of the shape was parsed by its own schema when there is no problem.
  if (problems.length === 0) problems.push(...check(values as SettingsOf<S>));
  if (problems.length > 0) throw new SettingsError(problems);
  return Object.freeze(values) as SettingsOf<S>;
}

/** A schema over text that says in one phrase what the text must be, and fills in a default where nothing is given. */
function textual<T>(
  must: string,
  read: (text: string) => T | undefined,
  fallback: { value: T } | undefined,
): z.ZodType<T> {
  return z.unknown().transform((given, context): T => {
    const value = typeof given === "string" ? read(given) : fallback?.value;
    if (value === undefined && !(given === undefined && fallback !== undefined)) {
      context.addIssue({ code: "custom", message: must });
      return z.NEVER;
    }
    return value as T;
  });
}

/** What may be left out has a default. */
function fallbackOf<T>(value: T | undefined): { value: T } | undefined {
  return value === undefined ? undefined : { value };
}

function readUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "http:" || url?.protocol === "https:" ? text.replace(/\/+$/, "") : undefined;
}

function readUrls(text: string): readonly string[] | undefined {
  const urls = readList(text).map(readUrl);
  return urls.length > 0 && urls.every((url) => url !== undefined) ? urls : undefined;
}

const HOTKEY = /^5[1-9A-HJ-NP-Za-km-z]{47}$/;
const readHotkey = (text: string): string | undefined => (HOTKEY.test(text) ? text : undefined);
const readList = (text: string): readonly string[] => text.split(/[\s,]+/).filter((part) => part !== "");

/** Schemas for settings. Without a default a setting must be given. */
export const parse = {
  /** Any text. */
  text: (fallback?: string): z.ZodType<string> => textual("some text", (text) => text, fallbackOf(fallback)),
  /** Any text, or nothing. */
  optionalText: (): z.ZodType<string | undefined> =>
    textual<string | undefined>("some text", (text) => text, { value: undefined }),
  /** A whole number. */
  integer: (range: { min: number; max: number }, fallback?: number): z.ZodType<number> =>
    textual(
      `a whole number from ${range.min} to ${range.max}`,
      (text) => {
        const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
        return value >= range.min && value <= range.max ? value : undefined;
      },
      fallbackOf(fallback),
    ),
  /** yes or no. */
  flag: (fallback: boolean): z.ZodType<boolean> =>
    textual(
      '"true" or "false"',
      (text) => (text === "true" || text === "1" ? true : text === "false" || text === "0" ? false : undefined),
      { value: fallback },
    ),
  /** An http or https address, without a slash at its end. */
  url: (fallback?: string): z.ZodType<string> =>
    textual("an http:// or https:// address", readUrl, fallbackOf(fallback)),
  /** http or https addresses, at least one, as `url`. */
  urls: (): z.ZodType<readonly string[]> =>
    textual<readonly string[]>("http:// or https:// addresses, separated by commas", readUrls, undefined),
  /** An http or https address, or nothing. */
  optionalUrl: (): z.ZodType<string | undefined> =>
    textual<string | undefined>("an http:// or https:// address", readUrl, { value: undefined }),
  /** One of some words. */
  oneOf: <const T extends string>(words: readonly T[], fallback?: T): z.ZodType<T> =>
    textual(`one of ${words.join(", ")}`, (text) => words.find((word) => word === text), fallbackOf<T>(fallback)),
  /** Words separated by commas or spaces. */
  list: (fallback: readonly string[] = []): z.ZodType<readonly string[]> =>
    textual<readonly string[]>("words separated by commas", readList, { value: fallback }),
  /** A hotkey. */
  hotkey: (): z.ZodType<string> =>
    textual("a hotkey: an SS58 address of 48 characters that begins with 5", readHotkey, undefined),
  /** A hotkey, or nothing. */
  optionalHotkey: (): z.ZodType<string | undefined> =>
    textual<string | undefined>("a hotkey: an SS58 address of 48 characters that begins with 5", readHotkey, {
      value: undefined,
    }),
  /** Text in a form of the program's own. `read` answers undefined for what is not in the form. */
  custom: <T>(must: string, read: (text: string) => T | undefined, fallback?: T): z.ZodType<T> =>
    textual(must, read, fallbackOf(fallback)),
  /** As `custom`, or nothing. */
  optionalCustom: <T>(must: string, read: (text: string) => T | undefined): z.ZodType<T | undefined> =>
    textual<T | undefined>(must, read, { value: undefined }),
};
