import type { ServiceImpl } from "@connectrpc/connect";
import { reportKey, reportPrefix } from "../../core/object-keys.js";
import { decodeRecord } from "../../core/signed-record.js";
import { type JudgingService, ListReportsRequestSchema } from "../../gen/zipnet/v1/judging_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { MAX_PAGE_BYTES } from "../limits.js";
import type { ServerParts } from "../parts.js";
import { decodePageToken, encodePageToken } from "./page-tokens.js";

const DEFAULT_PAGE_SIZE = 16;

/** Reads the judgements of an epoch, ascending by validator. */
export function listReports({ book, objects }: ServerParts): ServiceImpl<typeof JudgingService>["listReports"] {
  return async ({ epochId, pageSize, pageToken }) => {
    await book.known(epochId);
    const after = decodePageToken(ListReportsRequestSchema.typeName, epochId, pageToken);
    const reports: SignedRecord[] = [];
    let bytes = 0;
    for await (const info of objects.list(
      reportPrefix(epochId),
      after === "" ? undefined : reportKey(epochId, after),
    )) {
      const full = reports.length === (pageSize || DEFAULT_PAGE_SIZE) || bytes + info.sizeBytes > MAX_PAGE_BYTES;
      const last = reports.at(-1);
      if (full && last !== undefined) return { reports, nextPageToken: encodePageToken(epochId, last.signer) };
      const content = await objects.get(info.key);
      if (content === undefined) throw new Error(`the store has lost ${info.key}, which it listed`);
      reports.push(decodeRecord(content));
      bytes += info.sizeBytes;
    }
    return { reports, nextPageToken: "" };
  };
}
