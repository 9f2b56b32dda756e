import type { Log } from "../core/ports.js";

/** Where a command that prints a result tells of trouble on the way: standard error, warnings and errors only. */
export const commandLog: Log = {
  debug() {},
  info() {},
  warn: (_facts, message) => void process.stderr.write(`${message}\n`),
  error: (_facts, message) => void process.stderr.write(`${message}\n`),
};
