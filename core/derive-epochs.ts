/**
 * Epochs without a server: from the chain and the catalogue, one after the other, since each keeps out the zip codes of
 * those before it.
 */
import type { Epoch } from "../gen/zipnet/v1/epoch_pb.js";
import { type EpochInput, buildEpoch } from "./build-epoch.js";
import { epochIdOf, epochStartMs } from "./epoch-time.js";
import type { Block } from "./ports.js";

/** What epochs are derived from. */
export interface Derivation extends Omit<EpochInput, "number" | "seedBlock" | "recentEpochs"> {
  /** Numbers of the first and the last epoch to derive. */
  readonly first: number;
  readonly last: number;
  /** Epochs that are recorded: at least those of the first one's cooldown that exist. They are not derived again. */
  readonly before: readonly Epoch[];
  /** The first finalized block at or after a moment in unix milliseconds; undefined while there is none. */
  readonly seedBlockAt: (timeMs: number) => Promise<Block | undefined>;
}

/** What came of it. */
export interface Derived {
  /** Ascending. What the server signs when it records them, if it draws by the same rules from the same catalogue. */
  readonly epochs: readonly Epoch[];
  /** Epochs for which there is nothing, and why: no set of zip codes fits, or their block is not finalized yet. */
  readonly missing: readonly { readonly epochId: string; readonly reason: string }[];
}

/** Derives the epochs from the first to the last. Rejects as seedBlockAt does, and throws as buildEpoch does. */
export async function deriveEpochs(input: Derivation): Promise<Derived> {
  const { first, last, before, seedBlockAt, ...common } = input;
  const epochs: Epoch[] = [];
  const missing: { epochId: string; reason: string }[] = [];
  const recorded = new Set(before.map(({ number }) => number));
  for (let number = first; number <= last; number += 1) {
    if (recorded.has(number)) continue;
    const startMs = epochStartMs(number, input.epochLengthSeconds);
    const seedBlock = await seedBlockAt(startMs);
    if (seedBlock === undefined) {
      const reason = `no block at or after ${new Date(startMs).toISOString()} is finalized yet`;
      missing.push({ epochId: epochIdOf(startMs), reason });
      break;
    }
    const built = buildEpoch({ ...common, number, seedBlock, recentEpochs: [...before, ...epochs] });
    if (built.ok) epochs.push(built.epoch);
    else missing.push({ epochId: epochIdOf(startMs), reason: built.problem });
  }
  return { epochs, missing };
}
