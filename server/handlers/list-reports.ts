import type { ServiceImpl } from "@connectrpc/connect";
import { type JudgingService, ListReportsRequestSchema } from "../../gen/zipnet/v1/judging_service_pb.js";
import type { ServerParts } from "../parts.js";
import { decodePageToken, encodePageToken } from "./page-tokens.js";
import { reportsAfter } from "./stored-reports.js";

const DEFAULT_PAGE_SIZE = 16;

/** Reads the judgements of an epoch, ascending by validator. */
export function listReports({ book, objects }: ServerParts): ServiceImpl<typeof JudgingService>["listReports"] {
  return async ({ epochId, pageSize, pageToken }) => {
    await book.known(epochId);
    const after = decodePageToken(ListReportsRequestSchema.typeName, epochId, pageToken);
    const { records, isLast } = await reportsAfter(objects, epochId, after, pageSize || DEFAULT_PAGE_SIZE);
    const last = records.at(-1);
    const nextPageToken = isLast || last === undefined ? "" : encodePageToken(epochId, last.signer);
    return { reports: [...records], nextPageToken };
  };
}
