import { pino } from "pino";
import type { Log } from "../../core/ports.js";

/** A fact as text; of an error only its message, for the stack is no reading matter. */
function textOf(fact: unknown): string {
  if (typeof fact !== "object" || fact === null) return String(fact);
  return "stack" in fact && "message" in fact ? JSON.stringify(fact.message) : JSON.stringify(fact);
}

/** One readable line: time, level, program, sentence, then the facts. */
function prettyLine(line: string): string {
  const { level, time, name, msg, ...facts } = JSON.parse(line) as Record<string, unknown>;
  const clock = new Date(time as number).toISOString().slice(11, 19);
  const word = { 20: "debug", 30: "", 40: "WARN", 50: "ERROR" }[level as number] ?? "";
  const shown = Object.entries(facts)
    .filter(([key]) => key !== "event")
    .map(([key, value]) => `${key}=${textOf(value)}`);
  return [clock, String(name), word, String(msg), shown.join(" ")].filter((part) => part !== "").join("  ");
}

/**
 * A log on standard output.
 *
 * @param name the program's, on every line.
 * @param options.format "json": one object per line, for programs; "pretty": one sentence per line, for people.
 * @param options.level the lowest level that is written.
 */
export function createLog(
  name: string,
  options: { readonly format: "json" | "pretty"; readonly level: "debug" | "info" | "warn" | "error" },
): Log {
  const destination = pino.destination({ fd: 1, sync: true });
  const stream =
    options.format === "json"
      ? destination
      : { write: (line: string) => void destination.write(`${prettyLine(line)}\n`) };
  const logger = pino({ name, level: options.level, base: { name } }, stream);
  return {
    debug: (facts, message) => logger.debug(facts, message),
    info: (facts, message) => logger.info(facts, message),
    warn: (facts, message) => logger.warn(facts, message),
    error: (facts, message) => logger.error(facts, message),
  };
}
