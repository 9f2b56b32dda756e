/** GetEpoch's answer, encoded: what servers send that encode it once. */
import { create, toBinary } from "@bufbuild/protobuf";
import { GetEpochResponseSchema } from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { grpcFrame } from "../harness/network.js";

/** The message. */
export function getEpochBytes(record: SignedRecord): Uint8Array {
  return toBinary(GetEpochResponseSchema, create(GetEpochResponseSchema, { record }));
}

/** The message in its gRPC frame. */
export function getEpochFrame(record: SignedRecord): Buffer {
  return grpcFrame(getEpochBytes(record));
}
