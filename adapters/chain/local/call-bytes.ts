import { create, toBinary } from "@bufbuild/protobuf";
import { sha256Of } from "../../../core/hash.js";
import { type SetWeightsRequest, SetWeightsRequestSchema } from "../../../gen/zipnet/localchain/v1/local_chain_pb.js";

/** What the signature of a setting of weights covers, 32 bytes: the SHA-256 of the request without its signature. */
export function bytesToSign(request: Omit<SetWeightsRequest, "$typeName" | "$unknown" | "signature">): Uint8Array {
  const { hotkey, netuid, uids, weights, versionKey, eraBlock } = request;
  const unsigned = create(SetWeightsRequestSchema, { hotkey, netuid, uids, weights, versionKey, eraBlock });
  return sha256Of(toBinary(SetWeightsRequestSchema, unsigned));
}
