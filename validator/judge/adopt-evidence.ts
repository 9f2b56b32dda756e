/**
 * Taking over what other validators found, where the source was out of reach here for so much of a sample that nothing
 * could be decided.
 */
import { ZipnetError } from "../../core/errors.js";
import { type OthersReport, isUnanswered } from "../../core/judging/adoption.js";
import { countVerdicts } from "../../core/judging/comparison.js";
import { decide } from "../../core/judging/decision.js";
import { type SubmissionCheck, acceptedCount } from "../../core/judging/submission-check.js";
import type { Chain, Signer } from "../../core/ports.js";
import { openRecord } from "../../core/signed-record.js";
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { type Evidence, type Report, ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import type { ValidatorParts } from "../parts.js";
import type { JudgingCalls } from "../server-calls.js";
import { type ClosedEpoch, sourceDeadlineMs } from "./closed-epoch.js";
import { pauseBefore } from "./waiting.js";

/** What reading others' reports needs. */
export interface AdoptOptions {
  readonly parts: Pick<ValidatorParts, "clock" | "log" | "verify"> & {
    readonly server: Pick<JudgingCalls, "reports">;
    readonly chain: Pick<Chain, "metagraph">;
    readonly signer: Pick<Signer, "hotkey">;
  };
  readonly closed: ClosedEpoch;
}

/** Whether a miner is undecided for no other reason than that the source did not answer. */
export function isBlocked(
  checks: readonly SubmissionCheck[],
  evidence: ReadonlyMap<string, readonly Evidence[]>,
  rules: Rules,
): boolean {
  return checks.some((check) => {
    const pieces = evidence.get(check.hotkey) ?? [];
    const counts = countVerdicts(pieces);
    const unanswered = pieces.filter((piece) => isUnanswered(piece)).length;
    const answered = { ...counts, pass: counts.pass + unanswered, unknown: counts.unknown - unanswered };
    const available = acceptedCount(check);
    return decide(counts, available, rules) === "unverified" && decide(answered, available, rules) !== "unverified";
  });
}

/**
 * The others' reports on the epoch, once all who could ask the source had the time to publish theirs. Tries again what
 * is out of reach until the judging period ends; none where it stays so.
 */
export async function othersReports(options: AdoptOptions, signal: AbortSignal): Promise<OthersReport[]> {
  const { parts, closed } = options;
  const { clock, log } = parts;
  const fromMs = sourceDeadlineMs(closed);
  if (clock.now() < fromMs) await clock.sleepUntil(fromMs, signal);
  for (let tries = 1; ; tries += 1) {
    try {
      return await readReports(options, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ZipnetError)) throw error;
      log.warn({ epoch_id: closed.epoch.id, err: error }, "the reports of other validators are out of reach for now");
    }
    if (!(await pauseBefore(closed.judgingEndMs, tries, clock, signal))) return [];
  }
}

async function readReports({ parts, closed }: AdoptOptions, signal: AbortSignal): Promise<OthersReport[]> {
  const { neurons } = await parts.chain.metagraph(signal);
  const stakes = new Map(
    neurons.filter((neuron) => neuron.validatorPermit).map(({ hotkey, stakeRao }) => [hotkey, stakeRao]),
  );
  const reports = new Map<string, OthersReport>();
  for await (const record of parts.server.reports(closed.epoch.id, signal)) {
    const stakeRao = stakes.get(record.signer) ?? 0n;
    if (record.signer === parts.signer.hotkey || stakeRao === 0n) continue;
    const report = openOthers(record, parts, closed);
    if (report !== undefined)
      reports.set(record.signer, { validator: record.signer, stakeRao, evidence: report.evidence });
  }
  return [...reports.values()];
}

/** A report as its validator signed it; undefined when it is none on this snapshot. */
function openOthers(
  record: SignedRecord,
  { verify, log }: AdoptOptions["parts"],
  { epoch, snapshotSha256 }: ClosedEpoch,
): Report | undefined {
  try {
    const report = openRecord(ReportSchema, record, verify, record.signer);
    const { validator, network, netuid, table } = report;
    const isOn = table?.epochId === epoch.id && table.snapshotSha256 === snapshotSha256;
    return isOn && validator === record.signer && network === epoch.network && netuid === epoch.netuid
      ? report
      : undefined;
  } catch (error) {
    if (!(error instanceof ZipnetError)) throw error;
    log.warn({ epoch_id: epoch.id, validator: record.signer, err: error }, "a report that is not valid does not count");
    return undefined;
  }
}
