import { EPOCH_PREFIX, catalogueKey, epochIdOfKey, epochKey, snapshotKey } from "../../core/object-keys.js";
import type { ObjectStore } from "../../core/ports.js";
import { decodeRecord } from "../../core/signed-record.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import type { RecordSource } from "./source.js";

/** The records of an object store. */
export function storeSource(name: string, objects: Pick<ObjectStore, "get" | "list">): RecordSource {
  async function read(key: string): Promise<SignedRecord | undefined> {
    const bytes = await objects.get(key);
    return bytes === undefined ? undefined : decodeRecord(bytes);
  }
  async function* idsFrom(fromId: string): AsyncGenerator<string> {
    for await (const { key } of objects.list(EPOCH_PREFIX)) {
      if (epochIdOfKey(key) >= fromId) yield epochIdOfKey(key);
    }
  }
  return {
    name,
    async epoch(epochId) {
      if (epochId !== "") return read(epochKey(epochId));
      let newest: string | undefined;
      for await (const id of idsFrom("")) newest = id;
      return newest === undefined ? undefined : read(epochKey(newest));
    },
    async epochs(fromId, beforeId) {
      const records: SignedRecord[] = [];
      for await (const id of idsFrom(fromId)) {
        if (id >= beforeId) break;
        const record = await read(epochKey(id));
        if (record !== undefined) records.push(record);
      }
      return records;
    },
    catalogue: (sha256) => objects.get(catalogueKey(sha256)),
    snapshot: (epochId) => read(snapshotKey(epochId)),
    close: () => undefined,
  };
}
