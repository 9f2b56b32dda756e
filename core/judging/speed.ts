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

/**
 * The latest receipt that is worth at least so much speed, in unix milliseconds: the inverse of speedBps.
 *
 * @param bps 1 to 10,000. @param startMs, closeMs the epoch's. Unix milliseconds.
 */
export function latestReceiptMs(bps: number, startMs: number, closeMs: number, rules: Rules): number {
  const graceEndMs = startMs + rules.speedGraceMs;
  const restMs = closeMs - graceEndMs;
  if (restMs <= 0) return closeMs - 1;
  for (let bucket = rules.speedBuckets - 1; bucket >= 0; bucket -= 1) {
    const lastMs = graceEndMs + Math.ceil(((bucket + 1) * restMs) / rules.speedBuckets) - 1;
    if (speedBps(lastMs, startMs, closeMs, rules) >= bps) return lastMs;
  }
  return graceEndMs;
}
