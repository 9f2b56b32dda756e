/**
 * What the judging of an epoch has done so far, so that a restart repeats nothing. Uploaded files are kept beside it.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { LocalState } from "../../core/ports.js";
import { decodeRecord, encodeRecord } from "../../core/signed-record.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { type Evidence, EvidenceSchema } from "../../gen/zipnet/v1/report_pb.js";
import type { EpochRecords } from "./closed-epoch.js";
import type { KeptFiles } from "./kept-files.js";

const WORK = "work/";
const REPORTS = "reports/";
const PUBLISHED = "published/";

/** Steps of one epoch that are done. Everything written here is final. */
export interface WorkStore {
  /** The epoch's record and its snapshot, as they are judged. */
  records(): Promise<EpochRecords | undefined>;
  saveRecords(records: EpochRecords): Promise<void>;
  manifest(hotkey: string): Promise<SignedRecord | undefined>;
  saveManifest(hotkey: string, record: SignedRecord): Promise<void>;
  evidence(hotkey: string, zipCode: string, listingId: string): Promise<Evidence | undefined>;
  saveEvidence(hotkey: string, zipCode: string, listingId: string, evidence: Evidence): Promise<void>;
  /** A FAIL that was seen once, and must be seen again to count. */
  doubt(hotkey: string, zipCode: string, listingId: string): Promise<Evidence | undefined>;
  saveDoubt(hotkey: string, zipCode: string, listingId: string, evidence: Evidence): Promise<void>;
  /** The subnet owner's hotkey, as the table was made with it. */
  owner(): Promise<string | undefined>;
  saveOwner(hotkey: string): Promise<void>;
  /** The signed report: from here on the judgement stands. */
  report(): Promise<SignedRecord | undefined>;
  saveReport(record: SignedRecord): Promise<void>;
  isPublished(): Promise<boolean>;
  markPublished(): Promise<void>;
}

/** The work of an epoch in local state. */
export function workStore(state: LocalState, epochId: string): WorkStore {
  const at = (path: string): string => `${WORK}${epochId}/${path}`;
  const manifestAt = (hotkey: string): string => at(`manifest/${hotkey}`);
  const listingAt = (kind: "evidence" | "doubt", hotkey: string, zipCode: string, listingId: string): string =>
    at(`${kind}/${hotkey}/${zipCode}-${listingId}`);
  const piece = async (key: string): Promise<Evidence | undefined> => {
    const bytes = await state.read(key);
    return bytes === undefined ? undefined : fromBinary(EvidenceSchema, bytes);
  };
  const mark = new Uint8Array([1]);
  const record = async (key: string): Promise<SignedRecord | undefined> => {
    const bytes = await state.read(key);
    return bytes === undefined ? undefined : decodeRecord(bytes);
  };
  return {
    async records() {
      const [epoch, snapshot] = [await record(at("epoch")), await record(at("snapshot"))];
      return epoch === undefined || snapshot === undefined ? undefined : { epoch, snapshot };
    },
    async saveRecords({ epoch, snapshot }) {
      await state.write(at("epoch"), encodeRecord(epoch));
      await state.write(at("snapshot"), encodeRecord(snapshot));
    },
    manifest: (hotkey) => record(manifestAt(hotkey)),
    saveManifest: (hotkey, manifest) => state.write(manifestAt(hotkey), encodeRecord(manifest)),
    evidence: (...listing) => piece(listingAt("evidence", ...listing)),
    saveEvidence: (hotkey, zipCode, listingId, evidence) =>
      state.write(listingAt("evidence", hotkey, zipCode, listingId), toBinary(EvidenceSchema, evidence)),
    doubt: (...listing) => piece(listingAt("doubt", ...listing)),
    saveDoubt: (hotkey, zipCode, listingId, evidence) =>
      state.write(listingAt("doubt", hotkey, zipCode, listingId), toBinary(EvidenceSchema, evidence)),
    async owner() {
      const bytes = await state.read(at("owner"));
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    },
    saveOwner: (hotkey) => state.write(at("owner"), new TextEncoder().encode(hotkey)),
    report: () => record(REPORTS + epochId),
    saveReport: (report) => state.write(REPORTS + epochId, encodeRecord(report)),
    isPublished: async () => (await state.read(PUBLISHED + epochId)) !== undefined,
    markPublished: () => state.write(PUBLISHED + epochId, mark),
  };
}

/** Our reports, newest epoch first. */
export async function savedReports(state: LocalState): Promise<SignedRecord[]> {
  const keys = (await state.list(REPORTS)).toSorted().toReversed();
  const contents = await Promise.all(keys.map((key) => state.read(key)));
  return contents.filter((content) => content !== undefined).map(decodeRecord);
}

/** Reports that are kept: a week of four-hour epochs. */
const KEPT_REPORTS = 42;

/**
 * Removes the work of epochs before this one, which nobody will finish, and reports that are long past. An epoch keeps
 * its work as long as it has files, so that it can be judged again from what is here.
 */
export async function removeOldWork(state: LocalState, kept: KeptFiles, epochId: string): Promise<void> {
  const begun = new Set((await state.list(WORK)).map((key) => key.split("/")[1] ?? ""));
  for (const id of begun) if (id < epochId && !kept.hasEpoch(id)) await state.remove(`${WORK}${id}/`);
  for (const prefix of [REPORTS, PUBLISHED]) {
    const keys = (await state.list(prefix)).toSorted();
    for (const key of keys.slice(0, -KEPT_REPORTS)) await state.remove(key);
  }
}
