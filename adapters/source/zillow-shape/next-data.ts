/**
 * Getting the data out of a page: JSON in the script element __NEXT_DATA__, checked at this edge.
 */
import type { z } from "zod";
import { ZipnetError } from "../../../core/errors.js";

const SCRIPT = /<script\b[^>]*\bid=["']__NEXT_DATA__["'][^>]*>([\s\S]*?)<\/script\s*>/i;

/** The data of a page. Throws SOURCE_CHANGED when the page has none. */
export function nextDataOf(html: string, url: string): unknown {
  const text = SCRIPT.exec(html)?.[1];
  if (text === undefined) throw sourceChanged(url, "script#__NEXT_DATA__", "is missing");
  return jsonOf(text, url, "script#__NEXT_DATA__");
}

/** JSON in text that stands at a path of the page. Throws SOURCE_CHANGED when it is not JSON. */
export function jsonOf(text: string, url: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw sourceChanged(url, path, "is not JSON", error);
  }
}

/** Checks a value against the shape that a page should have. Throws SOURCE_CHANGED naming the first path that differs. */
export function shaped<T>(schema: z.ZodType<T>, value: unknown, url: string, basePath: string): T {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = [basePath, ...(issue?.path ?? []).map(String)].filter((part) => part !== "").join(".");
  const problem = issue?.input === undefined ? "is missing" : `has another shape (${issue?.message ?? "unknown"})`;
  throw sourceChanged(url, path, problem);
}

/** The error for a page that is not as it should be. */
export function sourceChanged(url: string, path: string, problem: string, cause?: unknown): ZipnetError {
  return new ZipnetError(
    "SOURCE_CHANGED",
    `The page ${url} is not as expected: ${path} ${problem}. The site has probably changed; the adapter must follow.`,
    { url, path },
    { cause },
  );
}
