import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { timelockCommit } from "./commit.js";
import { openWithSignature, sealForRound } from "./container.js";
import { type EpochSchedule, revealBlock } from "./epoch-schedule.js";
import { decodePayload, encodePayload } from "./payload.js";
import { roundAt } from "./quicknet.js";
import { revealRound } from "./reveal-round.js";

/** What drand's quicknet published for its round 1,000. */
const SIGNATURE_1000 =
  "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39";

const PAYLOAD = {
  hotkey: Uint8Array.from({ length: 32 }, (_, index) => index),
  weights: [
    { uid: 0, weightU16: 65_535 },
    { uid: 7, weightU16: 39_321 },
    { uid: 258, weightU16: 1 },
  ],
  versionKey: 100n,
};

/** PAYLOAD in SCALE, and sealed for round 1,000, both by the package bittensor-core 0.1.5. */
const THEIR_PAYLOAD =
  "80000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0c0000070002010cffff999901006400000000000000";
const THEIR_CONTAINER =
  "8fa256e069e060615894b17706aba4fbf66d14ecc9ae281fd03ae8f4269f9b3b677ef20c194e852149acc0f9280c22a8187e" +
  "3019490c39b989d0abe56eca355216069c6b004ebe000adc95b51b82546688ed5197f1ba852b174cd9911cb3755e20000000" +
  "0000000045ce806fe085be5ce19c97c358a66cf83d9f2424d0f7f73417db456b03c3d47220000000000000001fbd36956fc6" +
  "b9a445a5026420ae174304254e31859674ad8b5e7c24cb63dbe963000000000000004700000000000000b859ab0daa10958f" +
  "1fac18bae36951b453c38fbc1245c8c66bc574bb964d29acb29f0ca3e294111c2e35e204c83788b2f662e6de9446a0947f33" +
  "ebf29263b3ebcb74cc712e77bf0c00000000000000c9b2fad6bcac3f661594c1bc08000000000000004145535f47434d5f";

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

describe("timelock", () => {
  it("opens what the chain's own library sealed", () => {
    const opened = openWithSignature(bytesOf(THEIR_CONTAINER), SIGNATURE_1000);
    assert.equal(Buffer.from(opened).toString("hex"), THEIR_PAYLOAD);
    assert.deepEqual(decodePayload(opened), PAYLOAD);
  });

  it("makes commits that the signature of their round opens, to the very bytes that the runtime reads", () => {
    const commit = timelockCommit(PAYLOAD, 1_000, randomBytes);
    assert.equal(commit.length, bytesOf(THEIR_CONTAINER).length);
    assert.equal(Buffer.from(openWithSignature(commit, SIGNATURE_1000)).toString("hex"), THEIR_PAYLOAD);
    assert.notDeepEqual(timelockCommit(PAYLOAD, 1_000, randomBytes), commit, "the randomness is in it");
  });

  it("does not open with the signature of another round", () => {
    const commit = timelockCommit(PAYLOAD, 1_001, randomBytes);
    assert.throws(() => openWithSignature(commit, SIGNATURE_1000), /not that of the round/);
  });

  it("refuses what is no container", () => {
    const commit = sealForRound(new Uint8Array(3), 1_000, randomBytes);
    assert.throws(() => openWithSignature(commit.subarray(0, -1), SIGNATURE_1000), /ends too early/);
    assert.throws(() => openWithSignature(Uint8Array.of(...commit, 0), SIGNATURE_1000), /bytes behind its end/);
    const otherSuite = Uint8Array.from(commit);
    otherSuite.set([0], commit.length - 1);
    assert.throws(() => openWithSignature(otherSuite, SIGNATURE_1000), /no timelock container/);
    const firstOfBody = 96 + 8 + 32 + 8 + 32 + 8 + 8;
    const altered = commit.map((byte, index) => (index === firstOfBody ? byte ^ 1 : byte));
    assert.throws(() => openWithSignature(altered, SIGNATURE_1000), /authenticate/);
  });
});

describe("the payload of a commit", () => {
  it("is read back from its bytes, whatever it holds", () => {
    const plain = { noNullPrototype: true };
    const weight = fc.record(
      {
        uid: fc.integer({ min: 0, max: 65_535 }),
        weightU16: fc.integer({ min: 0, max: 65_535 }),
      },
      plain,
    );
    const payload = fc.record(
      {
        hotkey: fc.uint8Array({ minLength: 32, maxLength: 32 }),
        weights: fc.array(weight, { maxLength: 300 }),
        versionKey: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      },
      plain,
    );
    fc.assert(fc.property(payload, (sent) => assert.deepEqual(decodePayload(encodePayload(sent)), sent)));
  });

  it("is refused when it is cut off, too long, or holds what the runtime's types do not", () => {
    const bytes = encodePayload(PAYLOAD);
    assert.throws(() => decodePayload(bytes.subarray(0, -1)), /ends too early/);
    assert.throws(() => decodePayload(Uint8Array.of(...bytes, 0)), /malformed/);
    const tooLarge = { ...PAYLOAD, weights: [{ uid: 0, weightU16: 65_536 }] };
    assert.throws(() => encodePayload(tooLarge), RangeError);
    assert.throws(() => encodePayload({ ...PAYLOAD, versionKey: -1n }), RangeError);
  });
});

describe("the reveal of a commit", () => {
  const base: EpochSchedule = {
    currentBlock: 1_000,
    lastEpochBlock: 900,
    pendingEpochAt: 0,
    subnetEpochIndex: 5,
    tempo: 360,
    blocksSinceLastStep: 100,
  };

  const cases: readonly [string, Partial<EpochSchedule>, number, number][] = [
    ["comes with the next epoch", {}, 1, 1_260],
    ["comes so many epochs later", {}, 3, 1_980],
    ["counts from the next epoch when the commit falls on its block", { currentBlock: 1_259 }, 1, 1_620],
    ["follows an epoch that the owner triggered", { pendingEpochAt: 1_100 }, 1, 1_100],
    ["counts on from the triggered epoch", { pendingEpochAt: 1_100 }, 2, 1_460],
    ["follows an epoch that is overdue by its count of blocks", { blocksSinceLastStep: 50_400 }, 1, 1_002],
    ["begins where the cycle was reset", { currentBlock: 10, lastEpochBlock: 10, tempo: 50 }, 1, 60],
  ];
  for (const [what, over, period, expected] of cases) {
    it(what, () => assert.equal(revealBlock({ ...base, ...over }, period), expected));
  }

  it("is refused for a subnet without epochs", () => {
    assert.throws(() => revealBlock({ ...base, tempo: 0 }, 1), /tempo is 0/);
  });

  it("is a hundred of the longest epochs away in no time", () => {
    assert.equal(revealBlock({ ...base, tempo: 50_400 }, 100), 900 + 100 * 50_400);
  });

  it("takes the round that is published three blocks after the opening one", () => {
    const nowMs = 1_700_000_000_000;
    const round = revealRound(base, { revealPeriodEpochs: 1, nowMs, blockTimeMs: 12_000 });
    assert.equal(round, roundAt(nowMs + (1_260 + 3 - 1_000) * 12_000));
    assert.equal(roundAt(1_692_803_367_000 + 3_000 * 1_000), 1_000);
    assert.equal(roundAt(0), 1);
  });
});
