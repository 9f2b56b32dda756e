/**
 * How long submissions to an epoch are taken that was recorded late, because the server was away at its start.
 */

/**
 * First moment at which no submission to an epoch is taken any more, when its record is written at `recordedMs`: half an
 * epoch later, so that every miner has half of an epoch's length, but never before the close, and never later than three
 * quarters of an epoch after it, so that the last quarter of the judging period is left for judging. An epoch that is
 * recorded so late that nothing would be left of that ends at its close. All in unix milliseconds.
 */
export function acceptedUntilMs(startMs: number, closeMs: number, recordedMs: number): number {
  const lengthMs = closeMs - startMs;
  const latestMs = closeMs + Math.floor((3 * lengthMs) / 4);
  if (recordedMs >= latestMs) return closeMs;
  return Math.max(closeMs, Math.min(recordedMs + Math.floor(lengthMs / 2), latestMs));
}
