/**
 * Judging one closed epoch: a straight line of steps. Each leaves what it found in local state before the next begins,
 * so that after a restart the line is walked again and every step that is done answers at once.
 */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { sha256Hex } from "../../core/hash.js";
import { byText } from "../../core/judging/apportion.js";
import { comparedChecks } from "../../core/judging/compared-checks.js";
import { scoreTable } from "../../core/judging/scoring.js";
import type { SubmissionCheck } from "../../core/judging/submission-check.js";
import { sealRecord } from "../../core/signed-record.js";
import { toBinary } from "@bufbuild/protobuf";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import {
  type Evidence,
  MinerVerdict,
  ReportSchema,
  type ScoreTable,
  ScoreTableSchema,
} from "../../gen/zipnet/v1/report_pb.js";
import type { ValidatorConfig, ValidatorParts } from "../parts.js";
import { SOFTWARE_VERSION } from "../../core/version.js";
import { rowsOf } from "./check-submissions.js";
import type { ClosedEpoch } from "./closed-epoch.js";
import { fetchAgain } from "./fetch-files.js";
import type { KeptFiles } from "./kept-files.js";
import { type Downloaded, type ReadOptions, readSubmissions } from "./read-submissions.js";
import { type RowsOfSample, type SpotCheckBestOptions, spotCheckBest } from "./spot-check-best.js";
import type { WorkStore } from "./work-store.js";

/** What judging needs. */
export interface JudgeOptions {
  readonly parts: Omit<ValidatorParts, "relayObjects" | "relayCache" | "follow" | "state">;
  readonly config: Pick<ValidatorConfig, "network" | "netuid" | "concurrency">;
  readonly closed: ClosedEpoch;
  readonly work: WorkStore;
  readonly kept: KeptFiles;
}

/** Judges a closed epoch, unless it is judged already. Resolves with the signed report. */
export async function judgeEpoch(options: JudgeOptions, signal: AbortSignal): Promise<SignedRecord> {
  const { parts, closed, work, kept } = options;
  const done = await work.report();
  if (done !== undefined) return done;
  const epochId = closed.epoch.id;
  const receipts = closed.receipts.length;
  parts.log.info(
    { event: "snapshot", epoch_id: epochId, receipts },
    `epoch ${epochId} closed with ${receipts} submissions`,
  );
  const { checks: found, missing, downloaded } = await readSubmissions(readingOf(options), signal);
  if (missing.length > 0)
    parts.log.warn({ epoch_id: epochId, hotkeys: missing }, "some submissions stayed out of reach");
  const amount = { submissions: closed.hotkeysToRead.size, ...downloaded };
  parts.log.info(
    { event: "downloaded", epoch_id: epochId, ...amount, cached_bytes: kept.bytes },
    `the files of ${amount.submissions} of ${receipts} submissions were read: ${downloaded.files} files, ${downloaded.bytes} bytes`,
  );
  const { epoch, rules, snapshotSha256, seedBlockHash } = closed;
  const checks = comparedChecks(found, rules, seedBlockHash);
  const evidence = await spotCheckBest(checks, checkingOf(options, signal), signal);
  const { ownerHotkey } = await parts.chain.metagraph(signal);
  const table = scoreTable({ epoch, rules, snapshotSha256, seedBlockHash, ownerHotkey, checks, evidence });
  const report = sealReport(table, evidence, downloaded, options);
  await work.saveReport(report);
  parts.log.info(judgedFacts(table), `epoch ${epochId} is judged`);
  return report;
}

function readingOf({ parts, config, closed, work, kept }: JudgeOptions): ReadOptions {
  return { parts, closed, work, kept, concurrency: config.concurrency };
}

/** Spot checks with what was downloaded, and what has to be downloaded again for it. */
function checkingOf(options: JudgeOptions, signal: AbortSignal): SpotCheckBestOptions {
  const { parts, closed, work, config } = options;
  const rowsOfMiner = async (check: SubmissionCheck): Promise<RowsOfSample> => {
    await fetchAgain(check.hotkey, readingOf(options), signal);
    return (sample) => rowsOf(check, sample, options);
  };
  return { parts, work, concurrency: config.concurrency, closed, rowsOfMiner };
}

function sealReport(
  table: ScoreTable,
  evidence: ReadonlyMap<string, readonly Evidence[]>,
  downloaded: Downloaded,
  { parts, config, closed }: JudgeOptions,
): SignedRecord {
  const idOf = (piece: Evidence): string => piece.submitted?.listingId ?? "";
  const inOrder = [...evidence.values()].flat();
  inOrder.sort((a, b) => byText(a.hotkey, b.hotkey) || byText(idOf(a), idOf(b)));
  return sealRecord(
    ReportSchema,
    {
      epochId: closed.epoch.id,
      network: config.network,
      netuid: config.netuid,
      validator: parts.signer.hotkey,
      judgedTime: timestampFromMs(parts.clock.now()),
      softwareVersion: SOFTWARE_VERSION,
      table,
      evidence: inOrder,
      downloadedFiles: downloaded.files,
      downloadedBytes: BigInt(downloaded.bytes),
    },
    parts.signer,
  );
}

/** A judgement as the log tells it. */
function judgedFacts(table: ScoreTable): object {
  return {
    event: "judged",
    epoch_id: table.epochId,
    table_sha256: sha256Hex(toBinary(ScoreTableSchema, table)),
    scores: table.scores.map((score) => ({
      hotkey: score.hotkey,
      rank: score.rank,
      verdict: MinerVerdict[score.verdict],
      speed_bps: score.speedBps,
      quality_bps: score.qualityBps,
      volume_bps: score.volumeBps,
      score_bps: score.scoreBps,
      share_bps: score.shareBps,
    })),
  };
}
