/**
 * The result of an epoch: a pure function of the epoch, its snapshot, the submissions and the spot checks' evidence.
 *
 * Two validators get the same bytes when their evidence differs only in which of the listings that did not fail they
 * got an answer for, and in pages and times; see quality.ts and decision.ts for why.
 */
import { create } from "@bufbuild/protobuf";
import type { Epoch, Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import {
  type Evidence,
  LossReason,
  type LostPoints,
  LostPointsSchema,
  type MinerScore,
  MinerScoreSchema,
  MinerVerdict,
  type ScoreTable,
  ScoreTableSchema,
} from "../../gen/zipnet/v1/report_pb.js";
import { byText } from "./apportion.js";
import { byScore } from "./candidates.js";
import { type CrossChecked, crossCheck, knownListings } from "./cross-check.js";
import { type JudgedMiner, scoreDishonest, scoreHonest, verdictOn } from "./miner-scores.js";
import { bestOfColdkeys, sharesOf, weightsOf } from "./shares.js";
import { type SubmissionCheck, tookPart } from "./submission-check.js";
import { heldListings } from "./volume.js";
import { zipCodeCounts } from "./zip-code-counts.js";

/** Name of the judging rules' algorithm. */
const SCORING_VERSION = "zipnet-score-v2";

/** Everything that a score table follows from. */
export interface ScoringInput {
  readonly epoch: Epoch;
  readonly rules: Rules;
  readonly snapshotSha256: string;
  /** Hash of the snapshot's seed block. */
  readonly seedBlockHash: string;
  /** Where unearned shares go when the rules burn them. */
  readonly ownerHotkey: string;
  /** From comparedChecks: one per receipt of the snapshot, in any order. */
  readonly checks: readonly SubmissionCheck[];
  /** By hotkey, for those that were spot checked. */
  readonly evidence: ReadonlyMap<string, readonly Evidence[]>;
}

/** An honest miner with its score. */
interface ScoredMiner extends CrossChecked {
  readonly coldkey: string;
  readonly score: MinerScore;
}

/** Computes the result of an epoch. */
export function scoreTable(input: ScoringInput): ScoreTable {
  const { epoch, rules } = input;
  const judged = input.checks.map((check): JudgedMiner => {
    const evidence = input.evidence.get(check.hotkey) ?? [];
    return { check, evidence, verdict: verdictOn(check, evidence, rules) };
  });
  const isHonest = ({ verdict }: JudgedMiner): boolean =>
    verdict !== MinerVerdict.LIAR && verdict !== MinerVerdict.COPY;
  const verified = judged.filter(isVerified).map(({ check }) => check);
  const known = knownListings(
    verified,
    epoch.zipCodes.map(({ zipCode }) => zipCode),
  );
  const crossChecked = judged
    .filter(isHonest)
    .map((miner) => ({ miner, checked: crossCheck(miner.check, known, isVerified(miner)) }));
  const others = crossChecked.filter(({ miner }) => !isVerified(miner)).map(({ checked }) => checked.check);
  const held = heldListings(verified, others, epoch);
  const ranked = crossChecked
    .map(({ miner, checked }) => {
      return { ...checked, coldkey: miner.check.coldkey, score: scoreHonest(miner, checked, held, input) };
    })
    .sort(byRank(input.seedBlockHash));
  const dishonest = judged
    .filter((miner) => !isHonest(miner))
    .map((miner) => scoreDishonest(miner, held, input))
    .sort((a, b) => byText(a.hotkey, b.hotkey));
  const { scores, shares } = paid(ranked, rules);
  return create(ScoreTableSchema, {
    epochId: epoch.id,
    snapshotSha256: input.snapshotSha256,
    scoringVersion: SCORING_VERSION,
    scores: [...scores, ...dishonest],
    weights: weightsOf(shares, rules, input.ownerHotkey),
    zipCodes: zipCodeCounts(verified, epoch),
  });
}

function isVerified({ verdict }: Pick<JudgedMiner, "verdict">): boolean {
  return verdict === MinerVerdict.VERIFIED;
}

function byRank(seedBlockHash: string) {
  const inOrder = byScore(seedBlockHash);
  return (a: ScoredMiner, b: ScoredMiner): number =>
    Number(isVerified(b.score)) - Number(isVerified(a.score)) || inOrder(a.score, b.score);
}

/** Ranks and shares of the honest, and why some of them have none. */
function paid(
  ranked: readonly ScoredMiner[],
  rules: Rules,
): { readonly scores: MinerScore[]; readonly shares: ReadonlyMap<string, number> } {
  const takingPart = ranked.filter((miner) => tookPart(miner.check) && isConfirmed(miner));
  const earning = bestOfColdkeys(takingPart, rules);
  const shares = sharesOf(
    earning.map(({ score }) => ({ ...score, verified: isVerified(score) })),
    rules,
  );
  const earnerOf = new Map(earning.map(({ coldkey, score }) => [coldkey, score.hotkey]));
  const scores = ranked.map((miner, index) => {
    const { score, coldkey } = miner;
    const rank = { rank: index + 1, shareBps: shares.get(score.hotkey) ?? 0 };
    if (!isConfirmed(miner)) return create(MinerScoreSchema, { ...score, ...rank, lost: unconfirmed(miner) });
    if (!takingPart.includes(miner) || earning.includes(miner)) return create(MinerScoreSchema, { ...score, ...rank });
    const detail = `no share: ${rules.maxEarnersPerColdkey} of a coldkey may earn, of this one ${earnerOf.get(coldkey)} does`;
    const noShare = create(LostPointsSchema, { reason: LossReason.COLDKEY, lostBps: 0, detail });
    return create(MinerScoreSchema, { ...score, ...rank, lost: [...score.lost, noShare] });
  });
  return { scores, shares };
}

/** Whether a miner is verified, or at least half of what can be held against verified miners' listings counts. */
function isConfirmed({ score, compared, counted }: ScoredMiner): boolean {
  return isVerified(score) || 2 * counted >= compared;
}

/** The lost points of a miner whose rows are mostly its own, with one entry on why it has no share. */
function unconfirmed({ score, compared, counted }: ScoredMiner): LostPoints[] {
  const reason = LossReason.UNCONFIRMED;
  const why = `no share: only ${counted} of ${compared} listings in zip codes of verified miners count`;
  const isSummary = (loss: LostPoints): boolean => loss.reason === reason && loss.listingId === "";
  const summary = score.lost.find(isSummary);
  const detail = summary === undefined ? why : `${summary.detail}; ${why}`;
  const noShare = create(LostPointsSchema, { reason, lostBps: summary?.lostBps ?? 0, detail });
  return [...score.lost.filter((loss) => !isSummary(loss)), noShare];
}
