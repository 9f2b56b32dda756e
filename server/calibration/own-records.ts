/**
 * Records that this server signs, at most one per epoch and kind.
 */
import { type DescMessage, type MessageInitShape, type MessageShape, create } from "@bufbuild/protobuf";
import { ZipnetError } from "../../core/errors.js";
import { RECORD_CONTENT_TYPE } from "../../core/object-keys.js";
import type { ObjectStore, Signer, VerifySignature } from "../../core/ports.js";
import { decodeRecord, encodeRecord, openRecord, sealRecord } from "../../core/signed-record.js";

/** Where the records are, and who signs them. */
export interface OwnRecordsOptions {
  readonly objects: ObjectStore;
  readonly signer: Signer;
  readonly verify: VerifySignature;
}

/** Records of one kind. */
export interface OwnRecords<Desc extends DescMessage> {
  /** The record of an epoch; undefined while there is none. Rejects with RECORD_SIGNATURE_INVALID for a foreign one. */
  get(epochId: string): Promise<MessageShape<Desc> | undefined>;
  /** Writes the record of an epoch unless there is one; answers the one that is stored, and whether it is this one. */
  put(epochId: string, message: MessageInitShape<Desc>): Promise<{ stored: MessageShape<Desc>; isOurs: boolean }>;
}

/** The records of a kind, under the keys that `keyOf` makes of epoch ids. */
export function ownRecords<Desc extends DescMessage>(
  schema: Desc,
  keyOf: (epochId: string) => string,
  { objects, signer, verify }: OwnRecordsOptions,
): OwnRecords<Desc> {
  async function get(epochId: string): Promise<MessageShape<Desc> | undefined> {
    const bytes = await objects.get(keyOf(epochId));
    return bytes === undefined ? undefined : openRecord(schema, decodeRecord(bytes), verify, signer.hotkey);
  }
  return {
    get,
    async put(epochId, message) {
      const ours = create(schema, message);
      const bytes = encodeRecord(sealRecord(schema, ours, signer));
      if (await objects.putIfAbsent(keyOf(epochId), bytes, RECORD_CONTENT_TYPE)) return { stored: ours, isOurs: true };
      const stored = await get(epochId);
      if (stored === undefined) throw new ZipnetError("UNAVAILABLE", `${keyOf(epochId)} is taken but cannot be read`);
      return { stored, isOurs: false };
    },
  };
}
