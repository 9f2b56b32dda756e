/** The reports by which an export goes. */
import type { WeighedTable } from "../../core/dataset/honest-miners.js";
import { ZipnetError } from "../../core/errors.js";
import type { VerifySignature } from "../../core/ports.js";
import { openRecord, payloadSha256 } from "../../core/signed-record.js";
import { SettlementSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { ReportSchema, type ScoreTable } from "../../gen/zipnet/v1/report_pb.js";
import type { RecordSource } from "../epochs/source.js";

/** What decides who was honest. */
export interface TrustedTables {
  readonly tables: readonly WeighedTable[];
  /** Stake of all validators, whether they reported or not. */
  readonly validatorStakeRao: bigint;
}

/** What reports are read with. */
export interface TrustOptions {
  readonly source: Pick<RecordSource, "settlement" | "reports">;
  readonly verify: VerifySignature;
  /** The hotkey that must have signed the settlement. */
  readonly serverHotkey: string;
  /** The only validator whose report counts; undefined: all that the epoch was settled with, by their stake. */
  readonly validator: string | undefined;
}

/**
 * The tables of an epoch that count. Rejects with OBJECT_MISSING where a record that is needed is not there, and with
 * an Error where too little stake has reported.
 */
export async function trustedTables(
  epochId: string,
  snapshotSha256: string,
  options: TrustOptions,
): Promise<TrustedTables> {
  const { source, verify, serverHotkey, validator } = options;
  const reports = new Map((await source.reports(epochId)).map((report) => [report.signer, report]));
  const tableOf = (record: SignedRecord): ScoreTable | undefined => {
    const { table } = openRecord(ReportSchema, record, verify, record.signer);
    return table?.epochId === epochId && table.snapshotSha256 === snapshotSha256 ? table : undefined;
  };
  if (validator !== undefined) {
    const report = reports.get(validator);
    const table = report && tableOf(report);
    if (table === undefined) throw missing(`there is no report of ${validator} on the snapshot of epoch ${epochId}`);
    return { tables: [{ table, stakeRao: 1n }], validatorStakeRao: 1n };
  }
  const record = await source.settlement(epochId);
  if (record === undefined) {
    throw missing(
      `epoch ${epochId} is not settled, which happens three epochs later where the server calibrates; ` +
        "name a --validator to go by its report alone",
    );
  }
  const settlement = openRecord(SettlementSchema, record, verify, serverHotkey);
  const tables = settlement.reports.flatMap(({ validator: signer, stakeRao, reportSha256 }): WeighedTable[] => {
    const report = reports.get(signer);
    if (report === undefined || payloadSha256(report) !== reportSha256) {
      throw missing(`epoch ${epochId} was settled with a report of ${signer} that is not there`);
    }
    const table = tableOf(report);
    return table === undefined ? [] : [{ table, stakeRao }];
  });
  const { validatorStakeRao } = settlement;
  const reportedRao = tables.reduce((sum, { stakeRao }) => sum + stakeRao, 0n);
  if (reportedRao === 0n || reportedRao * 3n < validatorStakeRao) {
    throw new Error(
      `validators with ${reportedRao} of ${validatorStakeRao} rao have reported on epoch ${epochId}, but a third is needed; ` +
        "name a --validator to go by its report alone",
    );
  }
  return { tables, validatorStakeRao };
}

function missing(what: string): ZipnetError {
  return new ZipnetError("OBJECT_MISSING", what);
}
