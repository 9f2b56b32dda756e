import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ZipnetError } from "../../core/errors.js";
import type { Block, Chain } from "../../core/ports.js";
import { firstBlockAtOrAfter } from "../../core/seed-block.js";
import { type SeedBlock, SeedBlockSchema } from "../../gen/zipnet/v1/record_pb.js";

/** The first finalized block with a timestamp at or after the moment; waits until there is one. */
export async function waitForSeedBlock(chain: Chain, timeMs: number, signal: AbortSignal): Promise<Block> {
  // The watch has a signal of its own: leaving a loop is no promise that what it looped over stops.
  const watch = new AbortController();
  const watchSignal = AbortSignal.any([signal, watch.signal]);
  try {
    for await (const newest of chain.watchFinalized(watchSignal)) {
      const found = await firstBlockAtOrAfter(timeMs, newest, (number) => chain.block(number, signal));
      if (found !== undefined) return found;
    }
  } finally {
    watch.abort();
  }
  signal.throwIfAborted();
  throw new ZipnetError("UNAVAILABLE", "the chain's stream of finalized blocks ended");
}

/** A block as records name it. */
export function seedBlockOf(block: Block): SeedBlock {
  return create(SeedBlockSchema, { number: block.number, hash: block.hash, time: timestampFromMs(block.timeMs) });
}
