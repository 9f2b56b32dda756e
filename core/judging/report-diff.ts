/**
 * Where two validators' reports on one epoch disagree: at which miner, check and listing, and how much weight it moved.
 */
import { equals } from "@bufbuild/protobuf";
import { type MinerScore, type Report, type ScoreTable, ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";
import { byText } from "./apportion.js";
import { type CheckDifference, type Pair, both, differs, diffEvidence, diffFacts, diffLosses } from "./finding-diff.js";

/** A miner that two reports judge differently. */
export interface MinerDifference {
  readonly hotkey: string;
  readonly weightBps: Pair<number>;
  /** Undefined where a report has no score of the miner. */
  readonly scores: Pair<MinerScore | undefined>;
  /**
   * What was found differently of this miner, by check, zip code and listing. None: its score or weight differs because
   * another miner's does.
   */
  readonly checks: readonly CheckDifference[];
}

/** What two reports disagree on. */
export interface ReportDifference {
  /** Whether the score tables are the same bytes. */
  readonly isSameTable: boolean;
  /** Weight that one gives to other miners than the other. 0 to 10,000 basis points. */
  readonly movedBps: number;
  /** What the reports do not share although all tables of an epoch must: what was judged, or by which rules. */
  readonly basis: readonly CheckDifference[];
  /** The miner whose weight differs most first, then by hotkey. */
  readonly miners: readonly MinerDifference[];
}

/** Compares two reports on one epoch. Throws a RangeError when they are on two. */
export function diffReports(first: Report, second: Report): ReportDifference {
  if (first.epochId !== second.epochId)
    throw new RangeError(`the reports are on epochs ${first.epochId} and ${second.epochId}; compare two on one epoch`);
  const reports: Pair<Report> = [first, second];
  const tables = both(reports, ({ table }) => table);
  const hotkeys = new Set(reports.flatMap((report) => mentionedIn(report)));
  const miners = [...hotkeys].sort(byText).flatMap((hotkey) => diffMiner(hotkey, reports));
  const moved = (miner: MinerDifference): number => Math.abs(miner.weightBps[0] - miner.weightBps[1]);
  const gained = (side: 0 | 1): number =>
    miners.reduce((sum, { weightBps }) => sum + Math.max(0, weightBps[side] - weightBps[(1 - side) as 0 | 1]), 0);
  const [one, other] = tables;
  return {
    isSameTable: one !== undefined && other !== undefined && equals(ScoreTableSchema, one, other),
    movedBps: Math.max(gained(0), gained(1)),
    basis: basisOf(tables),
    miners: miners.sort((a, b) => moved(b) - moved(a) || byText(a.hotkey, b.hotkey)),
  };
}

function mentionedIn({ table, evidence }: Report): string[] {
  const { scores = [], weights = [] } = table ?? {};
  return [...scores, ...weights, ...evidence].map(({ hotkey }) => hotkey);
}

function basisOf(tables: Pair<ScoreTable | undefined>): CheckDifference[] {
  const facts: readonly [string, (table: ScoreTable | undefined) => string][] = [
    ["snapshot", (table) => table?.snapshotSha256 ?? ""],
    ["rules of scoring", (table) => table?.scoringVersion ?? ""],
  ];
  return facts
    .map(([check, take]) => ({ check, zipCode: "", listingId: "", found: both(tables, take) }))
    .filter(({ found }) => differs(found));
}

function diffMiner(hotkey: string, reports: Pair<Report>): MinerDifference[] {
  const scores = both(reports, ({ table }) => table?.scores.find((score) => score.hotkey === hotkey));
  const weightBps = both(
    reports,
    ({ table }) => table?.weights.find((weight) => weight.hotkey === hotkey)?.weightBps ?? 0,
  );
  const evidence = both(reports, (report) => report.evidence.filter((piece) => piece.hotkey === hotkey));
  const checks = [...diffFacts(scores), ...diffEvidence(evidence), ...diffLosses(scores)];
  const standing = both(scores, (score) => `${score?.rank} ${score?.scoreBps} ${score?.shareBps}`);
  return checks.length > 0 || differs(weightBps) || differs(standing) ? [{ hotkey, weightBps, scores, checks }] : [];
}
