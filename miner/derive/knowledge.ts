/**
 * What a miner keeps in its local state so that it can derive epochs: what the server announced, the catalogue, and the
 * epochs that are recorded or were derived.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { sha256Hex } from "../../core/hash.js";
import type { LocalState, VerifySignature } from "../../core/ports.js";
import { decodeRecord, openRecord } from "../../core/signed-record.js";
import { type Epoch, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { type GetServerInfoResponse, GetServerInfoResponseSchema } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { SAVED_EPOCH_PREFIX } from "../work/saved-work.js";

const ANNOUNCED_KEY = "deriving/announced.bin";
const CATALOGUE_KEY = "deriving/catalogue.bin";
const DERIVED_PREFIX = "derived/";
const derivedKey = (epochId: string): string => `${DERIVED_PREFIX}${epochId}.bin`;

/** What the server announced when every epoch that it held was saved here. */
export type Announced = GetServerInfoResponse;

/** The knowledge. */
export interface Knowledge {
  /** Undefined while the server has not been asked, or not all of what it held could be saved. */
  announced(): Promise<Announced | undefined>;
  saveAnnounced(announced: Announced): Promise<void>;
  /** The catalogue by this name; undefined when it is not the one that is saved. */
  catalogue(sha256: string): Promise<Uint8Array | undefined>;
  saveCatalogue(bytes: Uint8Array): Promise<void>;
  /** Recorded epochs from an id on, ascending, signatures checked. */
  recorded(fromId: string): Promise<Epoch[]>;
  /** Whether an epoch's record is here. */
  isRecorded(epochId: string): Promise<boolean>;
  /** An epoch that was derived and not yet held against its record. */
  derived(epochId: string): Promise<Epoch | undefined>;
  saveDerived(epoch: Epoch): Promise<void>;
  forgetDerived(epochId: string): Promise<void>;
}

/** The knowledge in a state, of a deployment whose records this hotkey signs. */
export function knowledgeIn(state: LocalState, verify: VerifySignature, serverHotkey: string): Knowledge {
  return {
    async announced() {
      const bytes = await state.read(ANNOUNCED_KEY);
      return bytes === undefined ? undefined : fromBinary(GetServerInfoResponseSchema, bytes);
    },
    saveAnnounced: (announced) => state.write(ANNOUNCED_KEY, toBinary(GetServerInfoResponseSchema, announced)),
    async catalogue(sha256) {
      const bytes = await state.read(CATALOGUE_KEY);
      return bytes !== undefined && sha256Hex(bytes) === sha256 ? bytes : undefined;
    },
    saveCatalogue: (bytes) => state.write(CATALOGUE_KEY, bytes),
    async recorded(fromId) {
      const epochs: Epoch[] = [];
      for (const key of await state.list(SAVED_EPOCH_PREFIX)) {
        if (key < `${SAVED_EPOCH_PREFIX}${fromId}`) continue;
        const bytes = await state.read(key);
        if (bytes !== undefined) epochs.push(openRecord(EpochSchema, decodeRecord(bytes), verify, serverHotkey));
      }
      return epochs;
    },
    isRecorded: async (epochId) =>
      (await state.list(SAVED_EPOCH_PREFIX)).includes(`${SAVED_EPOCH_PREFIX}${epochId}.bin`),
    async derived(epochId) {
      const bytes = await state.read(derivedKey(epochId));
      return bytes === undefined ? undefined : fromBinary(EpochSchema, bytes);
    },
    saveDerived: (epoch) => state.write(derivedKey(epoch.id), toBinary(EpochSchema, epoch)),
    forgetDerived: (epochId) => state.remove(derivedKey(epochId)),
  };
}
