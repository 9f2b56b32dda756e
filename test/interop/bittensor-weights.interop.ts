/**
 * Weights and their commits, between ours and the Bittensor tools in Python.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { timelockCommit } from "../../adapters/chain/subtensor/timelock/commit.js";
import { openWithSignature } from "../../adapters/chain/subtensor/timelock/container.js";
import { decodePayload, encodePayload } from "../../adapters/chain/subtensor/timelock/payload.js";
import { revealBlock } from "../../adapters/chain/subtensor/timelock/epoch-schedule.js";
import { revealRound } from "../../adapters/chain/subtensor/timelock/reveal-round.js";
import { U16_MAX, maxUpscaled } from "../../core/weights.js";
import { askSdk, hex, missingSdk, unhex } from "./bittensor-sdk.js";

/**
 * Every weight in the compared rows that falls exactly between two numbers and of which the tools make the lower one: they
 * round halves to the even number. The chain rounds them up, as we do, when it scales a row itself.
 */
const DIFFERING = {
  "1500 of 5000": "19661, not 19660",
  "500 of 3000": "10923, not 10922",
  "250 of 1500": "10923, not 10922",
};

const SDK = missingSdk === undefined ? describe : describe.skip;
const why = missingSdk === undefined ? "" : ` (${missingSdk})`;

/** Rows as our judgements have them, shares in basis points, and rows of anything. */
const shares = fc.constantFrom(5_000, 3_000, 1_500, 500, 250, 125, 1);
const anything = fc.integer({ min: 0, max: U16_MAX });
const row = fc
  .oneof(fc.array(shares, { minLength: 1, maxLength: 256 }), fc.array(anything, { minLength: 1, maxLength: 256 }))
  .filter((weights) => weights.some((weight) => weight > 0));

SDK(`u16 weights of the Bittensor tools${why}`, () => {
  it("are ours for 1,000 random rows, but where a weight falls exactly between two numbers", async () => {
    const rows = fc.sample(row, { numRuns: 1_000, seed: 7 });
    const theirs = await askSdk<Record<string, number>[]>("quantize", rows);
    const differing = new Map<string, string>();
    for (const [index, weights] of rows.entries()) {
      const ours = maxUpscaled(weights);
      const largest = Math.max(...weights);
      for (const [uid, weight] of weights.entries()) {
        const [own = 0, their = 0] = [ours[uid], theirs[index]?.[uid]];
        if (own === their) continue;
        const twice = (2n * BigInt(weight) * BigInt(U16_MAX)) / BigInt(largest);
        assert.equal((2n * BigInt(weight) * BigInt(U16_MAX)) % BigInt(largest), 0n, `${weight} of ${largest}`);
        assert.equal(twice % 2n, 1n, `${weight} of ${largest} falls exactly between two numbers`);
        assert.deepEqual([own, their], [Number(twice + 1n) / 2, Number(twice - 1n) / 2], "ours is the upper one");
        differing.set(`${weight} of ${largest}`, `${own}, not ${their}`);
      }
    }
    assert.deepEqual(Object.fromEntries(differing), DIFFERING);
  });
});

/** What drand's quicknet published for its round 1,000, and when. */
const SIGNATURE_1000 =
  "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39";
const ROUND_1000_SECONDS = 1_692_803_367 + 3 * 1_000;

const PAYLOAD = {
  hotkey: Uint8Array.from({ length: 32 }, (_, index) => 255 - index),
  weights: Array.from({ length: 256 }, (_, uid) => ({ uid, weightU16: (uid * 257) % 65_536 })),
  versionKey: 100n,
};
const THEIR_PAYLOAD = {
  hotkey: hex(PAYLOAD.hotkey),
  uids: PAYLOAD.weights.map(({ uid }) => uid),
  weights: PAYLOAD.weights.map(({ weightU16 }) => weightU16),
  version_key: Number(PAYLOAD.versionKey),
};

interface Commit {
  readonly commit: string;
  readonly round: number;
  /** Unix seconds. */
  readonly before: number;
  readonly after: number;
}

/** A subnet's epochs in any state, and how long a commit waits. */
const schedule = fc
  .record({
    currentBlock: fc.integer({ min: 1_000, max: 10_000_000 }),
    sinceEpoch: fc.integer({ min: 0, max: 900 }),
    pendingIn: fc.option(fc.integer({ min: -5, max: 500 }), { nil: undefined }),
    subnetEpochIndex: fc.integer({ min: 0, max: 100_000 }),
    tempo: fc.constantFrom(2, 10, 99, 360, 361, 720, 50_400),
    overdue: fc.boolean(),
    revealPeriodEpochs: fc.integer({ min: 1, max: 5 }),
    blockTimeMs: fc.constantFrom(250, 12_000),
  })
  .map(({ currentBlock, sinceEpoch, pendingIn, overdue, ...others }) => ({
    ...others,
    currentBlock,
    lastEpochBlock: currentBlock - sinceEpoch,
    pendingEpochAt: pendingIn === undefined ? 0 : currentBlock + pendingIn,
    blocksSinceLastStep: overdue ? 50_401 : sinceEpoch,
  }));
type Schedule = typeof schedule extends fc.Arbitrary<infer T> ? T : never;

const theirSchedule = (own: Schedule, blockTimeSeconds: number): object => ({
  last_epoch_block: own.lastEpochBlock,
  pending_epoch_at: own.pendingEpochAt,
  subnet_epoch_index: own.subnetEpochIndex,
  tempo: own.tempo,
  blocks_since_last_step: own.blocksSinceLastStep,
  current_block: own.currentBlock,
  subnet_reveal_period_epochs: own.revealPeriodEpochs,
  block_time: blockTimeSeconds,
});

SDK(`commits of weights of the Bittensor tools${why}`, () => {
  it("are for the round that we compute, for 100 random schedules", async () => {
    const schedules = fc.sample(schedule, { numRuns: 100, seed: 7 });
    const given = {
      payload: THEIR_PAYLOAD,
      schedules: schedules.map((own) => theirSchedule(own, own.blockTimeMs / 1e3)),
    };
    for (const [library, commits] of Object.entries(await askSdk<Record<string, Commit[]>>("commit", given))) {
      assert.equal(commits.length, 100);
      for (const [index, { round, before, after }] of commits.entries()) {
        const own = schedules[index] ?? assert.fail();
        // The tools take the time themselves, between these two.
        const [earliest, latest] = [before, after].map((time) => revealRound(own, { ...own, nowMs: time * 1_000 }));
        assert.ok(earliest !== undefined && latest !== undefined);
        assert.ok(earliest <= round && round <= latest, `${library}: ${round}, not ${latest}, ${JSON.stringify(own)}`);
      }
    }
  });

  it("hold the payload that we make, byte for byte", async () => {
    const own = fc.sample(schedule, { numRuns: 1, seed: 7 })[0] ?? assert.fail();
    // Time runs backwards, to a round whose signature is known.
    const blocks = revealBlock(own, own.revealPeriodEpochs) + 3 - own.currentBlock;
    const moment = ROUND_1000_SECONDS + 1.5;
    const given = { payload: THEIR_PAYLOAD, schedules: [theirSchedule(own, 12)], moment, blocks };
    for (const commits of Object.values(await askSdk<Record<string, Commit[]>>("commit", given))) {
      assert.equal(commits[0]?.round, 1_000);
      const opened = openWithSignature(unhex(commits[0].commit), SIGNATURE_1000);
      assert.equal(hex(opened), hex(encodePayload(PAYLOAD)));
      assert.deepEqual(decodePayload(opened), PAYLOAD);
    }
  });

  it("of ours are opened by the tools", async () => {
    const sealed = [PAYLOAD, { ...PAYLOAD, weights: PAYLOAD.weights.slice(0, 1) }];
    const opened = await askSdk<Record<string, string[]>>("open_seals", {
      round: 1_000,
      signature: SIGNATURE_1000,
      sealed: sealed.map((payload) => hex(timelockCommit(payload, 1_000, randomBytes))),
    });
    const expected = sealed.map((payload) => hex(encodePayload(payload)));
    assert.deepEqual(opened, { bittensor_core: expected, bittensor_drand: expected });
  });
});
