/**
 * Rings while Redis is flushed, killed, hung, paused, trimmed and its connections are cut, in any order: every ring that
 * Redis took is heard, as its note or as a ring without one that came after it.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Redis } from "ioredis";
import { freePort, waitUntil } from "../../test/parts/programs.js";
import { redisMissing, startRedis, type StartedRedis } from "../../test/parts/redis.js";
import { redisCache } from "./redis-cache.js";

const missing = redisMissing();
const SEEDS = [1, 2, 3, 4, 5, 6];
const STEPS = 25;
/** So long that no ring is heard by it. */
const NEVER_MS = 3_600_000;
const STREAM = "bell/doorbell";

type Step = "ring" | "flush" | "kill" | "hang" | "pause" | "trim" | "cut";

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Step>("ring") },
  { weight: 3, arbitrary: fc.constant<Step>("cut") },
  { weight: 4, arbitrary: fc.constantFrom<Step>("flush", "kill", "hang", "pause", "trim") },
);

/** Plays the steps of a seed; the rings that Redis took and nobody heard of. */
async function unheard(seed: number): Promise<number[]> {
  const [steps = []] = fc.sample(fc.array(step, { minLength: STEPS, maxLength: STEPS }), { seed, numRuns: 1 });
  const port = await freePort();
  const begin = async (): Promise<StartedRedis> => {
    const started = await startRedis(port);
    assert.ok(!("missing" in started));
    return started;
  };
  let redis = await begin();
  const open = () => redisCache({ url: redis.url, keyPrefix: "bell/", spuriousRingIntervalMs: NEVER_MS });
  const [here, there] = await Promise.all([open(), open()]);
  const operator = new Redis(redis.url, { maxRetriesPerRequest: null });
  operator.on("error", () => undefined);
  const heard = new Set<number>();
  const taken = new Set<number>();
  there.onRing("epoch", (notes) => {
    // Without a note it stands for all that Redis had taken by then.
    for (const ring of notes.length === 0 ? taken : []) heard.add(ring);
    for (const note of notes) heard.add(Number(new TextDecoder().decode(note)));
  });
  const missed = (): number[] => [...taken].filter((ring) => !heard.has(ring));

  let number = 0;
  const play: Record<Step, () => Promise<unknown>> = {
    async ring() {
      number += 1;
      const mine = number;
      const isTaken = here.ring("epoch", new TextEncoder().encode(String(mine))).then(() => true);
      if (await isTaken.catch(() => false)) taken.add(mine);
    },
    flush: () => operator.flushall(),
    async kill() {
      await redis.kill();
      redis = await begin();
    },
    async hang() {
      redis.suspend();
      await play.ring();
      redis.resume();
    },
    pause: () => operator.client("PAUSE", 300),
    trim: () => operator.xtrim(STREAM, "MAXLEN", 0),
    // Only those that wait for rings: the next steps come while they are away.
    async cut() {
      const clients = String(await operator.client("LIST")).split("\n");
      const readers = clients.filter((line) => line.includes("cmd=xread"));
      for (const line of readers) await operator.client("KILL", "ID", /id=(\d+)/.exec(line)?.[1] ?? "");
    },
  };
  try {
    for (const next of steps) await play[next]();
    await waitUntil("every ring to be heard", 10_000, async () => missed().length === 0).catch(() => {});
    return missed();
  } finally {
    await Promise.all([here, there].map((cache) => cache.close()));
    operator.disconnect();
    await redis.stop();
  }
}

(missing === undefined ? describe : describe.skip)(
  `the doorbell in a Redis that suffers${missing === undefined ? "" : `: ${missing}`}`,
  function () {
    this.timeout(90_000);

    it(`loses no ring, by ${SEEDS.length} seeds`, async () => {
      const lost = await Promise.all(SEEDS.map(async (seed) => [seed, await unheard(seed)] as const));
      assert.deepEqual(
        lost.filter(([, rings]) => rings.length > 0),
        [],
      );
    });
  },
);
