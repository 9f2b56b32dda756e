/** The longest time that counts: beyond it a header is a mistake. */
const LONGEST_MS = 24 * 3_600_000;

/**
 * How long a site asks to be left alone, in milliseconds, 0 to one day; undefined where it does not say. A date counts
 * from the answer's own date, so that a clock that is off here does no harm.
 *
 * @param header a header of the answer by its name in lower case.
 */
export function retryAfterMsOf(header: (name: string) => string | null | undefined): number | undefined {
  const text = header("retry-after")?.trim();
  if (text === undefined || text === "") return undefined;
  const afterMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.parse(header("date") ?? "");
  return Number.isNaN(afterMs) ? undefined : Math.min(Math.max(0, afterMs), LONGEST_MS);
}
