/**
 * Speed, from the receipt's time by the server's clock.
 */
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";

/**
 * Speed in basis points, 1 to 10,000: full up to the grace window's end, then equal steps over the rest of the epoch.
 * Steps, so that network luck does not decide. The last step is still above 0: whoever came before the close took part.
 *
 * @param receivedMs the receipt's time; startMs, closeMs the epoch's. Unix milliseconds.
 */
export function speedBps(receivedMs: number, startMs: number, closeMs: number, rules: Rules): number {
  const lateMs = receivedMs - startMs - rules.speedGraceMs;
  const restMs = closeMs - startMs - rules.speedGraceMs;
  if (lateMs <= 0 || restMs <= 0) return 10_000;
  const bucket = Math.min(Math.floor((lateMs * rules.speedBuckets) / restMs), rules.speedBuckets - 1);
  return Math.max(1, Math.floor((10_000 * (rules.speedBuckets - bucket)) / (rules.speedBuckets + 1)));
}
