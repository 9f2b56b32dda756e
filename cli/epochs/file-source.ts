import { readFile, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { messageOf } from "../../core/errors.js";
import { sha256Hex } from "../../core/hash.js";
import { decodeRecord } from "../../core/signed-record.js";
import { epochIn } from "../../core/verify-epoch.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";
import type { RecordSource } from "./source.js";

/** What the files of a folder hold, by what they say. */
interface Contents {
  readonly epochs: Map<string, SignedRecord>;
  readonly snapshots: Map<string, SignedRecord>;
  /** Everything that is no record. */
  readonly others: Map<string, Uint8Array>;
}

/** Files of submissions, which are many and of no use here. */
const DATA_FOLDER = "data";

/**
 * Records in files, whatever their names: a file, with those beside it, or a folder with all that is in it, for example a
 * copy of an object store. Rejects with an Error when there is nothing at the path.
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
  // The file that was named is meant, also where another one says the same epoch.
  if (!isFolder) takeFile(await readFile(path), contents);
  const newest = isFolder ? [...contents.epochs.keys()].toSorted().at(-1) : epochIdIn(await readFile(path));
  return {
    name: path,
    epoch: (epochId) => Promise.resolve(contents.epochs.get(epochId === "" ? (newest ?? "") : epochId)),
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
    if (entry.isFile() && entry.name.endsWith(".bin")) takeFile(await readFile(path), contents);
    else if (isDeep && entry.isDirectory() && entry.name !== DATA_FOLDER) await readFolder(path, true, contents);
  }
}

function takeFile(content: Uint8Array, { epochs, snapshots, others }: Contents): void {
  const record = recordIn(content);
  const epochId = record === undefined ? undefined : epochIn(record)?.id;
  const closedId = record === undefined ? undefined : snapshotIdIn(record);
  if (record !== undefined && epochId !== undefined) epochs.set(epochId, record);
  else if (record !== undefined && closedId !== undefined) snapshots.set(closedId, record);
  else others.set(sha256Hex(content), content);
}

function recordIn(content: Uint8Array): SignedRecord | undefined {
  try {
    return decodeRecord(content);
  } catch {
    return undefined;
  }
}

function epochIdIn(content: Uint8Array): string | undefined {
  const record = recordIn(content);
  return record === undefined ? undefined : epochIn(record)?.id;
}

function snapshotIdIn(record: SignedRecord): string | undefined {
  if (record.type !== SnapshotSchema.typeName) return undefined;
  try {
    return fromBinary(SnapshotSchema, record.payload).epochId;
  } catch {
    return undefined;
  }
}
