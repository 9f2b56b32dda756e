import {
  CHOICE_PREFIX,
  EPOCH_PREFIX,
  catalogueKey,
  choiceKey,
  epochIdOfKey,
  epochKey,
  reportPrefix,
  settlementKey,
  snapshotKey,
} from "../../core/object-keys.js";
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
  async function* idsFrom(fromId: string, prefix = EPOCH_PREFIX): AsyncGenerator<string> {
    for await (const { key } of objects.list(prefix)) {
      if (epochIdOfKey(key) >= fromId) yield epochIdOfKey(key);
    }
  }
  async function newestUnder(prefix: string): Promise<string | undefined> {
    let newest: string | undefined;
    for await (const id of idsFrom("", prefix)) newest = id;
    return newest;
  }
  return {
    name,
    async epoch(epochId) {
      if (epochId !== "") return read(epochKey(epochId));
      const newest = await newestUnder(EPOCH_PREFIX);
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
    async choice(epochId) {
      const id = epochId === "" ? await newestUnder(CHOICE_PREFIX) : epochId;
      return id === undefined ? undefined : read(choiceKey(id));
    },
    settlement: (epochId) => read(settlementKey(epochId)),
    async reports(epochId) {
      const records: SignedRecord[] = [];
      for await (const { key } of objects.list(reportPrefix(epochId))) {
        const record = await read(key);
        if (record !== undefined) records.push(record);
      }
      return records;
    },
    close: () => undefined,
  };
}
