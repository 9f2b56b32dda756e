/**
 * How long handing in takes: the longest upload of an epoch and its finalize call together. What it took in the epochs
 * before says how near to a close a miner may go on scraping.
 */
import type { Clock, LocalState } from "../../core/ports.js";

const KEY = "hand-in-times.json";
/** Epochs that count: a slow one is to be remembered for a day of them. */
const KEPT_EPOCHS = 6;

/** Measures one epoch. */
export class HandInTimer {
  readonly #longestMs = { upload: 0, finalize: 0 };

  constructor(private readonly clock: Clock) {}

  /** Runs a step and takes note of how long it took. */
  async timed<T>(step: "upload" | "finalize", run: () => Promise<T>): Promise<T> {
    const beganMs = this.clock.now();
    try {
      return await run();
    } finally {
      this.#longestMs[step] = Math.max(this.#longestMs[step], this.clock.now() - beganMs);
    }
  }

  /** Keeps what the epoch took, where its finalize call was measured. */
  async keep(state: LocalState): Promise<void> {
    const { upload, finalize } = this.#longestMs;
    if (finalize === 0) return;
    const times = [...(await readTimes(state)), upload + finalize].slice(-KEPT_EPOCHS);
    await state.keep(KEY, new TextEncoder().encode(JSON.stringify(times)));
  }
}

/** The longest that handing in took in the newest epochs, in milliseconds; undefined where none was measured. */
export async function longestHandInMs(state: LocalState): Promise<number | undefined> {
  const times = await readTimes(state);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** What cannot be read counts as not measured. */
async function readTimes(state: LocalState): Promise<number[]> {
  try {
    const times: unknown = JSON.parse(new TextDecoder().decode(await state.read(KEY)));
    return Array.isArray(times) ? times.filter((time) => typeof time === "number" && time >= 0) : [];
  } catch {
    return [];
  }
}
