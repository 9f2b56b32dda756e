/**
 * Publishing a report: once, whatever happens in between.
 */
import { equals, fromBinary } from "@bufbuild/protobuf";
import { ZipnetError } from "../../core/errors.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { ReportSchema, type ScoreTable, ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";
import type { ValidatorParts } from "../parts.js";
import type { ClosedEpoch } from "./closed-epoch.js";
import type { WorkStore } from "./work-store.js";

/** What publishing needs. */
export interface PublishOptions {
  readonly parts: Pick<ValidatorParts, "log" | "server">;
  readonly closed: ClosedEpoch;
  readonly work: WorkStore;
}

/**
 * Publishes the report. Rejects when the server does not take it now. An
 * earlier report of ours, published before local state was lost, stands; whether it says the same is logged.
 */
export async function publishReport(report: SignedRecord, options: PublishOptions, signal: AbortSignal): Promise<void> {
  await publishOrCompare(report, options, signal);
  await options.work.markPublished();
}

async function publishOrCompare(
  report: SignedRecord,
  { parts, closed }: PublishOptions,
  signal: AbortSignal,
): Promise<void> {
  const epochId = closed.epoch.id;
  try {
    await parts.server.publish(report, signal);
    parts.log.info({ event: "report_published", epoch_id: epochId }, `the report of epoch ${epochId} is published`);
  } catch (error) {
    if (!(error instanceof ZipnetError) || error.reason !== "ALREADY_PUBLISHED") throw error;
    const published = await publishedBy(report.signer, epochId, parts, signal);
    const same = published !== undefined && equals(ScoreTableSchema, tableOf(published), tableOf(report));
    const facts = { event: "report_published", epoch_id: epochId, same_table: same };
    if (same) parts.log.info(facts, `the report of epoch ${epochId} was published before, with the same table`);
    else parts.log.warn(facts, `another report of ours stands for epoch ${epochId}, with another table`);
  }
}

async function publishedBy(
  validator: string,
  epochId: string,
  { server }: PublishOptions["parts"],
  signal: AbortSignal,
): Promise<SignedRecord | undefined> {
  for await (const report of server.reports(epochId, signal)) if (report.signer === validator) return report;
  return undefined;
}

/** The table of a report. Throws when the record is none. */
export function tableOf(report: SignedRecord): ScoreTable {
  const { table } = fromBinary(ReportSchema, report.payload);
  if (table === undefined) throw new TypeError("a report without a table");
  return table;
}
