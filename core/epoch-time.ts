/**
 * Epochs by arithmetic: which epoch a moment belongs to, when it starts and closes, and what it is called.
 * All times are unix milliseconds; epochs start and close on whole seconds.
 */

/** Number of the epoch that a moment belongs to. */
export function epochNumberAt(timeMs: number, epochLengthSeconds: number): number {
  return Math.floor(timeMs / (epochLengthSeconds * 1000));
}

/** First moment of an epoch. */
export function epochStartMs(epochNumber: number, epochLengthSeconds: number): number {
  return epochNumber * epochLengthSeconds * 1000;
}

/** Id of the epoch that starts at a moment: UTC basic ISO 8601, for example "20261122T120000Z". */
export function epochIdOf(startMs: number): string {
  return new Date(startMs).toISOString().replace(/[-:]/g, "").replace(".000", "");
}

/** An epoch id's form. */
export const EPOCH_ID_PATTERN = /^\d{8}T\d{6}Z$/;

/** Start of the epoch that an id names, or undefined when the text is no epoch id. */
export function startMsOfEpochId(epochId: string): number | undefined {
  if (!EPOCH_ID_PATTERN.test(epochId)) return undefined;
  const iso = epochId.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, "$1-$2-$3T$4:$5:$6.000Z");
  const timeMs = Date.parse(iso);
  return Number.isNaN(timeMs) || epochIdOf(timeMs) !== epochId ? undefined : timeMs;
}

/** Number of the epoch that an id names, or undefined when no epoch of this length has that id. */
export function epochNumberOfId(epochId: string, epochLengthSeconds: number): number | undefined {
  const startMs = startMsOfEpochId(epochId);
  if (startMs === undefined || startMs % (epochLengthSeconds * 1000) !== 0) return undefined;
  return epochNumberAt(startMs, epochLengthSeconds);
}
