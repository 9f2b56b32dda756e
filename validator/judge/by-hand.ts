/**
 * Judging one epoch once, by hand.
 */
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import type { ValidatorConfig, ValidatorParts } from "../parts.js";
import { type EpochRecords, openClosedEpoch } from "./closed-epoch.js";
import { judgeEpoch } from "./judge-epoch.js";
import { KeptFiles } from "./kept-files.js";
import { publishReport } from "./publish.js";
import { workStore } from "./work-store.js";

/** What judging by hand needs. */
export interface ByHandOptions {
  readonly parts: Omit<ValidatorParts, "relayObjects" | "relayCache" | "follow">;
  readonly config: Pick<ValidatorConfig, "network" | "netuid" | "serverHotkey" | "concurrency" | "cacheBytes">;
  /** The records of the epoch, asked for when the state does not hold them. Rejects with EPOCH_UNKNOWN or EPOCH_OPEN. */
  readonly fetchRecords: (epochId: string, signal: AbortSignal) => Promise<EpochRecords>;
  /** Whether nothing is to be published, and no report to be kept. What was found on the way is kept. */
  readonly isDryRun: boolean;
}

/** Judges the epoch and publishes the report. Resolves with the report, the present one where it is judged already. */
export async function judgeByHand(epochId: string, options: ByHandOptions, signal: AbortSignal): Promise<SignedRecord> {
  const { parts, config, isDryRun } = options;
  const work = workStore(parts.state, epochId);
  const records = (await work.records()) ?? (await options.fetchRecords(epochId, signal));
  const closed = openClosedEpoch(records.epoch, records.snapshot, parts.verify, config.serverHotkey);
  const kept = await KeptFiles.open(parts.state, config.cacheBytes);
  const unheard = { report: () => Promise.resolve(undefined), saveReport: () => Promise.resolve() };
  const judging = { parts, config, closed, kept, work: isDryRun ? { ...work, ...unheard } : work };
  const report = await judgeEpoch(judging, signal);
  if (!isDryRun) await publishReport(report, { parts, closed, work }, signal);
  return report;
}
