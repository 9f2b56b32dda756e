import type { Clock } from "../../core/ports.js";

/**
 * The next item of a stream, or "silent" when none comes in time. After "silent" the item may still come and is lost,
 * so the stream must be ended then. Rejects when the stream does.
 */
export async function nextOrSilence<T>(
  items: AsyncIterator<T>,
  silenceMs: number,
  clock: Clock,
): Promise<IteratorResult<T> | "silent"> {
  const timer = new AbortController();
  const next = items.next();
  const silence = clock.sleepUntil(clock.now() + silenceMs, timer.signal).then(
    () => "silent" as const,
    () => "silent" as const,
  );
  try {
    const first = await Promise.race([next, silence]);
    // Whatever the abandoned item becomes must not end the process.
    if (first === "silent") next.catch(() => {});
    return first;
  } finally {
    timer.abort();
  }
}
