/**
 * Settling an epoch: what validators with most of the stake agree on that it held becomes a record.
 */
import { type CountedReport, settle } from "../../core/calibration/settle.js";
import { reportPrefix } from "../../core/object-keys.js";
import { decodeRecord, openRecord, payloadSha256 } from "../../core/signed-record.js";
import type { Settlement, SettlementSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import type { ServerParts } from "../parts.js";
import type { OwnRecords } from "./own-records.js";

/** What settling works with. */
export interface SettleParts extends Pick<ServerParts, "chain" | "log" | "objects" | "verify"> {
  readonly settlements: OwnRecords<typeof SettlementSchema>;
  /** Stake from which on a permitted hotkey is a validator. */
  readonly minValidatorStakeRao: bigint;
}

/** The settlement of an epoch: the one that is recorded, or else a new one, by the first of the replicas. */
export async function settleEpoch(parts: SettleParts, epoch: Epoch, signal: AbortSignal): Promise<Settlement> {
  const { chain, log, minValidatorStakeRao, settlements } = parts;
  const recorded = await settlements.get(epoch.id);
  if (recorded !== undefined) return recorded;
  const { block, neurons } = await chain.metagraph(signal);
  const validators = neurons.filter((neuron) => neuron.validatorPermit && neuron.stakeRao >= minValidatorStakeRao);
  const stakes = new Map(validators.map(({ hotkey, stakeRao }) => [hotkey, stakeRao]));
  const reports = await readReports(parts, epoch.id, stakes);
  const assigned = new Set(epoch.zipCodes.map(({ zipCode }) => zipCode));
  const { number: epochNumber, id: epochId, network, netuid } = epoch;
  const place = { epochNumber, epochId, network, netuid, blockNumber: block.number };
  const { stored, isOurs } = await settlements.put(epochId, { ...place, ...settle({ reports, stakes, assigned }) });
  if (isOurs) {
    const agreeing = stored.reports.filter(({ agrees }) => agrees).length;
    const counts = { reports: stored.reports.length, agreeing, zip_codes: stored.zipCodes.length };
    const said = `epoch ${epochId} is settled: ${agreeing} of ${counts.reports} reports agree on ${counts.zip_codes} zip codes`;
    log.info({ event: "epoch_settled", epoch_id: epochId, ...counts }, said);
  }
  return stored;
}

/** The reports of those with stake. What is no valid report is left out, and the log says so. */
async function readReports(
  { log, objects, verify }: SettleParts,
  epochId: string,
  stakes: ReadonlyMap<string, bigint>,
): Promise<CountedReport[]> {
  const reports: CountedReport[] = [];
  for await (const { key } of objects.list(reportPrefix(epochId))) {
    const validator = key.slice(reportPrefix(epochId).length, -".bin".length);
    const bytes = stakes.has(validator) ? await objects.get(key) : undefined;
    if (bytes === undefined) continue;
    try {
      const record = decodeRecord(bytes);
      const { table } = openRecord(ReportSchema, record, verify, validator);
      reports.push({ validator, sha256: payloadSha256(record), zipCodes: table?.zipCodes ?? [] });
    } catch (err) {
      log.error({ event: "report_invalid", key, err }, `${key} is no report of ${validator} and does not count`);
    }
  }
  return reports;
}
