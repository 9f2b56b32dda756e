/**
 * Finding the block that seeds a draw or a sample: the first finalized one at or after a moment.
 *
 * Block times only grow, so the block is bracketed between one before the moment and one at or after it, and the
 * bracket is narrowed until the two are parent and child. On a regular chain that takes about three reads, on any
 * chain at most about twice the binary logarithm of the distance.
 */
import { ZipnetError } from "./errors.js";
import type { Block } from "./ports.js";

/** The first guess of the time between two blocks; the chain's own pace replaces it after one read. */
const USUAL_BLOCK_MS = 12_000;

type ReadBlock = (number: number) => Promise<Block | undefined>;

/**
 * The first finalized block with a time at or after the moment; undefined when none is finalized yet. Block 0 counts
 * when the moment is before the chain began.
 *
 * @param newest the newest finalized block.
 * @param read reads a finalized block by number.
 * Throws ZipnetError UNAVAILABLE when a block up to the newest cannot be read, or the answers do not fit together.
 */
export async function firstBlockAtOrAfter(timeMs: number, newest: Block, read: ReadBlock): Promise<Block | undefined> {
  if (newest.timeMs < timeMs) return undefined;
  const readChecked = async (number: number): Promise<Block> => {
    const block = await read(number);
    if (block?.number === number) return block;
    const what = block === undefined ? "no block" : `block ${block.number}`;
    throw new ZipnetError(
      "UNAVAILABLE",
      `the chain answers with ${what} for number ${number}, though block ${newest.number} is finalized; try again later`,
    );
  };
  let { before, after } = await bracket(timeMs, newest, readChecked);
  if (before === undefined) return after;
  for (let bisect = false; after.number - before.number > 1; bisect = !bisect) {
    // Interpolation is quick where blocks come evenly; halving every other time bounds the reads where they do not.
    const block = await readChecked(between(timeMs, before, after, bisect));
    if (block.timeMs >= timeMs) after = block;
    else before = block;
  }
  if (after.parentHash !== before.hash) {
    const message = `the chain's blocks ${before.number} and ${after.number} are not parent and child; try again later`;
    throw new ZipnetError("UNAVAILABLE", message);
  }
  return after;
}

/** A block before the moment, none when block 0 is not before it, and one at or after it, near to each other. */
async function bracket(timeMs: number, newest: Block, read: (number: number) => Promise<Block>) {
  let after = newest;
  let blockMs = USUAL_BLOCK_MS;
  for (let reach = 1; after.number > 0; reach *= 2) {
    const distance = Math.floor((after.timeMs - timeMs) / blockMs) + reach;
    const block = await read(Math.max(0, after.number - distance));
    if (block.timeMs < timeMs) return { before: block, after };
    blockMs = Math.max(1, (newest.timeMs - block.timeMs) / (newest.number - block.number));
    after = block;
  }
  return { before: undefined, after };
}

/** Number of a block strictly between the two: the middle one, or where the moment falls if blocks come evenly. */
function between(timeMs: number, before: Block, after: Block, bisect: boolean): number {
  const gap = after.number - before.number;
  const part = bisect ? 0.5 : (timeMs - before.timeMs) / (after.timeMs - before.timeMs);
  return before.number + Math.min(gap - 1, Math.max(1, Math.floor(gap * part)));
}
