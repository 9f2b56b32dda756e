import { readFile, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { create, fromBinary } from "@bufbuild/protobuf";
import { startMsOfEpochId } from "../../core/epoch-time.js";
import { messageOf } from "../../core/errors.js";
import { sha256Hex } from "../../core/hash.js";
import { decodeRecord } from "../../core/signed-record.js";
import { epochIn } from "../../core/verify-epoch.js";
import { type SignedRecord, SignedRecordSchema } from "../../gen/zipnet/v1/record_pb.js";
import { SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";
import type { RecordSource } from "./source.js";

/** What the files of a folder hold. */
interface Contents {
  readonly epochs: Map<string, SignedRecord>;
  readonly snapshots: Map<string, SignedRecord>;
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
  const contents: Contents = { epochs: new Map(), snapshots: new Map(), others: new Map() };
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
    snapshot: (epochId) => Promise.resolve(contents.snapshots.get(epochId)),
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

function takeFile(path: string, content: Uint8Array, { epochs, snapshots, others }: Contents): void {
  const record = recordOrBytes(content);
  const named = EPOCH_FOLDERS.has(basename(dirname(path))) ? idInName(path) : undefined;
  const epochId = named ?? epochIn(record)?.id;
  const closedId = snapshotIdIn(record);
  if (epochId !== undefined) epochs.set(epochId, record);
  else if (closedId !== undefined) snapshots.set(closedId, record);
  else {
    others.set(basename(path, ".bin"), content);
    others.set(sha256Hex(content), content);
  }
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

function snapshotIdIn(record: SignedRecord): string | undefined {
  if (record.type !== SnapshotSchema.typeName) return undefined;
  try {
    return fromBinary(SnapshotSchema, record.payload).epochId;
  } catch {
    return undefined;
  }
}
