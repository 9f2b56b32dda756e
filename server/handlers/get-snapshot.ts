import type { ServiceImpl } from "@connectrpc/connect";
import type { JudgingService } from "../../gen/zipnet/v1/judging_service_pb.js";
import type { ServerParts } from "../parts.js";

/** Reads the snapshot of a closed epoch. */
export function getSnapshot({ book }: ServerParts): ServiceImpl<typeof JudgingService>["getSnapshot"] {
  return async ({ epochId }) => ({ record: (await book.closed(epochId)).snapshotRecord });
}
