/** The rules that a deployment starts with. */
import { create } from "@bufbuild/protobuf";
import { type Rules, RulesSchema, UnearnedShareRule } from "../gen/zipnet/v1/epoch_pb.js";

/**
 * The default rules for epochs of a length in seconds, 1 to 86,400. Only the grace window depends on it: a sixteenth
 * of the epoch, which is 15 minutes of four hours.
 */
export function defaultRules(epochLengthSeconds: number): Rules {
  return create(RulesSchema, {
    targetListings: 10_000,
    toleranceBps: 1_000,
    minExpectedListings: 5,
    maxExpectedListings: 800,
    cooldownEpochs: 42,
    speedWeightBps: 4_000,
    qualityWeightBps: 4_000,
    volumeWeightBps: 2_000,
    speedGraceMs: Math.floor((epochLengthSeconds * 1000) / 16),
    speedBuckets: 15,
    winnerShareBps: [5_000, 3_000, 1_500],
    participationShareBps: 500,
    unearnedShare: UnearnedShareRule.REDISTRIBUTE,
    spotCheckListings: 50,
    spotCheckMiners: 6,
    toleratedFailBps: 50,
    accusationChancePpm: 10,
    maxUnknownBps: 5_000,
    spotCheckBudgetMiners: 48,
    readMiners: 0,
    readSampleMiners: 0,
    fabricatedFailBps: 500,
    missedFabricationPpm: 10_000,
    spotCheckMaxListings: 500,
    failPenalty: 10,
    spotCheckBudgetListings: 1_500,
    spotCheckRandomMiners: 2,
    maxEarnersPerColdkey: 1,
    maxListingsPerSecond: 1_000,
  });
}
