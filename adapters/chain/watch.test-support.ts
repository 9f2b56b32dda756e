/** Waiting for the chain in tests. */
import type { Block, Chain, Metagraph } from "../../core/ports.js";

const never = new AbortController().signal;

/** Reads the metagraph at every finalized block until it is as wanted. */
export async function metagraphWhen(chain: Chain, wanted: (metagraph: Metagraph) => boolean): Promise<Metagraph> {
  for await (const _block of chain.watchFinalized(never)) {
    const metagraph = await chain.metagraph(never);
    if (wanted(metagraph)) return metagraph;
  }
  throw new Error("the watch ended");
}

/** The next finalized blocks that come. */
export async function take(blocks: AsyncIterable<Block>, count: number): Promise<Block[]> {
  const taken: Block[] = [];
  for await (const block of blocks) {
    taken.push(block);
    if (taken.length === count) break;
  }
  return taken;
}
