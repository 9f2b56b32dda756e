import { fromBinary } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { ZipnetError } from "../../core/errors.js";
import { explainScore as explain } from "../../core/judging/explain.js";
import { millisOf } from "../../core/timestamps.js";
import {
  ExplainScoreRequestSchema,
  type JudgingService,
  type ScoreExplanation,
} from "../../gen/zipnet/v1/judging_service_pb.js";
import { ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { ReceiptSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { type Caller, callerOf } from "../../rpc/auth/callers.js";
import type { ClosedEpoch } from "../epoch-book.js";
import type { ServerParts } from "../parts.js";
import { decodePageToken, encodePageToken } from "./page-tokens.js";
import { reportsAfter } from "./stored-reports.js";

/** As many reports as are taken apart for one page; their bytes are limited, too. */
const REPORTS_PER_PAGE = 64;

/** Throws ROLE_NOT_ALLOWED when a miner asks for another one's. */
function assertMayAsk({ hotkey, roles }: Caller, asked: string): void {
  if (asked === hotkey || roles.some((role) => role !== "miner")) return;
  throw new ZipnetError(
    "ROLE_NOT_ALLOWED",
    `${hotkey} is a miner and asked for the score of ${asked}, but a miner may ask for its own only; leave hotkey empty`,
    { needed_roles: "validator,owner" },
  );
}

function receivedMsOf(hotkey: string, closed: ClosedEpoch | undefined): number | undefined {
  const receipts = closed?.snapshot.receipts.map(({ payload }) => fromBinary(ReceiptSchema, payload));
  const own = receipts?.find((receipt) => receipt.hotkey === hotkey);
  return own === undefined ? undefined : millisOf(own.receivedTime);
}

/** Explains a miner's score by the reports on an epoch, a page of reports at a time. */
export function explainScore({ book, objects }: ServerParts): ServiceImpl<typeof JudgingService>["explainScore"] {
  return async (request, context) => {
    const caller = callerOf(context);
    const { epochId } = request;
    const hotkey = request.hotkey || caller.hotkey;
    assertMayAsk(caller, hotkey);
    const { epoch } = await book.known(epochId);
    const question = `${epochId} ${hotkey}`;
    const after = decodePageToken(ExplainScoreRequestSchema.typeName, question, request.pageToken);
    const receivedMs = receivedMsOf(hotkey, await book.snapshot(epochId));
    const { records, isLast } = await reportsAfter(objects, epochId, after, REPORTS_PER_PAGE);
    const explanations = records.flatMap((record): ScoreExplanation[] => {
      const report = fromBinary(ReportSchema, record.payload);
      const explanation = explain({ report, epoch, hotkey, receivedMs });
      return explanation === undefined ? [] : [explanation];
    });
    const last = records.at(-1);
    const nextPageToken = isLast || last === undefined ? "" : encodePageToken(question, last.signer);
    return { explanations, nextPageToken };
  };
}
