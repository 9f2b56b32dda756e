import type { ServiceImpl } from "@connectrpc/connect";
import { InvalidFieldsError, ZipnetError } from "../../core/errors.js";
import { RECORD_CONTENT_TYPE, reportKey } from "../../core/object-keys.js";
import type { VerifySignature } from "../../core/ports.js";
import { decodeRecord, encodeRecord, openRecord, payloadSha256 } from "../../core/signed-record.js";
import type { JudgingService } from "../../gen/zipnet/v1/judging_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { type Report, ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { callerOf } from "../../rpc/auth/callers.js";
import type { ClosedEpoch } from "../epoch-book.js";
import type { ServerParts } from "../parts.js";
import { present } from "./present.js";

/** Opens a report that the caller signed for itself. Throws RECORD_SIGNATURE_INVALID or InvalidFieldsError. */
function openReport(record: SignedRecord, verify: VerifySignature, caller: string): Report {
  const report = openRecord(ReportSchema, record, verify, caller);
  if (report.validator === caller) return report;
  throw new ZipnetError(
    "RECORD_SIGNATURE_INVALID",
    `the report is of validator ${report.validator}, but you are ${caller}; a validator publishes only its own`,
  );
}

/** Throws InvalidFieldsError unless the report judges exactly this closed epoch. */
function assertReportFits(report: Report, { epoch, snapshotSha256 }: ClosedEpoch): void {
  const pairs: readonly (readonly [string, string | number | undefined, string | number])[] = [
    ["network", report.network, epoch.network],
    ["netuid", report.netuid, epoch.netuid],
    ["table.epoch_id", report.table?.epochId, epoch.id],
    ["table.snapshot_sha256", report.table?.snapshotSha256, snapshotSha256],
  ];
  const violations = pairs
    .filter(([, given, must]) => given !== must)
    .map(([field, given, must]) => ({
      field,
      description: `is ${JSON.stringify(given ?? "")}, but must be ${JSON.stringify(must)}`,
    }));
  if (violations.length > 0) throw new InvalidFieldsError(ReportSchema.typeName, violations);
}

/** Publishes the caller's judgement of a closed epoch. */
export function publishReport(parts: ServerParts): ServiceImpl<typeof JudgingService>["publishReport"] {
  const { book, log, objects, verify } = parts;
  return async (request, context) => {
    const { hotkey } = callerOf(context);
    const record = present(request.report, "report");
    const report = openReport(record, verify, hotkey);
    const closed = await book.closed(report.epochId);
    assertReportFits(report, closed);
    const key = reportKey(report.epochId, hotkey);
    if (await objects.putIfAbsent(key, encodeRecord(record), RECORD_CONTENT_TYPE)) {
      const facts = { event: "report_published", epoch_id: report.epochId, validator: hotkey };
      log.info(facts, `${hotkey} published its report of epoch ${report.epochId}`);
      return {};
    }
    const stored = await objects.get(key);
    if (stored !== undefined && payloadSha256(decodeRecord(stored)) === payloadSha256(record)) return {};
    throw new ZipnetError(
      "ALREADY_PUBLISHED",
      `your report of epoch ${report.epochId} is published with other content; a published report cannot be changed`,
      { epoch_id: report.epochId },
    );
  };
}
