/**
 * The score of one miner.
 */
import { create } from "@bufbuild/protobuf";
import type { Epoch, Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import {
  type Evidence,
  LossReason,
  type MinerScore,
  MinerScoreSchema,
  MinerVerdict,
} from "../../gen/zipnet/v1/report_pb.js";
import { heuristicParts, scoreParts } from "./candidates.js";
import { countVerdicts } from "./comparison.js";
import type { CrossChecked } from "./cross-check.js";
import { decide } from "./decision.js";
import { type LossFacts, lostPoints } from "./lost-points.js";
import { heuristicQualityBps, qualityBps, spotCheckBps } from "./quality.js";
import { lossOfDishonest, lossOfLeftOut, lossOfNothing } from "./sole-losses.js";
import { type SubmissionCheck, acceptedCount, tookPart } from "./submission-check.js";
import { type Held, volumeOf } from "./volume.js";

/** A miner on its way into the table. */
export interface JudgedMiner {
  /** From comparedChecks. */
  readonly check: SubmissionCheck;
  readonly verdict: MinerVerdict;
  /** What its spot check found; empty without one. */
  readonly evidence: readonly Evidence[];
}

/** What a miner is held for. */
export function verdictOn(check: SubmissionCheck, evidence: readonly Evidence[], rules: Rules): MinerVerdict {
  if (check.lie !== undefined) return MinerVerdict.LIAR;
  if (check.copyOf !== undefined) return MinerVerdict.COPY;
  if (evidence.length > 0) {
    const decision = decide(countVerdicts(evidence), acceptedCount(check), rules);
    if (decision === "liar") return MinerVerdict.LIAR;
    return decision === "verified" ? MinerVerdict.VERIFIED : MinerVerdict.UNVERIFIED;
  }
  return check.outOfReach.size > 0 ? MinerVerdict.UNVERIFIED : MinerVerdict.UNCHECKED;
}

/** The score of an honest miner, without rank and share. `checked`: its check after the cross-check. */
export function scoreHonest(
  miner: JudgedMiner,
  checked: CrossChecked,
  held: Held,
  { epoch, rules }: { readonly epoch: Epoch; readonly rules: Rules },
): MinerScore {
  const { verdict, evidence } = miner;
  const { check } = checked;
  const heuristic = heuristicParts(check, held, epoch, rules);
  const common = {
    ...facts(miner),
    countedListings: acceptedCount(check),
    heuristicScoreBps: heuristic.scoreBps,
  };
  if (acceptedCount(miner.check) === 0) {
    const lost = tookPart(check) ? [] : lossOfNothing(check);
    return create(MinerScoreSchema, { ...common, ...heuristic, lost: check.isLeftOut ? lossOfLeftOut() : lost });
  }
  // A check that decided nothing says nothing about quality either.
  const spotBps = verdict === MinerVerdict.VERIFIED ? spotCheckBps(countVerdicts(evidence), rules) : undefined;
  const rowsBps = heuristicQualityBps(check);
  const deliveredBps = qualityBps(rowsBps, spotBps);
  const parts = scoreParts({ ...heuristic, qualityBps: deliveredBps }, rules);
  const losses: LossFacts = {
    check,
    parts,
    volume: volumeOf(check, held),
    rowsBps,
    qualityBps: deliveredBps,
    ...(spotBps === undefined ? {} : { spot: { bps: spotBps, evidence } }),
  };
  return create(MinerScoreSchema, { ...common, ...parts, lost: lostPoints(losses, epoch, rules) });
}

/** A liar and a copy keep their parts, for people to see what they claimed; score, rank and share are 0. */
export function scoreDishonest(
  miner: JudgedMiner,
  held: Held,
  { epoch, rules }: { readonly epoch: Epoch; readonly rules: Rules },
): MinerScore {
  const { check } = miner;
  const parts = { ...heuristicParts(check, held, epoch, rules), scoreBps: 0 };
  const common = { ...facts(miner), ...parts, rank: 0, shareBps: 0, copyOf: check.copyOf?.hotkey ?? "" };
  if (check.lie !== undefined) {
    const lost = lossOfDishonest(check.lie.reason, check.lie.zipCode, check.lie.detail);
    return create(MinerScoreSchema, { ...common, lost });
  }
  if (check.copyOf !== undefined) {
    return create(MinerScoreSchema, { ...common, lost: lossOfDishonest(LossReason.COPY, "", check.copyOf.detail) });
  }
  return create(MinerScoreSchema, { ...common, lost: lossOfDishonest(LossReason.FABRICATED, "", conviction(rules)) });
}

function facts({ check, verdict }: JudgedMiner) {
  const { hotkey, coldkey } = check;
  return { hotkey, coldkey, verdict, acceptedListings: acceptedCount(check) };
}

/** Names no figures of the sample: a validator that was refused some of its pages has convicted a step later. */
function conviction(rules: Rules): string {
  const times = Math.ceil(1_000_000 / rules.accusationChancePpm);
  const odds = `${times} to 1 for ${rules.fabricatedFailBps} bps made up against ${rules.toleratedFailBps} bps of accidents`;
  return `more sampled listings than honest scraping explains are not at the source as submitted: ${odds}`;
}
