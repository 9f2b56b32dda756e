/**
 * The result of an epoch: a pure function of the epoch, its snapshot, the submissions and the spot checks' evidence.
 *
 * Two validators get the same bytes when their evidence differs only in which of the listings that did not fail they
 * got an answer for, and in pages and times; see quality.ts and decision.ts for why.
 */
import { type MessageInitShape, create } from "@bufbuild/protobuf";
import type { Epoch, Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import {
  type Evidence,
  LossReason,
  type MinerScore,
  MinerScoreSchema,
  MinerVerdict,
  type ScoreTable,
  ScoreTableSchema,
} from "../../gen/zipnet/v1/report_pb.js";
import { byText } from "./apportion.js";
import { type ScoreParts, byScore, heuristicParts, weighParts } from "./candidates.js";
import { countVerdicts } from "./comparison.js";
import { decide } from "./decision.js";
import { type LossFacts, lossOfLeftOut, lossOfLiar, lossOfNothing, lostPoints } from "./lost-points.js";
import { qualityBps, spotCheckBps } from "./quality.js";
import { sharesOf, weightsOf } from "./shares.js";
import { type SubmissionCheck, acceptedCount, tookPart } from "./submission-check.js";
import { type Consensus, consensusOf, volumeOf } from "./volume.js";
import { zipCodeCounts } from "./zip-code-counts.js";

/** Name of the judging rules' algorithm. */
const SCORING_VERSION = "zipnet-score-v1";

/** Everything that a score table follows from. */
export interface ScoringInput {
  readonly epoch: Epoch;
  readonly rules: Rules;
  readonly snapshotSha256: string;
  /** Hash of the snapshot's seed block. */
  readonly seedBlockHash: string;
  /** Where unearned shares go when the rules burn them. */
  readonly ownerHotkey: string;
  /** One per receipt of the snapshot, in any order. */
  readonly checks: readonly SubmissionCheck[];
  /** By hotkey, for those that were spot checked. */
  readonly evidence: ReadonlyMap<string, readonly Evidence[]>;
}

/** A miner on its way into the table. */
interface Judged {
  readonly check: SubmissionCheck;
  readonly verdict: MinerVerdict;
  readonly evidence: readonly Evidence[];
}

/** Computes the result of an epoch. */
export function scoreTable(input: ScoringInput): ScoreTable {
  const judged = input.checks.map((check) => judge(check, input));
  const honest = judged.filter((miner) => miner.verdict !== MinerVerdict.LIAR);
  const consensus = consensusOf(honest.map((miner) => miner.check));
  const scored = honest.map((miner) => scoreHonest(miner, consensus, input)).sort(byRank(input.seedBlockHash));
  const earners = scored
    .filter(({ miner }) => tookPart(miner.check))
    .map(({ miner, heuristic }) => ({
      hotkey: miner.check.hotkey,
      verified: miner.verdict === MinerVerdict.VERIFIED,
      heuristicScoreBps: heuristic.scoreBps,
    }));
  const shares = sharesOf(earners, input.rules);
  const liars = judged
    .filter((miner) => miner.verdict === MinerVerdict.LIAR)
    .map((miner) => scoreLiar(miner, consensus, input))
    .sort((a, b) => byText(a.hotkey, b.hotkey));
  const ranked = scored.map(({ score }, index) => {
    return create(MinerScoreSchema, { ...score, rank: index + 1, shareBps: shares.get(score.hotkey) ?? 0 });
  });
  return create(ScoreTableSchema, {
    epochId: input.epoch.id,
    snapshotSha256: input.snapshotSha256,
    scoringVersion: SCORING_VERSION,
    scores: [...ranked, ...liars],
    weights: weightsOf(shares, input.rules, input.ownerHotkey),
    zipCodes: zipCodeCounts(
      judged.filter(({ verdict }) => verdict === MinerVerdict.VERIFIED).map(({ check }) => check),
      input.epoch,
    ),
  });
}

function judge(check: SubmissionCheck, input: ScoringInput): Judged {
  const evidence = input.evidence.get(check.hotkey) ?? [];
  return { check, evidence, verdict: verdictOn(check, evidence, input.rules) };
}

function verdictOn(check: SubmissionCheck, evidence: readonly Evidence[], rules: Rules): MinerVerdict {
  if (check.lie !== undefined) return MinerVerdict.LIAR;
  if (evidence.length > 0) {
    const decision = decide(countVerdicts(evidence), acceptedCount(check), rules);
    if (decision === "liar") return MinerVerdict.LIAR;
    if (decision === "verified") return MinerVerdict.VERIFIED;
    return MinerVerdict.UNVERIFIED;
  }
  return check.outOfReach.size > 0 ? MinerVerdict.UNVERIFIED : MinerVerdict.UNCHECKED;
}

interface Scored {
  readonly miner: Judged;
  readonly heuristic: ScoreParts;
  readonly score: MessageInitShape<typeof MinerScoreSchema> & { readonly hotkey: string; readonly scoreBps: number };
}

function scoreHonest(miner: Judged, consensus: Consensus, input: ScoringInput): Scored {
  const { check, verdict, evidence } = miner;
  const { epoch, rules } = input;
  const heuristic = heuristicParts(check, consensus, epoch, rules);
  const common = { hotkey: check.hotkey, verdict, acceptedListings: acceptedCount(check) };
  if (acceptedCount(check) === 0) {
    const lost = tookPart(check) ? [] : lossOfNothing(check);
    return { miner, heuristic, score: { ...common, ...heuristic, lost: check.isLeftOut ? lossOfLeftOut() : lost } };
  }
  // A check that decided nothing says nothing about quality either.
  const spotBps = verdict === MinerVerdict.VERIFIED ? spotCheckBps(countVerdicts(evidence), rules) : undefined;
  const parts = weighParts({ ...heuristic, qualityBps: qualityBps(heuristic.qualityBps, spotBps) }, rules);
  const facts: LossFacts = {
    check,
    parts,
    volume: volumeOf(check, consensus),
    heuristicBps: heuristic.qualityBps,
    ...(spotBps === undefined ? {} : { spot: { bps: spotBps, evidence } }),
  };
  return { miner, heuristic, score: { ...common, ...parts, lost: lostPoints(facts, epoch, rules) } };
}

function byRank(seedBlockHash: string) {
  const inOrder = byScore(seedBlockHash);
  const group = ({ miner }: Scored): number => (miner.verdict === MinerVerdict.VERIFIED ? 0 : 1);
  return (a: Scored, b: Scored): number => group(a) - group(b) || inOrder(a.score, b.score);
}

/** A liar keeps its parts, for people to see what it claimed; its score and share are 0. */
function scoreLiar(miner: Judged, consensus: Consensus, input: ScoringInput): MinerScore {
  const { check } = miner;
  const parts = { ...heuristicParts(check, consensus, input.epoch, input.rules), scoreBps: 0 };
  const common = { hotkey: check.hotkey, verdict: MinerVerdict.LIAR, rank: 0, shareBps: 0, ...parts };
  if (check.lie !== undefined) {
    const lost = lossOfLiar(check.lie.reason, check.lie.zipCode, check.lie.detail);
    return create(MinerScoreSchema, { ...common, acceptedListings: 0, lost });
  }
  const lost = lossOfLiar(LossReason.FABRICATED, "", conviction(input.rules));
  return create(MinerScoreSchema, { ...common, acceptedListings: acceptedCount(check), lost });
}

/** Names no figures of the sample: a validator that was refused some of its pages has convicted a step later. */
function conviction(rules: Rules): string {
  const times = Math.ceil(1_000_000 / rules.accusationChancePpm);
  return `so many sampled listings are not at the source as submitted that invention at ${rules.fabricatedFailBps} bps explains it ${times} times better than honest scraping, of which ${rules.toleratedFailBps} bps may fail`;
}
