/**
 * Errors for pages that are not as they should be, and checking data of pages against its shape.
 */
import type { z } from "zod";
import { ZipnetError } from "../../../core/errors.js";

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
