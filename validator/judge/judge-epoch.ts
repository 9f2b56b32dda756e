/**
 * Judging one closed epoch: a straight line of steps. Each leaves what it found in local state before the next begins,
 * so that after a restart the line is walked again and every step that is done answers at once.
 */
import { type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { sha256Hex } from "../../core/hash.js";
import { byText } from "../../core/judging/apportion.js";
import { adoptingFrom } from "../../core/judging/adoption.js";
import { comparedChecks } from "../../core/judging/compared-checks.js";
import { scoreTable } from "../../core/judging/scoring.js";
import type { SubmissionCheck } from "../../core/judging/submission-check.js";
import { sealRecord } from "../../core/signed-record.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import {
  type Evidence,
  MinerVerdict,
  type Report,
  ReportSchema,
  type ScoreTable,
  ScoreTableSchema,
} from "../../gen/zipnet/v1/report_pb.js";
import type { ValidatorConfig, ValidatorParts } from "../parts.js";
import { SOFTWARE_VERSION } from "../../core/version.js";
import { type AdoptOptions, isBlocked, othersReports } from "./adopt-evidence.js";
import { rowsOf } from "./check-submissions.js";
import type { ClosedEpoch } from "./closed-epoch.js";
import { fetchAgain } from "./fetch-files.js";
import type { KeptFiles } from "./kept-files.js";
import { type Downloaded, type ReadOptions, readSubmissions } from "./read-submissions.js";
import { type RowsOfSample, type SpotCheckBestOptions, spotCheckBest } from "./spot-check-best.js";
import type { WorkStore } from "./work-store.js";

/** What the line up to the table needs. */
export interface LineOptions {
  readonly parts: SpotCheckBestOptions["parts"] & ReadOptions["parts"] & AdoptOptions["parts"];
  readonly config: Pick<ValidatorConfig, "concurrency">;
  readonly closed: ClosedEpoch;
  readonly work: WorkStore;
  readonly kept: KeptFiles;
}

/** What judging needs. */
export interface JudgeOptions extends LineOptions {
  readonly parts: Omit<ValidatorParts, "relayObjects" | "relayCache" | "follow" | "state">;
  readonly config: Pick<ValidatorConfig, "network" | "netuid" | "concurrency">;
}

/** What judging an epoch comes to. */
export interface Judgement {
  readonly table: ScoreTable;
  /** By hotkey, of those that were spot checked. */
  readonly evidence: ReadonlyMap<string, readonly Evidence[]>;
  readonly downloaded: Downloaded;
}

/** Judges a closed epoch, unless it is judged already. Resolves with the signed report. */
export async function judgeEpoch(options: JudgeOptions, signal: AbortSignal): Promise<SignedRecord> {
  const { parts, work } = options;
  const done = await work.report();
  if (done !== undefined) return done;
  const judgement = await judge(options, signal);
  const report = sealReport(judgement, options);
  await work.saveReport(report);
  const { table } = judgement;
  parts.log.info(judgedFacts(table), `epoch ${table.epochId} is judged`);
  return report;
}

/** Walks the line, up to the table. What was found before is not asked for again. */
export async function judge(options: LineOptions, signal: AbortSignal): Promise<Judgement> {
  const { parts, closed, work, kept } = options;
  const epochId = closed.epoch.id;
  if ((await work.records()) === undefined) await work.saveRecords(closed.records);
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
  const evidence = await spotCheckAll(checks, options, signal);
  const ownerHotkey = await ownerOf(options, signal);
  const table = scoreTable({ epoch, rules, snapshotSha256, seedBlockHash, ownerHotkey, checks, evidence });
  return { table, evidence, downloaded };
}

/** Spot checks; what stays undecided because the source did not answer here, others' findings may decide. */
async function spotCheckAll(
  checks: readonly SubmissionCheck[],
  options: LineOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly Evidence[]>> {
  const { parts, closed, work } = options;
  const checking = checkingOf(options, signal);
  const own = await spotCheckBest(checks, checking, signal);
  if (!isBlocked(checks, own, closed.rules)) return own;
  const reports = await othersReports(options, signal);
  const shared = await spotCheckBest(checks, { ...checking, adopt: adoptingFrom(reports) }, signal);
  const adopted = [...shared.values()].flat().filter((piece) => piece.adoptedFrom.length > 0);
  for (const piece of adopted) {
    const { zipCode = "", listingId = "" } = piece.submitted ?? {};
    await work.saveEvidence(piece.hotkey, zipCode, listingId, piece);
  }
  const facts = {
    event: "evidence_adopted",
    epoch_id: closed.epoch.id,
    reports: reports.length,
    pieces: adopted.length,
  };
  parts.log.warn(facts, `the source did not answer; ${adopted.length} findings of other validators are taken over`);
  return shared;
}

async function ownerOf({ parts, work }: LineOptions, signal: AbortSignal): Promise<string> {
  const known = await work.owner();
  if (known !== undefined) return known;
  const { ownerHotkey } = await parts.chain.metagraph(signal);
  await work.saveOwner(ownerHotkey);
  return ownerHotkey;
}

function readingOf({ parts, config, closed, work, kept }: LineOptions): ReadOptions {
  return { parts, closed, work, kept, concurrency: config.concurrency };
}

/** Spot checks with what was downloaded, and what has to be downloaded again for it. */
function checkingOf(options: LineOptions, signal: AbortSignal): SpotCheckBestOptions {
  const { parts, closed, work, config } = options;
  const rowsOfMiner = async (check: SubmissionCheck): Promise<RowsOfSample> => {
    await fetchAgain(check.hotkey, readingOf(options), signal);
    return (sample) => rowsOf(check, sample, options);
  };
  return { parts, work, concurrency: config.concurrency, closed, rowsOfMiner };
}

function sealReport(judgement: Judgement, { parts, config, closed }: JudgeOptions): SignedRecord {
  const { network, netuid } = config;
  const at = { judgedTime: timestampFromMs(parts.clock.now()), softwareVersion: SOFTWARE_VERSION };
  const validator = parts.signer.hotkey;
  return sealRecord(
    ReportSchema,
    reportOf(judgement, { ...at, network, netuid, validator, epochId: closed.epoch.id }),
    parts.signer,
  );
}

/** The report that a judgement is published as. `head`: everything in it that does not follow from the judgement. */
export function reportOf(
  { table, evidence, downloaded }: Judgement,
  head: Pick<Report, "epochId" | "network" | "netuid" | "validator" | "softwareVersion"> &
    Required<Pick<MessageInitShape<typeof ReportSchema>, "judgedTime">>,
): Report {
  const idOf = (piece: Evidence): string => piece.submitted?.listingId ?? "";
  const inOrder = [...evidence.values()].flat();
  inOrder.sort((a, b) => byText(a.hotkey, b.hotkey) || byText(idOf(a), idOf(b)));
  return create(ReportSchema, {
    ...head,
    table,
    evidence: inOrder,
    downloadedFiles: downloaded.files,
    downloadedBytes: BigInt(downloaded.bytes),
    adoptedEvidence: inOrder.filter((piece) => piece.adoptedFrom.length > 0).length,
  });
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
