import { millisOf } from "../../core/timestamps.js";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import PQueue from "p-queue";
import { receiptPrefix } from "../../core/object-keys.js";
import type { Block } from "../../core/ports.js";
import { decodeRecord, openRecord, payloadSha256, sealRecord } from "../../core/signed-record.js";
import { ReceiptSchema, SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";
import type { StoredEpoch } from "../../rpc/epoch-log/epoch-log.js";
import { OBJECT_CHECKS_AT_ONCE } from "../limits.js";
import type { HeldReceipt } from "../submissions.js";
import type { KeeperParts } from "./keeper.js";
import { seedBlockOf } from "./seed.js";

/** The order of a snapshot: by time received, then by hotkey. */
function inSnapshotOrder(receipts: readonly HeldReceipt[]): HeldReceipt[] {
  return receipts.toSorted((a, b) => {
    const byTime = millisOf(a.receipt.receivedTime) - millisOf(b.receipt.receivedTime);
    return byTime === 0 ? (a.receipt.hotkey < b.receipt.hotkey ? -1 : 1) : byTime;
  });
}

/** Every receipt of an epoch. What is no receipt of this server's is left out, and the log says so. */
async function collectReceipts(parts: KeeperParts, epochId: string): Promise<HeldReceipt[]> {
  const { log, objects, signer, verify } = parts;
  const queue = new PQueue({ concurrency: OBJECT_CHECKS_AT_ONCE });
  const reads: Promise<HeldReceipt | undefined>[] = [];
  const readOne = async (key: string): Promise<HeldReceipt | undefined> => {
    const bytes = await objects.get(key);
    if (bytes === undefined) throw new Error(`the store has lost ${key}, which it listed`);
    try {
      const record = decodeRecord(bytes);
      return { record, receipt: openRecord(ReceiptSchema, record, verify, signer.hotkey) };
    } catch (err) {
      log.error({ event: "receipt_invalid", key, err }, `${key} is no receipt of this server and does not count`);
      return undefined;
    }
  };
  for await (const { key } of objects.list(receiptPrefix(epochId))) reads.push(queue.add(() => readOne(key)));
  return (await Promise.all(reads)).filter((held) => held !== undefined);
}

/** Closes an epoch, to which submissions were taken until the moment, with its snapshot. The first of the replicas wins. */
export async function closeEpoch(
  parts: KeeperParts,
  closing: StoredEpoch,
  acceptedUntilMs: number,
  seedBlock: Block,
): Promise<void> {
  const { epochs, log, signer } = parts;
  const { id, number, closeTime } = closing.epoch;
  const isExtended = acceptedUntilMs > millisOf(closeTime);
  const receipts = inSnapshotOrder(await collectReceipts(parts, id));
  const ours = sealRecord(
    SnapshotSchema,
    {
      epochNumber: number,
      epochId: id,
      epochSha256: payloadSha256(closing.record),
      seedBlock: seedBlockOf(seedBlock),
      receipts: receipts.map(({ record }) => record),
      ...(isExtended ? { acceptedUntil: timestampFromMs(acceptedUntilMs) } : {}),
    },
    signer,
  );
  const stored = await epochs.recordSnapshot(ours);
  const facts = {
    event: "epoch_closed",
    epoch_id: id,
    number,
    receipts: receipts.length,
    seed_block: seedBlock.number,
  };
  if (payloadSha256(stored) === payloadSha256(ours)) {
    log.info(facts, `epoch ${id} is closed with ${receipts.length} submissions`);
  } else {
    log.error(
      { ...facts, event: "snapshot_differs", stored_by: stored.signer },
      `epoch ${id} was closed with other content by another replica, whose snapshot holds; check the replicas' clocks and chain addresses`,
    );
  }
}
