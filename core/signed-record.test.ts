import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type SignedRecord, SignedRecordSchema } from "../gen/zipnet/v1/record_pb.js";
import { ManifestSchema, ReceiptSchema } from "../gen/zipnet/v1/submission_pb.js";
import { violationsOf } from "./constraints.js";
import { InvalidFieldsError } from "./errors.js";
import { sha256Hex, utf8ToBytes } from "./hash.js";
import type { Signer, VerifySignature } from "./ports.js";
import { HOTKEY_A, HOTKEY_B, sample } from "./samples.test-support.js";
import {
  decodeRecord,
  encodeRecord,
  openRecord,
  payloadSha256,
  recordSigningBytes,
  sealRecord,
} from "./signed-record.js";

/** A signature for tests: only its dependence on hotkey and bytes matters. */
function signatureOf(bytes: Uint8Array, hotkey: string): Uint8Array {
  return new Uint8Array(createHmac("sha512", hotkey).update(bytes).digest());
}

function signerOf(hotkey: string): Signer {
  return { hotkey, sign: (bytes) => signatureOf(bytes, hotkey) };
}

const verify: VerifySignature = (bytes, signature, hotkey) =>
  Buffer.compare(signature, signatureOf(bytes, hotkey)) === 0;

const receipt = sample(ReceiptSchema);
const sealed = sealRecord(ReceiptSchema, receipt, signerOf(HOTKEY_A));

function refuses(change: Partial<SignedRecord>, expectedSigner: string | undefined, message: RegExp): void {
  const record = { ...sealed, ...change };
  assert.throws(() => openRecord(ReceiptSchema, record, verify, expectedSigner), {
    reason: "RECORD_SIGNATURE_INVALID",
    message,
  });
}

describe("a signed record", () => {
  it("opens to what was sealed, also after it was stored", () => {
    assert.deepEqual(violationsOf(SignedRecordSchema, sealed), []);
    const stored = decodeRecord(encodeRecord(sealed));
    assert.deepEqual(openRecord(ReceiptSchema, stored, verify, HOTKEY_A), receipt);
    assert.deepEqual(openRecord(ReceiptSchema, stored, verify, undefined), receipt);
    assert.equal(payloadSha256(stored), sha256Hex(toBinary(ReceiptSchema, receipt)));
  });

  it("covers a version, the type and the payload, with line feeds between", () => {
    const expected = Buffer.concat([utf8ToBytes("zipnet-record/1\nzipnet.v1.Receipt\n"), sealed.payload]);
    assert.deepEqual(Buffer.from(recordSigningBytes("zipnet.v1.Receipt", sealed.payload)), expected);
  });

  it("is refused with any byte of payload or signature altered", () => {
    const property = fc.property(
      fc.constantFrom("payload", "signature"),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (field, at, flip) => {
        const bytes = Uint8Array.from(sealed[field]);
        const index = at % bytes.length;
        bytes[index] = (bytes[index] as number) ^ flip;
        refuses({ [field]: bytes }, HOTKEY_A, /the signature is not/);
      },
    );
    fc.assert(property);
    refuses({ signature: new Uint8Array() }, HOTKEY_A, /the signature is not/);
  });

  it("is refused under another type, even one that its bytes would parse as", () => {
    refuses({ type: ManifestSchema.typeName }, HOTKEY_A, /its type is "zipnet\.v1\.Manifest"/);
    const asManifest = { ...sealed, type: ManifestSchema.typeName };
    assert.throws(() => openRecord(ManifestSchema, asManifest, verify, HOTKEY_A), {
      reason: "RECORD_SIGNATURE_INVALID",
    });
  });

  it("is refused from another signer than the expected one, and with another's name on it", () => {
    const other = sealRecord(ReceiptSchema, receipt, signerOf(HOTKEY_B));
    refuses(other, HOTKEY_A, new RegExp(`signed by ${HOTKEY_B}, but only ${HOTKEY_A}`));
    refuses({ signer: HOTKEY_B }, undefined, /the signature is not/);
    refuses({ signer: "" }, HOTKEY_A, /signed by nobody/);
  });

  it("is refused when it does not parse, or breaks its message's constraints, though the signature is good", () => {
    const sign = (payload: Uint8Array) =>
      create(SignedRecordSchema, {
        ...sealed,
        payload,
        signature: signatureOf(recordSigningBytes(sealed.type, payload), HOTKEY_A),
      });
    refuses(sign(new Uint8Array([255, 255, 255])), HOTKEY_A, /does not parse/);
    const invalid = sign(toBinary(ReceiptSchema, { ...receipt, position: 0 }));
    assert.throws(() => openRecord(ReceiptSchema, invalid, verify, HOTKEY_A), InvalidFieldsError);
  });

  it("is not sealed around a message that breaks its constraints", () => {
    assert.throws(() => sealRecord(ReceiptSchema, { ...receipt, hotkey: "x" }, signerOf(HOTKEY_A)), InvalidFieldsError);
  });
});
