import { readFile, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type DescMessage, type MessageShape, create, fromBinary } from "@bufbuild/protobuf";
import { startMsOfEpochId } from "../../core/epoch-time.js";
import { messageOf } from "../../core/errors.js";
import { sha256Hex } from "../../core/hash.js";
import { decodeRecord } from "../../core/signed-record.js";
import { epochIn } from "../../core/verify-epoch.js";
import { CatalogueChoiceSchema, SettlementSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import { type SignedRecord, SignedRecordSchema } from "../../gen/zipnet/v1/record_pb.js";
import { ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";
import type { RecordSource } from "./source.js";

/** What the files of a folder hold. */
interface Contents {
  readonly epochs: Map<string, SignedRecord>;
  /** Snapshots, choices and settlements, by type and epoch. */
  readonly perEpoch: Map<string, SignedRecord>;
  /** Reports by epoch. */
  readonly reports: Map<string, SignedRecord[]>;
  /** Everything that is no record, by its hash and by the hash that its file is named by. */
  readonly others: Map<string, Uint8Array>;
}

/** Files of submissions, which are many and of no use here. */
const DATA_FOLDER = "data";
/** Folders whose files are epochs by their names, whatever is in them: of an object store, and of a miner's state. */
const EPOCH_FOLDERS: ReadonlySet<string> = new Set(["epoch", "epochs"]);

/**
 * Records in files: a file, with those beside it, or a folder with all that is in it, for example a copy of an object
 * store. Elsewhere than in such a copy, files count by what is in them. Rejects with an Error when nothing is at the path.
 */
export async function fileSource(path: string): Promise<RecordSource> {
  const isFolder = await stat(path).then(
    (entry) => entry.isDirectory(),
    (cause: unknown) => {
      throw new Error(`${path} cannot be read: ${messageOf(cause)}`, { cause });
    },
  );
  const contents: Contents = { epochs: new Map(), perEpoch: new Map(), reports: new Map(), others: new Map() };
  await readFolder(isFolder ? path : dirname(path), isFolder, contents);
  let newest = [...contents.epochs.keys()].toSorted().at(-1) ?? "";
  if (!isFolder) {
    const record = recordOrBytes(await readFile(path));
    newest = idInName(path) ?? epochIn(record)?.id ?? path;
    // The file that was named is meant, also where another one says the same epoch.
    contents.epochs.set(newest, record);
  }
  return {
    name: path,
    epoch: (epochId) => Promise.resolve(contents.epochs.get(epochId || newest)),
    epochs: (fromId, beforeId) =>
      Promise.resolve([...contents.epochs].filter(([id]) => id >= fromId && id < beforeId).map(([, record]) => record)),
    catalogue: (sha256) => Promise.resolve(contents.others.get(sha256)),
    snapshot: (epochId) => Promise.resolve(contents.perEpoch.get(placeOf(SnapshotSchema, epochId))),
    choice: (epochId) => Promise.resolve(choiceIn(contents, epochId)),
    settlement: (epochId) => Promise.resolve(contents.perEpoch.get(placeOf(SettlementSchema, epochId))),
    reports: (epochId) => Promise.resolve(contents.reports.get(epochId) ?? []),
    close: () => undefined,
  };
}

async function readFolder(dir: string, isDeep: boolean, contents: Contents): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isFile() && entry.name.endsWith(".bin")) takeFile(path, await readFile(path), contents);
    else if (isDeep && entry.isDirectory() && entry.name !== DATA_FOLDER) await readFolder(path, true, contents);
  }
}

/** Kinds of records of which an epoch has at most one, beside the epoch itself. */
const PER_EPOCH = [SnapshotSchema, CatalogueChoiceSchema, SettlementSchema] as const;

const placeOf = (schema: DescMessage, epochId: string): string => `${schema.typeName} ${epochId}`;

/** The choice for an epoch, the newest for "". */
function choiceIn({ perEpoch }: Contents, epochId: string): SignedRecord | undefined {
  if (epochId !== "") return perEpoch.get(placeOf(CatalogueChoiceSchema, epochId));
  const choices = [...perEpoch.keys()].filter((place) => place.startsWith(placeOf(CatalogueChoiceSchema, "")));
  return perEpoch.get(choices.toSorted().at(-1) ?? "");
}

function takeFile(path: string, content: Uint8Array, contents: Contents): void {
  const { epochs, others } = contents;
  const record = recordOrBytes(content);
  const named = EPOCH_FOLDERS.has(basename(dirname(path))) ? idInName(path) : undefined;
  const epochId = named ?? epochIn(record)?.id;
  if (epochId !== undefined) epochs.set(epochId, record);
  else if (!takeOther(record, contents)) {
    others.set(basename(path, ".bin"), content);
    others.set(sha256Hex(content), content);
  }
}

/** Puts a record that is no epoch where it belongs; whether it belongs anywhere. */
function takeOther(record: SignedRecord, { perEpoch, reports }: Contents): boolean {
  for (const schema of PER_EPOCH) {
    const epochId = contentOf(schema, record)?.epochId;
    if (epochId === undefined) continue;
    perEpoch.set(placeOf(schema, epochId), record);
    return true;
  }
  const judgedId = contentOf(ReportSchema, record)?.epochId;
  if (judgedId === undefined) return false;
  reports.set(judgedId, [...(reports.get(judgedId) ?? []), record]);
  return true;
}

/** The epoch id that a file is named by. */
function idInName(path: string): string | undefined {
  const name = basename(path, ".bin");
  return startMsOfEpochId(name) === undefined ? undefined : name;
}

/** The record in a file, or one that says nothing but the bytes, so that a damaged file is not taken for none. */
function recordOrBytes(content: Uint8Array): SignedRecord {
  try {
    return decodeRecord(content);
  } catch {
    return create(SignedRecordSchema, { payload: content });
  }
}

/** What a record says, unchecked; undefined where it is of another type or does not parse. */
function contentOf<Desc extends DescMessage>(schema: Desc, record: SignedRecord): MessageShape<Desc> | undefined {
  if (record.type !== schema.typeName) return undefined;
  try {
    return fromBinary(schema, record.payload);
  } catch {
    return undefined;
  }
}
