import type { ServiceImpl } from "@connectrpc/connect";
import { choiceKey, settlementKey } from "../../core/object-keys.js";
import { decodeRecord } from "../../core/signed-record.js";
import type { JudgingService } from "../../gen/zipnet/v1/judging_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import type { ServerParts } from "../parts.js";

/** Reads which catalogue was chosen for an epoch, and what the epoch was settled with. */
export function getCalibration({ book, objects }: ServerParts): ServiceImpl<typeof JudgingService>["getCalibration"] {
  const read = async (key: string): Promise<SignedRecord | undefined> => {
    const bytes = await objects.get(key);
    return bytes === undefined ? undefined : decodeRecord(bytes);
  };
  return async ({ epochId }) => {
    const choice = await read(choiceKey(epochId));
    if (choice === undefined) await book.known(epochId);
    const settlement = await read(settlementKey(epochId));
    return { ...(choice === undefined ? {} : { choice }), ...(settlement === undefined ? {} : { settlement }) };
  };
}
