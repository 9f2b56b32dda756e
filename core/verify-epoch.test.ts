import assert from "node:assert/strict";
import { clone, create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { readyCrypto, signerFromUri, verifySr25519 } from "../adapters/wallet/wallet.js";
import { type Epoch, EpochSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { type SignedRecord, SignedRecordSchema } from "../gen/zipnet/v1/record_pb.js";
import { buildEpoch } from "./build-epoch.js";
import { decodeCatalogue, encodeCatalogue } from "./catalogue.js";
import { deriveEpochs } from "./derive-epochs.js";
import { missingFromCooldown, ownerChanges } from "./epoch-history.js";
import { sha256Hex } from "./hash.js";
import type { Block } from "./ports.js";
import { defaultRules } from "./rules.js";
import { recordSigningBytes, sealRecord } from "./signed-record.js";
import { type EpochEvidence, epochDifferences } from "./verify-epoch.js";

const LENGTH_S = 14_400;
const FIRST = 123_000;
const rules = { ...defaultRules(LENGTH_S), targetListings: 2_000, cooldownEpochs: 3 };
const catalogue = encodeCatalogue(
  Array.from({ length: 300 }, (_, i) => ({
    zipCode: String(98_000 + i),
    state: "WA",
    place: `Place ${i}`,
    expectedListings: 50 + ((i * 37) % 200),
    source: "census",
    asOf: "2026-08-01",
  })),
);
const blockAt = (timeMs: number): Block => ({
  number: Math.ceil(timeMs / 12_000),
  hash: sha256Hex(new TextEncoder().encode(`block ${Math.ceil(timeMs / 12_000)}`)),
  parentHash: "00".repeat(32),
  timeMs: Math.ceil(timeMs / 12_000) * 12_000,
});
const startMsOf = (number: number): number => number * LENGTH_S * 1000;

describe("verifying an epoch", () => {
  let epochs: readonly Epoch[];
  let epoch: Epoch;
  const server = () => signerFromUri("//Server");

  before(async () => {
    await readyCrypto();
    const derived = await deriveEpochs({
      epochLengthSeconds: LENGTH_S,
      network: "local",
      netuid: 1,
      catalogue: catalogue.catalogue,
      catalogueSha256: catalogue.sha256,
      rules,
      first: FIRST,
      last: FIRST + 4,
      before: [],
      seedBlockAt: async (timeMs) => blockAt(timeMs),
    });
    assert.deepEqual(derived.missing, []);
    epochs = derived.epochs;
    epoch = epochs[4] ?? assert.fail();
  });

  const evidence = (change: Partial<EpochEvidence> = {}): EpochEvidence => ({
    signer: server().hotkey,
    verify: verifySr25519,
    network: "local",
    netuid: 1,
    seedBlock: blockAt(startMsOf(FIRST + 4)),
    catalogue: catalogue.bytes,
    recentEpochs: epochs.slice(0, 4),
    ...change,
  });

  /** Signs whatever it is, as a server that lies would. */
  function signed(message: Epoch, payload = toBinary(EpochSchema, message)): SignedRecord {
    const signature = server().sign(recordSigningBytes(EpochSchema.typeName, payload));
    return create(SignedRecordSchema, { type: EpochSchema.typeName, payload, signer: server().hotkey, signature });
  }
  function altered(change: (epoch: Epoch) => void): SignedRecord {
    const copy = clone(EpochSchema, epoch);
    change(copy);
    return signed(copy);
  }
  const fieldsOf = (record: SignedRecord, change: Partial<EpochEvidence> = {}): string[] =>
    epochDifferences(record, evidence(change)).map(({ field }) => field);

  it("finds nothing wrong with what the server records", () => {
    assert.deepEqual(epochDifferences(sealRecord(EpochSchema, epoch, server()), evidence()), []);
    assert.deepEqual(missingFromCooldown(epoch, epochs.slice(0, 4)), []);
  });

  it("names the signature when a stored byte was altered, and the signer when it is another", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (place, flip) => {
        const record = sealRecord(EpochSchema, epoch, server());
        const at = place % record.payload.length;
        record.payload[at] = (record.payload[at] ?? 0) ^ flip;
        assert.ok(fieldsOf(record).includes("signature"));
      }),
      { numRuns: 30 },
    );
    assert.ok(fieldsOf(sealRecord(EpochSchema, epoch, signerFromUri("//Other"))).includes("signer"));
  });

  const alterations: readonly (readonly [string, (epoch: Epoch) => void])[] = [
    ["number", (e) => void (e.number += 1)],
    ["id", (e) => void (e.id = "20260101T000000Z")],
    ["network", (e) => void (e.network = "test")],
    ["netuid", (e) => void (e.netuid = 2)],
    ["nonce", (e) => void (e.nonce = e.nonce.replace(/^./, (digit) => (digit === "0" ? "1" : "0")))],
    ["expected_listings", (e) => void (e.expectedListings += 1)],
    ["selection_version", (e) => void (e.selectionVersion = "zipnet-draw-v0")],
    ["seed_block.hash", (e) => void (e.seedBlock = { ...e.seedBlock, hash: "ab".repeat(32) } as typeof e.seedBlock)],
    ["seed_block.number", (e) => void (e.seedBlock = { ...e.seedBlock, number: 7 } as typeof e.seedBlock)],
    [
      "seed_block.time",
      (e) =>
        void (e.seedBlock = { ...e.seedBlock, time: timestampFromMs(startMsOf(e.number) + 1) } as typeof e.seedBlock),
    ],
    ["catalogue_sha256", (e) => void (e.catalogueSha256 = "cd".repeat(32))],
    ["close_time", (e) => void (e.closeTime = timestampFromMs(startMsOf(e.number + 1) + 1_000))],
  ];
  for (const [field, change] of alterations) {
    it(`names ${field} when the server itself signed another`, () => {
      const found = fieldsOf(altered(change));
      assert.ok(found.includes(field), found.join(", "));
    });
  }

  it("names exactly the zip codes that were exchanged, left out, added or altered by one", () => {
    const [one, two] = epoch.zipCodes.map(({ zipCode }) => zipCode);
    const outsider = catalogue.catalogue.entries.find(
      ({ zipCode }) => !epoch.zipCodes.some((z) => z.zipCode === zipCode),
    );
    const exchanged = altered((e) => {
      Object.assign(e.zipCodes[0] ?? {}, { zipCode: outsider?.zipCode });
    });
    const named = fieldsOf(exchanged);
    assert.ok(named.includes(`zip_codes[${one}]`) && named.includes(`zip_codes[${outsider?.zipCode}]`), named.join());
    assert.ok(fieldsOf(altered((e) => void e.zipCodes.splice(1, 1))).includes(`zip_codes[${two}]`));
    const digit = fieldsOf(altered((e) => void ((e.zipCodes[1] ?? assert.fail()).expectedListings += 1)));
    assert.deepEqual(digit, [`zip_codes[${two}].expected_listings`, "expected_listings"]);
  });

  it("names the catalogue when one byte of it differs, or when it is not there", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (place, flip) => {
        const bytes = Uint8Array.from(catalogue.bytes);
        const at = place % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        assert.deepEqual(fieldsOf(signed(epoch), { catalogue: bytes }), ["catalogue_sha256"]);
      }),
      { numRuns: 30 },
    );
    assert.deepEqual(fieldsOf(signed(epoch), { catalogue: undefined }), ["catalogue_sha256"]);
  });

  it("names seed, nonce and zip codes when the chain has another block", () => {
    const other = { ...blockAt(startMsOf(FIRST + 4)), hash: "0a".repeat(32) };
    const found = fieldsOf(signed(epoch), { seedBlock: other });
    assert.ok(found.includes("seed_block.hash") && found.includes("nonce"));
    assert.ok(found.some((field) => field.startsWith("zip_codes[")));
  });

  it("finds out when an epoch of the cooldown is kept back or another is put in its place", () => {
    const changed = clone(EpochSchema, epochs[3] ?? assert.fail());
    const wanted = epoch.zipCodes[0] ?? assert.fail();
    changed.zipCodes = [wanted];
    assert.ok(fieldsOf(signed(epoch), { recentEpochs: [changed] }).length > 0);
    assert.deepEqual(missingFromCooldown(epoch, epochs.slice(2, 4)), [FIRST + 1]);
  });

  it("finds unknown bytes behind the fields, and other things in place of an epoch", () => {
    const payload = Uint8Array.from([...toBinary(EpochSchema, epoch), 0xf8, 0x07, 0x01]);
    assert.deepEqual(fieldsOf(signed(epoch, payload)), ["payload"]);
    assert.deepEqual(fieldsOf(signed(epoch, Uint8Array.from([255]))), ["payload"]);
    const outside = altered((e) => void (e.rules = undefined as never));
    assert.ok(fieldsOf(outside).includes("rules"));
  });

  it("says what the owner changed, which is no fault", () => {
    assert.deepEqual(ownerChanges(epochs[3] ?? assert.fail(), epoch), []);
    const built = buildEpoch({
      number: FIRST + 4,
      epochLengthSeconds: LENGTH_S,
      network: "local",
      netuid: 1,
      catalogue: decodeCatalogue(catalogue.bytes),
      catalogueSha256: catalogue.sha256,
      rules: { ...rules, targetListings: 1_000 },
      seedBlock: blockAt(startMsOf(FIRST + 4)),
      recentEpochs: epochs.slice(0, 4),
    });
    assert.ok(built.ok);
    assert.deepEqual(fieldsOf(signed(built.epoch)), []);
    assert.deepEqual(ownerChanges(epochs[3] ?? assert.fail(), built.epoch), [
      { field: "rules.target_listings", expected: "2000", found: "1000" },
    ]);
  });
});
