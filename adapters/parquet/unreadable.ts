/**
 * The one error of reading files.
 */
import { ZipnetError } from "../../core/errors.js";

/** The error for a file that is not in the format. where: the part of the file; problem: what is wrong with it. */
export function unreadable(where: string, problem: string, cause?: unknown): ZipnetError {
  return new ZipnetError("FILE_UNREADABLE", `The file cannot be read: ${where} ${problem}.`, { where }, { cause });
}
