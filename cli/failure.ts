import { SettingsError } from "../adapters/settings/settings.js";
import { ZipnetError } from "../core/errors.js";
import { StopRequest } from "./shutdown.js";

/** What a person reads when a command fails. Only what nobody foresaw shows a stack. */
export function explainFailure(error: unknown): string {
  if (error instanceof StopRequest) return `zipnet: stopped, ${error.message}`;
  if (error instanceof SettingsError) return `zipnet: ${error.message}`;
  if (error instanceof ZipnetError) return `zipnet: ${error.message} [${error.reason}]`;
  if (error instanceof Error) return `zipnet: ${error.stack ?? error.message}`;
  return `zipnet: ${String(error)}`;
}
