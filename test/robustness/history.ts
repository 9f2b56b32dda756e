/**
 * What really happened, by the records in the object store.
 */
import { createHash } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { payloadSha256, decodeRecord } from "../../core/signed-record.js";
import type { ObjectStore } from "../../core/ports.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import type { EpochClosed } from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { type LogEvent, closedAt, openedAt } from "./logs.js";

const EPOCHS = "records/epoch/";
const SNAPSHOTS = "records/snapshot/";

/** Reads history again and again; records never change, so each is read once. */
export class HistoryReader {
  readonly #objects: ObjectStore;
  readonly #events = new Map<string, LogEvent>();
  readonly #epochs = new Set<number>();

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  /** Every event on record, ascending. An epoch's close counts once the epoch itself is on record. */
  async read(): Promise<LogEvent[]> {
    for (const prefix of [EPOCHS, SNAPSHOTS]) {
      for await (const { key } of this.#objects.list(prefix)) {
        if (this.#events.has(key)) continue;
        const bytes = await this.#objects.get(key);
        if (bytes !== undefined) this.#add(key, decodeRecord(bytes));
      }
    }
    return [...this.#events.values()].toSorted((a, b) => a.revision - b.revision);
  }

  #add(key: string, record: SignedRecord): void {
    if (key.startsWith(EPOCHS)) {
      const { number } = fromBinary(EpochSchema, record.payload);
      this.#epochs.add(number);
      this.#events.set(key, { revision: openedAt(number), digest: recordDigest(record) });
      return;
    }
    const { epochNumber, epochId, receipts } = fromBinary(SnapshotSchema, record.payload);
    if (!this.#epochs.has(epochNumber)) return;
    const closed = { epochNumber, epochId, snapshotSha256: payloadSha256(record), receiptCount: receipts.length };
    this.#events.set(key, { revision: closedAt(epochNumber), digest: closeDigest(closed) });
  }
}

/** Digest of every byte of a record. */
export function recordDigest({ type, payload, signer, signature }: SignedRecord): string {
  return createHash("sha256").update(`${type}\n${signer}\n`).update(signature).update(payload).digest("hex");
}

/** What a close says, as its digest: it is short. */
export function closeDigest(closed: Omit<EpochClosed, "$typeName" | "$unknown">): string {
  return [closed.epochNumber, closed.epochId, closed.snapshotSha256, closed.receiptCount].join("/");
}
