import { SettingsError } from "../adapters/settings/settings.js";
import { ZipnetError } from "../core/errors.js";
import { StopRequest } from "./shutdown.js";

/** Errors that only a mistake in the program itself can cause. */
const PROGRAM_MISTAKES = [TypeError, ReferenceError, SyntaxError, RangeError];

/** What a person reads when a command fails. A stack is shown only where the program itself is to blame. */
export function explainFailure(error: unknown): string {
  if (error instanceof StopRequest) return `zipnet: stopped, ${error.message}`;
  if (error instanceof SettingsError) return `zipnet: ${error.message}`;
  if (error instanceof ZipnetError) return `zipnet: ${error.message} [${error.reason}]`;
  if (!(error instanceof Error)) return `zipnet: ${String(error)}`;
  const isMistake = PROGRAM_MISTAKES.some((kind) => error instanceof kind);
  return `zipnet: ${isMistake ? (error.stack ?? error.message) : error.message}`;
}
