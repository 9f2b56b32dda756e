import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Epoch, EpochSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { type EpochInput, buildEpoch, drawSeed, epochNonce, lastDrawnBefore } from "./build-epoch.js";
import { decodeCatalogue, encodeCatalogue } from "./catalogue.js";
import { violationsOf } from "./constraints.js";
import { drawPool, eligibleEntries } from "./draw/pool.js";
import { epochNumberAt } from "./epoch-time.js";
import { bytesToHex } from "./hash.js";
import { defaultRules } from "./rules.js";
import { EPOCH_ID, SHA, START_MS } from "./samples.test-support.js";

const LENGTH_S = 14_400;

const entries = Array.from({ length: 400 }, (_, i) => ({
  zipCode: String(98_000 + i),
  state: "WA",
  place: `Place ${i}`,
  expectedListings: 50 + ((i * 37) % 300),
  source: "census",
  asOf: "2026-08-01",
}));
const { catalogue, sha256 } = encodeCatalogue(entries);

const input: EpochInput = {
  number: epochNumberAt(START_MS, LENGTH_S),
  epochLengthSeconds: LENGTH_S,
  network: "local",
  netuid: 46,
  catalogue,
  catalogueSha256: sha256,
  rules: defaultRules(LENGTH_S),
  seedBlock: { number: 1_234, hash: SHA, parentHash: SHA, timeMs: START_MS + 3_250 },
  recentEpochs: [],
};

function built(change: Partial<EpochInput> = {}): Epoch {
  const result = buildEpoch({ ...input, ...change });
  assert.ok(result.ok, result.ok ? "" : result.problem);
  return result.epoch;
}

describe("building an epoch", () => {
  it("fills every field from its input", () => {
    const epoch = built();
    assert.deepEqual(violationsOf(EpochSchema, epoch), []);
    assert.equal(epoch.id, EPOCH_ID);
    assert.equal(epoch.number, input.number);
    assert.equal(Number(epoch.closeTime?.seconds) * 1_000, START_MS + 14_400_000);
    assert.equal(epoch.catalogueSha256, sha256);
    assert.equal(epoch.selectionVersion, "zipnet-draw-v1");
    assert.equal(epoch.seedBlock?.number, 1_234);
    assert.deepEqual(epoch.rules, input.rules);
    for (const { zipCode, expectedListings, state, place } of epoch.zipCodes) {
      const entry = entries.find((candidate) => candidate.zipCode === zipCode);
      assert.deepEqual(
        { expectedListings, state, place },
        { expectedListings: entry?.expectedListings, state: "WA", place: entry?.place },
      );
    }
  });

  it("gives the same bytes for the same input, whatever the order of rows and of recent epochs", () => {
    const bytes = toBinary(EpochSchema, built());
    const again = encodeCatalogue([...entries].reverse());
    assert.equal(again.sha256, sha256);
    assert.deepEqual(toBinary(EpochSchema, built({ catalogue: decodeCatalogue(again.bytes) })), bytes);
    const before = built({ number: input.number - 1 });
    const twoBefore = built({ number: input.number - 2, recentEpochs: [before] });
    const one = built({ recentEpochs: [before, twoBefore] });
    assert.deepEqual(toBinary(EpochSchema, built({ recentEpochs: [twoBefore, before] })), toBinary(EpochSchema, one));
  });

  it("depends on the block, the network, the subnet and the epoch", () => {
    const first = built();
    const others = [
      built({ seedBlock: { ...input.seedBlock, hash: SHA.replace("0", "1") } }),
      built({ network: "test" }),
      built({ netuid: 47 }),
      built({ number: input.number - 1 }),
    ];
    for (const other of others) {
      assert.notEqual(other.nonce, first.nonce);
      assert.notDeepEqual(other.zipCodes, first.zipCodes);
    }
  });

  it("derives seed and nonce as the comments say", () => {
    const scope = { network: "local", netuid: 46, epochId: EPOCH_ID, blockHash: SHA };
    const byNode = (purpose: string) =>
      createHash("sha256").update(`${purpose}\nlocal\n46\n${EPOCH_ID}\n${SHA}`).digest("hex");
    assert.equal(bytesToHex(drawSeed(scope)), byNode("zipnet-draw-v1"));
    assert.equal(epochNonce(scope), byNode("zipnet-nonce-v1").slice(0, 32));
    assert.equal(built().nonce, epochNonce(scope));
  });

  it("leaves out what the cooldown's epochs had, and nothing longer ago", () => {
    const rules = { ...defaultRules(LENGTH_S), cooldownEpochs: 2 };
    const epochOf = (ago: number, zipCode: string) =>
      create(EpochSchema, { number: input.number - ago, zipCodes: [{ zipCode }] });
    const recent = [epochOf(0, "98000"), epochOf(1, "98001"), epochOf(2, "98002"), epochOf(3, "98003")];
    const lastDrawn = lastDrawnBefore(input.number, recent);
    assert.deepEqual([...lastDrawn].sort(), [
      ["98001", input.number - 1],
      ["98002", input.number - 2],
      ["98003", input.number - 3],
    ]);
    const eligible = new Set(eligibleEntries(drawPool(catalogue, rules), input.number, lastDrawn));
    const waiting = catalogue.entries.filter((entry) => !eligible.has(entry)).map(({ zipCode }) => zipCode);
    assert.deepEqual(waiting, ["98001", "98002"]);
    const before = built({ number: input.number - 1 });
    const drawnBefore = new Set(before.zipCodes.map((entry) => entry.zipCode));
    const next = built({ recentEpochs: [before] });
    assert.ok(next.zipCodes.every((entry) => !drawnBefore.has(entry.zipCode)));
  });

  it("passes on why nothing can be drawn, and refuses a block from before the start", () => {
    const result = buildEpoch({ ...input, rules: { ...input.rules, targetListings: 1_000_000 } });
    assert.ok(!result.ok && result.problem.includes("lower target_listings to at most"));
    const early = { ...input.seedBlock, timeMs: START_MS - 1 };
    assert.throws(() => built({ seedBlock: early }), { reason: "INVALID_FIELD" });
  });
});

describe("the catalogue", () => {
  it("is read back as it was written, and named by its bytes", () => {
    const { bytes } = encodeCatalogue(entries);
    assert.deepEqual(decodeCatalogue(bytes), catalogue);
    assert.equal(createHash("sha256").update(bytes).digest("hex"), sha256);
  });

  it("refuses a zip code that stands there twice, and bytes that are none", () => {
    assert.throws(() => encodeCatalogue([...entries, { ...entries[0], place: "Elsewhere" }]), /entries\[1\]\.zip_code/);
    assert.throws(() => decodeCatalogue(new Uint8Array([255, 255])), { reason: "INVALID_FIELD" });
    assert.throws(() => decodeCatalogue(new Uint8Array()), { reason: "INVALID_FIELD" });
  });
});
