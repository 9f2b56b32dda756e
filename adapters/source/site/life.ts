/**
 * When made-up homes come, change price and go. Every moment follows from a phase, so the state at any time costs the
 * same and needs no history.
 */

/** Before this moment time stands still for made-up homes: 2026-01-01T00:00:00Z. */
export const ANCHOR_MS = Date.UTC(2026, 0, 1);

const HOUR_MS = 3_600_000;
/** Parts of 10 of the churn: 6 change price, 2 leave, 2 appear. */
const PRICE_CHANGES_IN_TEN = 6;
const LEAVES_IN_TEN = 2;
/** Part of a slot's cycle during which it is empty, between one home's leaving and the next one's coming. */
const EMPTY_PART = 0.1;
/** A home on a site without churn has been listed for at most so long at the anchor. */
const OLDEST_WITHOUT_CHURN_MS = 180 * 24 * HOUR_MS;

/** Phases of a slot, each at least 0 and below 1. */
export interface SlotPhase {
  readonly cycle: number;
  readonly price: number;
}

/** The life of one home in a slot. Times are unix milliseconds. */
export interface Life {
  /** Counts the homes of the slot, 0 for the one at the anchor. */
  readonly generation: number;
  readonly listedTimeMs: number;
  /** Infinity when it never leaves. */
  readonly leftTimeMs: number;
  /** Moments of its price changes up to the asked time, ascending. */
  readonly priceChangeTimesMs: readonly number[];
}

/** The life of a slot's home of a generation as of a time; undefined when that home has not come yet. */
export function lifeOf(
  phase: SlotPhase,
  generation: number,
  churnPerHourBps: number,
  timeMs: number,
): Life | undefined {
  const nowMs = Math.max(timeMs, ANCHOR_MS);
  if (churnPerHourBps === 0) {
    if (generation !== 0) return undefined;
    const listedTimeMs = Math.round(ANCHOR_MS - phase.cycle * OLDEST_WITHOUT_CHURN_MS);
    return { generation, listedTimeMs, leftTimeMs: Infinity, priceChangeTimesMs: [] };
  }
  const cycleMs = periodMs(churnPerHourBps, LEAVES_IN_TEN);
  const listedTimeMs = cycleStartMs(phase, generation, cycleMs);
  if (listedTimeMs > nowMs) return undefined;
  const leftTimeMs = Math.round(listedTimeMs + cycleMs * (1 - EMPTY_PART));
  const untilMs = Math.min(nowMs, leftTimeMs - 1);
  return {
    generation,
    listedTimeMs,
    leftTimeMs,
    priceChangeTimesMs: priceChanges(
      phase.price,
      periodMs(churnPerHourBps, PRICE_CHANGES_IN_TEN),
      listedTimeMs,
      untilMs,
    ),
  };
}

/** The generation whose cycle a time lies in. */
export function generationAt(phase: SlotPhase, churnPerHourBps: number, timeMs: number): number {
  if (churnPerHourBps === 0) return 0;
  const nowMs = Math.max(timeMs, ANCHOR_MS);
  const cycleMs = periodMs(churnPerHourBps, LEAVES_IN_TEN);
  const guess = Math.floor((nowMs - ANCHOR_MS) / cycleMs + phase.cycle);
  // Rounding to whole milliseconds may put the guess one beside.
  if (cycleStartMs(phase, guess, cycleMs) > nowMs) return guess - 1;
  return cycleStartMs(phase, guess + 1, cycleMs) <= nowMs ? guess + 1 : guess;
}

function cycleStartMs(phase: SlotPhase, generation: number, cycleMs: number): number {
  return Math.round(ANCHOR_MS + (generation - phase.cycle) * cycleMs);
}

function periodMs(churnPerHourBps: number, partsInTen: number): number {
  return (HOUR_MS * 10_000 * 10) / (churnPerHourBps * partsInTen);
}

function priceChanges(phase: number, everyMs: number, afterMs: number, untilMs: number): number[] {
  const times: number[] = [];
  for (let k = Math.floor((afterMs - ANCHOR_MS) / everyMs - phase); ; k += 1) {
    const timeMs = Math.round(ANCHOR_MS + (k + phase) * everyMs);
    if (timeMs > untilMs) return times;
    if (timeMs > afterMs) times.push(timeMs);
  }
}
