/** Constraints of zipnet/v1/record.proto. */
import { SeedBlockSchema, SignedRecordSchema } from "../../gen/zipnet/v1/record_pb.js";
import { bytes, hex, integer, moment, required, that } from "./combinators.js";
import { hotkey } from "./common.js";
import { constraintsOn } from "./message.js";

/** Full names of the messages that may travel as signed records. */
const RECORD_TYPES: readonly string[] = ["Epoch", "EpochExtension", "Manifest", "Receipt", "Snapshot", "Report"].map(
  (name) => `zipnet.v1.${name}`,
);

/** SignedRecord: its own fields only. What the payload says is checked by whoever opens it. */
export const signedRecord = constraintsOn(SignedRecordSchema, {
  type: that((value) => RECORD_TYPES.includes(value), `be one of ${RECORD_TYPES.join(", ")}`),
  payload: bytes(1, 16_777_216),
  signer: hotkey,
  signature: bytes(64, 64),
});

/** SeedBlock. */
export const seedBlock = constraintsOn(SeedBlockSchema, {
  number: integer(0),
  hash: hex(64),
  time: required(moment("milliseconds")),
});
