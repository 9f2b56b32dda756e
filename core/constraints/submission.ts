/** Constraints of zipnet/v1/submission.proto. */
import { fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  EpochExtensionSchema,
  type Manifest,
  ManifestObjectSchema,
  ManifestSchema,
  ProgressPhase,
  ProgressSchema,
  type Receipt,
  ReceiptSchema,
  type Snapshot,
  SnapshotSchema,
} from "../../gen/zipnet/v1/submission_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { dataKey } from "../object-keys.js";
import { anything, ascending, emptyOr, every, integer, list } from "./combinators.js";
import { moment, optional, required, specified, text, that } from "./combinators.js";
import { epochId, hotkey, md5, netuid, network, objectBytes, sha256, zipCode } from "./common.js";
import { constraintsOn, type CrossCheck } from "./message.js";
import { seedBlock, signedRecord } from "./record.js";
import { show, showTime } from "./show.js";

const uint64 = that<bigint>((value) => value >= 0n && value < 1n << 64n, "be a whole number of 64 bits");

/** ManifestObject. That the key is the one that the manifest asks for is checked on the manifest. */
export const manifestObject = constraintsOn(ManifestObjectSchema, {
  zipCode,
  key: anything(),
  sizeBytes: objectBytes,
  md5,
  sha256,
  rows: integer(0, 1_000_000),
});

const checkKeys: CrossCheck<Manifest> = (manifest, at, tell) => {
  manifest.objects.forEach((object, i) => {
    const key = dataKey(manifest.hotkey, manifest.epochId, object.zipCode, object.sha256);
    if (object.key !== key) tell(at(`objects[${i}].key`), `is ${show(object.key)}`, `be "${key}"`);
  });
};

/** Manifest. */
export const manifest = constraintsOn(
  ManifestSchema,
  {
    epochId,
    network,
    netuid,
    hotkey,
    nonce: md5,
    objects: every(
      list(1, 5_000, manifestObject.check),
      ascending((object) => object.zipCode, "zip_code"),
    ),
  },
  checkKeys,
);

/** Receipt. */
export const receipt = constraintsOn(ReceiptSchema, {
  epochId,
  hotkey,
  manifestSha256: sha256,
  receivedTime: required(moment("milliseconds")),
  position: integer(1),
  objectCount: integer(1, 5_000),
  totalBytes: uint64,
  coldkey: emptyOr(hotkey),
});

function receiptIn(record: SignedRecord): Receipt | undefined {
  if (record.type !== ReceiptSchema.typeName) return undefined;
  try {
    return fromBinary(ReceiptSchema, record.payload);
  } catch {
    return undefined;
  }
}

const checkReceipts: CrossCheck<Snapshot> = (snapshot, at, tell) => {
  const hotkeys = new Set<string>();
  let before: { readonly timeMs: number; readonly hotkey: string } | undefined;
  snapshot.receipts.forEach((record, i) => {
    const path = at(`receipts[${i}]`);
    const inside = receiptIn(record);
    if (inside === undefined) return tell(path, "is no Receipt", "be a signed zipnet.v1.Receipt");
    receipt.check(inside, path, tell);
    if (inside.epochId !== snapshot.epochId) {
      tell(`${path}.epoch_id`, `is ${show(inside.epochId)}`, `be the snapshot's, ${show(snapshot.epochId)}`);
    }
    if (hotkeys.has(inside.hotkey)) tell(`${path}.hotkey`, `is ${show(inside.hotkey)} again`, "stand there once");
    hotkeys.add(inside.hotkey);
    const here = { timeMs: inside.receivedTime ? timestampMs(inside.receivedTime) : 0, hotkey: inside.hotkey };
    const sinks =
      before !== undefined &&
      (here.timeMs < before.timeMs || (here.timeMs === before.timeMs && here.hotkey < before.hotkey));
    if (sinks) tell(path, "comes before the one ahead of it", "ascend by received_time, then by hotkey");
    before = here;
  });
};

/** Snapshot, with the content of its receipts. */
export const snapshot = constraintsOn(
  SnapshotSchema,
  {
    epochNumber: integer(0),
    epochId,
    epochSha256: sha256,
    seedBlock: required(seedBlock.check),
    receipts: list(0, 65_536, signedRecord.check),
    acceptedUntil: optional(moment("milliseconds")),
  },
  checkReceipts,
);

/** EpochExtension. */
export const epochExtension = constraintsOn(
  EpochExtensionSchema,
  {
    epochNumber: integer(0),
    epochId,
    recordedTime: required(moment("milliseconds")),
    acceptedUntil: required(moment("milliseconds")),
  },
  ({ recordedTime, acceptedUntil }, at, tell) => {
    if (recordedTime === undefined || acceptedUntil === undefined) return;
    if (timestampMs(acceptedUntil) <= timestampMs(recordedTime)) {
      tell(at("accepted_until"), `is ${showTime(acceptedUntil)}`, `be after recorded_time, ${showTime(recordedTime)}`);
    }
  },
);

/** Progress. */
export const progress = constraintsOn(
  ProgressSchema,
  {
    epochId,
    phase: specified(ProgressPhase),
    zipCodesDone: integer(0, 100_000),
    zipCodesTotal: integer(0, 100_000),
    listings: integer(0),
    uploadedObjects: integer(0),
    uploadedBytes: uint64,
    note: text(0, 300),
  },
  (message, at, tell) => {
    if (message.zipCodesDone > message.zipCodesTotal) {
      const must = `be at most zip_codes_total, ${message.zipCodesTotal}`;
      tell(at("zip_codes_done"), `is ${message.zipCodesDone}`, must);
    }
  },
);
