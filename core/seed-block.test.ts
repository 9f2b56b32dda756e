import assert from "node:assert/strict";
import fc from "fast-check";
import { bytesToHex, sha256Of } from "./hash.js";
import type { Block } from "./ports.js";
import { firstBlockAtOrAfter } from "./seed-block.js";

const hashOf = (number: number): string => (number < 0 ? "0".repeat(64) : bytesToHex(sha256Of(`block ${number}`)));

/** A chain whose blocks come after the gaps; block 0 at the start. */
function chainOf(startMs: number, gapsMs: readonly number[]): Block[] {
  let timeMs = startMs;
  return [0, ...gapsMs].map((gap, number) => {
    timeMs += gap;
    return { number, hash: hashOf(number), parentHash: hashOf(number - 1), timeMs };
  });
}

/** Reads from a chain and counts. */
function reader(chain: readonly Block[]) {
  const reads: number[] = [];
  return { reads, read: async (number: number) => (reads.push(number), chain[number]) };
}

async function search(chain: readonly Block[], timeMs: number) {
  const { reads, read } = reader(chain);
  const found = await firstBlockAtOrAfter(timeMs, chain.at(-1) as Block, read);
  return { found, reads };
}

describe("the seed block", () => {
  it("is what a linear scan finds, on chains of any rhythm", async () => {
    const gap = fc.oneof(
      fc.integer({ min: 1, max: 30_000 }),
      fc.constant(12_000),
      fc.integer({ min: 1, max: 5_000_000 }),
    );
    const input = fc.record({
      start: fc.integer({ min: 0, max: 1_000_000 }),
      gaps: fc.array(gap, { minLength: 0, maxLength: 300 }),
      part: fc.double({ min: -0.1, max: 1.1, noNaN: true }),
    });
    const property = fc.asyncProperty(input, async ({ start, gaps, part }) => {
      const chain = chainOf(start, gaps);
      const lastMs = chain.at(-1)?.timeMs ?? 0;
      const timeMs = Math.round(start + (lastMs - start) * part);
      const { found, reads } = await search(chain, timeMs);
      assert.deepEqual(
        found,
        chain.find((block) => block.timeMs >= timeMs),
      );
      assert.ok(
        reads.length <= 3 * Math.ceil(Math.log2(chain.length + 1)) + 3,
        `${reads.length} reads of ${chain.length}`,
      );
    });
    await fc.assert(property, { numRuns: 500 });
  });

  it("is found at exactly its own time, and not one millisecond later", async () => {
    const chain = chainOf(1_000, Array<number>(50).fill(12_000));
    for (const block of chain) {
      assert.deepEqual((await search(chain, block.timeMs)).found, block);
      assert.deepEqual((await search(chain, block.timeMs + 1)).found, chain[block.number + 1]);
    }
  });

  it("takes few reads on a chain of millions of blocks", async () => {
    const blockAt = (number: number): Block => ({
      number,
      hash: hashOf(number),
      parentHash: hashOf(number - 1),
      timeMs: number * 12_000 + ((number * 7_919) % 4_000),
    });
    for (const back of [1, 300, 1_200, 100_000, 5_999_999]) {
      const timeMs = (6_000_000 - back) * 12_000;
      let reads = 0;
      const found = await firstBlockAtOrAfter(
        timeMs,
        blockAt(6_000_000),
        async (number) => ((reads += 1), blockAt(number)),
      );
      assert.equal(found?.number, 6_000_000 - back);
      assert.ok(reads <= 8, `${reads} reads for ${back} blocks back`);
    }
  });

  it("does not exist before the chain reaches the moment, and nothing is read for it", async () => {
    const { found, reads } = await search(chainOf(0, [12_000]), 12_001);
    assert.equal(found, undefined);
    assert.deepEqual(reads, []);
  });

  it("is refused when the chain hides a finalized block or its blocks do not fit together", async () => {
    const chain = chainOf(0, Array<number>(20).fill(12_000));
    const newest = chain.at(-1) as Block;
    await assert.rejects(
      firstBlockAtOrAfter(60_000, newest, async () => undefined),
      { reason: "UNAVAILABLE" },
    );
    const forked = chain.map((block) => ({ ...block, parentHash: hashOf(block.number + 100) }));
    await assert.rejects(
      firstBlockAtOrAfter(60_000, newest, async (number) => forked[number]),
      { reason: "UNAVAILABLE" },
    );
    await assert.rejects(
      firstBlockAtOrAfter(60_000, newest, async (number) => chain[number + 1]),
      { reason: "UNAVAILABLE" },
    );
  });
});
