import { create, toBinary } from "@bufbuild/protobuf";
import { sha256Of } from "../../../core/hash.js";
import {
  type ServeAxonRequest,
  ServeAxonRequestSchema,
  type SetWeightsRequest,
  SetWeightsRequestSchema,
} from "../../../gen/zipnet/localchain/v1/local_chain_pb.js";

/** What the signature of a setting of weights covers, 32 bytes: the SHA-256 of the request without its signature. */
export function bytesToSign(request: Omit<SetWeightsRequest, "$typeName" | "$unknown" | "signature">): Uint8Array {
  const { hotkey, netuid, uids, weights, versionKey, eraBlock } = request;
  const unsigned = create(SetWeightsRequestSchema, { hotkey, netuid, uids, weights, versionKey, eraBlock });
  return sha256Of(toBinary(SetWeightsRequestSchema, unsigned));
}

/** What the signature of an announcement covers, 32 bytes. It begins with its type, so that it is good for nothing else. */
export function axonBytesToSign(request: Omit<ServeAxonRequest, "$typeName" | "$unknown" | "signature">): Uint8Array {
  const { hotkey, netuid, axon, eraBlock } = request;
  const unsigned = create(ServeAxonRequestSchema, { hotkey, netuid, axon, eraBlock });
  return sha256Of(`${ServeAxonRequestSchema.typeName}\n`, toBinary(ServeAxonRequestSchema, unsigned));
}
