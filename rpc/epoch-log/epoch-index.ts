/**
 * Which epochs have a record, by the keys in the object store. Keys sort by time, and stores list forwards only.
 */
import { epochIdOf, epochNumberAt, epochNumberOfId, epochStartMs, startMsOfEpochId } from "../../core/epoch-time.js";
import { EPOCH_PREFIX, epochIdOfKey } from "../../core/object-keys.js";
import type { ObjectStore } from "../../core/ports.js";

/** Finds recorded epochs. */
export interface EpochIndex {
  /** Number of the oldest recorded epoch; undefined when there is none. */
  first(): Promise<number | undefined>;
  /** Number of the newest recorded epoch; undefined when none is recorded after the given one. */
  newestAfter(epochNumber: number): Promise<number | undefined>;
  /** Number of the oldest recorded epoch after the given one; undefined when there is none. */
  firstAfter(epochNumber: number): Promise<number | undefined>;
  /** Ids of at most `count` recorded epochs before an id, newest first. */
  before(epochId: string, count: number): Promise<string[]>;
}

/**
 * An index over the keys. Epochs of another length than the given one are listed, but are never the newest.
 *
 * @param prefix of records of which every epoch has at most one, by default the epochs themselves.
 */
export function epochIndex(objects: ObjectStore, epochLengthSeconds: number, prefix = EPOCH_PREFIX): EpochIndex {
  const idOf = (epochNumber: number): string => epochIdOf(epochStartMs(epochNumber, epochLengthSeconds));
  let oldest: number | undefined;

  async function* idsAfter(epochId: string): AsyncGenerator<string> {
    for await (const { key } of objects.list(prefix, `${prefix}${epochId}.bin`)) yield epochIdOfKey(key);
  }

  async function idsBetween(afterId: string, beforeId: string): Promise<string[]> {
    const ids: string[] = [];
    for await (const id of idsAfter(afterId)) {
      if (id >= beforeId) break;
      ids.push(id);
    }
    return ids;
  }

  async function first(): Promise<number | undefined> {
    if (oldest !== undefined) return oldest;
    for await (const { key } of objects.list(prefix)) {
      const startMs = startMsOfEpochId(epochIdOfKey(key));
      if (startMs === undefined) continue;
      oldest = epochNumberAt(startMs, epochLengthSeconds);
      break;
    }
    return oldest;
  }

  return {
    first,
    async newestAfter(epochNumber) {
      let newest: number | undefined;
      for await (const id of idsAfter(idOf(epochNumber))) newest = epochNumberOfId(id, epochLengthSeconds) ?? newest;
      return newest;
    },
    async firstAfter(epochNumber) {
      for await (const id of idsAfter(idOf(epochNumber))) {
        const number = epochNumberOfId(id, epochLengthSeconds);
        if (number !== undefined) return number;
      }
      return undefined;
    },
    async before(epochId, count) {
      const lowest = await first();
      const startMs = startMsOfEpochId(epochId);
      if (lowest === undefined || startMs === undefined) return [];
      const ids: string[] = [];
      let upper = Math.ceil(startMs / (epochLengthSeconds * 1000));
      let upperId = epochId;
      // Backwards in windows that double, so that a long time without epochs costs few listings.
      for (let span = count; ids.length < count && upper > lowest; span *= 2) {
        const lower = Math.max(lowest, upper - span);
        ids.push(...(await idsBetween(idOf(lower - 1), upperId)).reverse());
        upper = lower;
        upperId = idOf(lower);
      }
      return ids.slice(0, count);
    },
  };
}
