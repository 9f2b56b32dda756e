/**
 * What a miner keeps in its local state, and under which names. A file of listings is saved before its facts, and its
 * facts before anything is told to the server, so that whatever is named here is really there after a crash.
 */
import { millisOf } from "../../core/timestamps.js";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { type ManifestObject, ManifestObjectSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { startMsOfEpochId } from "../../core/epoch-time.js";
import type { LocalState } from "../../core/ports.js";
import { decodeRecord, encodeRecord } from "../../core/signed-record.js";
import { timestampMs } from "@bufbuild/protobuf/wkt";

const WORK_PREFIX = "work/";
/** Prefix of what is kept of an epoch's work only while it may be needed. */
export const workPrefix = (epochId: string): string => `${WORK_PREFIX}${epochId}/`;
/** Prefix of the saved records of epochs; their keys sort by time. */
export const SAVED_EPOCH_PREFIX = "epochs/";

/** Prefix of the receipts; their keys sort by time. */
export const RECEIPT_PREFIX = "receipts/";

/** Key of the follower's position; it was a bare token once, and a follower takes that, too. */
export const POSITION_KEY = "resume-token.bin";

const epochKey = (epochId: string): string => `${SAVED_EPOCH_PREFIX}${epochId}.bin`;

/** Saves an epoch's record. Durable once resolved. */
export function saveEpoch(state: LocalState, epochId: string, record: SignedRecord): Promise<void> {
  return state.write(epochKey(epochId), encodeRecord(record));
}

/** The newest epochs' records that are saved, newest first. Says nothing of their signatures. */
export async function newestSavedEpochs(state: LocalState, count: number): Promise<SignedRecord[]> {
  const keys = (await state.list(SAVED_EPOCH_PREFIX)).slice(-count).toReversed();
  const records = await Promise.all(keys.map((key) => state.read(key)));
  return records.filter((bytes) => bytes !== undefined).map(decodeRecord);
}

/** Removes the files of epochs that started two epochs before this one or earlier. Records of all kinds stay. */
export async function removeOldFiles(state: LocalState, epoch: Epoch): Promise<void> {
  const startMs = millisOf(epoch.startTime);
  const lengthMs = (epoch.closeTime === undefined ? startMs : timestampMs(epoch.closeTime)) - startMs;
  const epochIds = new Set((await state.list(WORK_PREFIX)).map((key) => key.split("/")[1] ?? ""));
  for (const epochId of epochIds) {
    const oldStartMs = startMsOfEpochId(epochId);
    if (oldStartMs !== undefined && oldStartMs <= startMs - 2 * lengthMs) await state.remove(workPrefix(epochId));
  }
}

/** What is saved of one epoch. */
export interface SavedWork {
  /** The scraped files' facts, ascending by zip code. Their keys are empty: the server chooses them. */
  scraped(): Promise<ManifestObject[]>;
  /** The uploaded files' facts with their keys, ascending by zip code. */
  uploaded(): Promise<ManifestObject[]>;
  saveScraped(object: ManifestObject, content: Uint8Array): Promise<void>;
  /** Facts and content of a scraped file. Throws when there is none. */
  readScraped(zipCode: string): Promise<{ object: ManifestObject; content: Uint8Array }>;
  /** Only for a file that can never be submitted. */
  forgetScraped(zipCode: string): Promise<void>;
  saveUploaded(object: ManifestObject): Promise<void>;
  forgetUploaded(zipCode: string): Promise<void>;
  manifest(): Promise<SignedRecord | undefined>;
  saveManifest(record: SignedRecord): Promise<void>;
  /** Only for a manifest that the server refused. */
  forgetManifest(): Promise<void>;
  receipt(): Promise<SignedRecord | undefined>;
  saveReceipt(record: SignedRecord): Promise<void>;
}

/** What is saved of one epoch. */
export function savedWork(state: LocalState, epochId: string): SavedWork {
  const prefix = workPrefix(epochId);
  const fileKey = (zipCode: string): string => `${prefix}files/${zipCode}.parquet`;
  const scrapedKey = (zipCode: string): string => `${prefix}scraped/${zipCode}.bin`;
  const uploadedKey = (zipCode: string): string => `${prefix}uploaded/${zipCode}.bin`;
  const manifestKey = `manifests/${epochId}.bin`;
  const receiptKey = `${RECEIPT_PREFIX}${epochId}.bin`;

  async function readObjects(objectsPrefix: string): Promise<ManifestObject[]> {
    const objects: ManifestObject[] = [];
    for (const key of await state.list(objectsPrefix)) {
      const bytes = await state.read(key);
      if (bytes !== undefined) objects.push(fromBinary(ManifestObjectSchema, bytes));
    }
    return objects;
  }
  async function readRecord(key: string): Promise<SignedRecord | undefined> {
    const bytes = await state.read(key);
    return bytes === undefined ? undefined : decodeRecord(bytes);
  }

  return {
    scraped: () => readObjects(`${prefix}scraped/`),
    uploaded: () => readObjects(`${prefix}uploaded/`),
    async saveScraped(object, content) {
      await state.write(fileKey(object.zipCode), content);
      await state.write(scrapedKey(object.zipCode), toBinary(ManifestObjectSchema, object));
    },
    async readScraped(zipCode) {
      const [facts, content] = await Promise.all([state.read(scrapedKey(zipCode)), state.read(fileKey(zipCode))]);
      if (facts === undefined || content === undefined)
        throw new Error(`the saved file of zip code ${zipCode} is gone`);
      return { object: fromBinary(ManifestObjectSchema, facts), content };
    },
    async forgetScraped(zipCode) {
      await state.remove(scrapedKey(zipCode));
      await state.remove(fileKey(zipCode));
    },
    saveUploaded: (object) =>
      state.write(uploadedKey(object.zipCode), toBinary(ManifestObjectSchema, create(ManifestObjectSchema, object))),
    forgetUploaded: (zipCode) => state.remove(uploadedKey(zipCode)),
    manifest: () => readRecord(manifestKey),
    saveManifest: (record) => state.write(manifestKey, encodeRecord(record)),
    forgetManifest: () => state.remove(manifestKey),
    receipt: () => readRecord(receiptKey),
    saveReceipt: (record) => state.write(receiptKey, encodeRecord(record)),
  };
}
