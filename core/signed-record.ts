/**
 * Signed records: one way to seal a message, one way to open it.
 */
import {
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  create,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import { type SignedRecord, SignedRecordSchema } from "../gen/zipnet/v1/record_pb.js";
import { assertValid } from "./constraints.js";
import { ZipnetError } from "./errors.js";
import { sha256Hex, utf8ToBytes } from "./hash.js";
import type { Signer, VerifySignature } from "./ports.js";

/** The bytes that a record's signature covers. */
export function recordSigningBytes(type: string, payload: Uint8Array): Uint8Array {
  const head = utf8ToBytes(`zipnet-record/1\n${type}\n`);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}

/** Signs a message as a record. Throws InvalidFieldsError when the message breaks its own constraints. */
export function sealRecord<Desc extends DescMessage>(
  schema: Desc,
  message: MessageInitShape<Desc>,
  signer: Signer,
): SignedRecord {
  const full = create(schema, message);
  assertValid(schema, full);
  const payload = toBinary(schema, full);
  const signature = signer.sign(recordSigningBytes(schema.typeName, payload));
  return create(SignedRecordSchema, { type: schema.typeName, payload, signer: signer.hotkey, signature });
}

/**
 * Opens a record: checks type, signer, signature and the message's constraints, in this order.
 *
 * @param expectedSigner the only hotkey that may have signed it, or undefined where any may (the caller then decides).
 * Throws ZipnetError RECORD_SIGNATURE_INVALID, or InvalidFieldsError.
 */
export function openRecord<Desc extends DescMessage>(
  schema: Desc,
  record: SignedRecord,
  verify: VerifySignature,
  expectedSigner: string | undefined,
): MessageShape<Desc> {
  const refuse = (what: string): never => {
    throw new ZipnetError("RECORD_SIGNATURE_INVALID", `this is not a valid signed ${schema.typeName}: ${what}`);
  };
  if (record.type !== schema.typeName) refuse(`its type is "${record.type}"`);
  if (expectedSigner !== undefined && record.signer !== expectedSigner) {
    refuse(`it is signed by ${record.signer || "nobody"}, but only ${expectedSigner} may sign it`);
  }
  if (!verify(recordSigningBytes(record.type, record.payload), record.signature, record.signer)) {
    refuse(`the signature is not ${record.signer || "anybody"}'s over these bytes`);
  }
  let message: MessageShape<Desc>;
  try {
    message = fromBinary(schema, record.payload);
  } catch (cause) {
    throw new ZipnetError("RECORD_SIGNATURE_INVALID", `this signed ${schema.typeName} does not parse`, {}, { cause });
  }
  assertValid(schema, message);
  return message;
}

/** The name of a record's content: SHA-256 of its payload bytes, 64 lower-case hexadecimal digits. */
export function payloadSha256(record: SignedRecord): string {
  return sha256Hex(record.payload);
}

/** A record in the form that is stored. */
export function encodeRecord(record: SignedRecord): Uint8Array {
  return toBinary(SignedRecordSchema, record);
}

/** A stored record. Throws when the bytes are no SignedRecord. Says nothing of its signature. */
export function decodeRecord(bytes: Uint8Array): SignedRecord {
  return fromBinary(SignedRecordSchema, bytes);
}
