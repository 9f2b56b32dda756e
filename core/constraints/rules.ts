/** Constraints of Rules in zipnet/v1/epoch.proto. */
import { type Rules, RulesSchema, StateWeightSchema, UnearnedShareRule } from "../../gen/zipnet/v1/epoch_pb.js";
import { ascending, every, integer, list, specified } from "./combinators.js";
import { basisPoints, state } from "./common.js";
import { constraintsOn, type CrossCheck } from "./message.js";

const states = every(
  list(0, 100, state),
  ascending<string>((value) => value),
);

/** StateWeight. */
export const stateWeight = constraintsOn(StateWeightSchema, { state, weightPercent: integer(1, 10_000) });

const checkRules: CrossCheck<Rules> = (rules, at, tell) => {
  if (rules.maxExpectedListings < rules.minExpectedListings) {
    const must = `be at least min_expected_listings, ${rules.minExpectedListings}`;
    tell(at("max_expected_listings"), `is ${rules.maxExpectedListings}`, must);
  }
  const weights = rules.speedWeightBps + rules.qualityWeightBps + rules.volumeWeightBps;
  if (weights !== 10_000) {
    tell(at("volume_weight_bps"), `makes the three weights add up to ${weights}`, "make them add up to 10,000");
  }
  rules.winnerShareBps.forEach((share, i) => {
    const before = rules.winnerShareBps[i - 1];
    if (before !== undefined && share > before) {
      tell(at(`winner_share_bps[${i}]`), `is ${share}`, `be at most the share before it, ${before}`);
    }
  });
  const shares = rules.winnerShareBps.reduce((sum, share) => sum + share, rules.participationShareBps);
  if (shares !== 10_000) {
    const fact = `makes the winners' shares and itself add up to ${shares}`;
    tell(at("participation_share_bps"), fact, "make them add up to 10,000");
  }
  if (rules.spotCheckBudgetMiners < rules.spotCheckMiners) {
    const must = `be at least spot_check_miners, ${rules.spotCheckMiners}`;
    tell(at("spot_check_budget_miners"), `is ${rules.spotCheckBudgetMiners}`, must);
  }
  if (rules.fabricatedFailBps <= rules.toleratedFailBps) {
    const must = `be above tolerated_fail_bps, ${rules.toleratedFailBps}`;
    tell(at("fabricated_fail_bps"), `is ${rules.fabricatedFailBps}`, must);
  }
  for (const [field, value] of [
    ["spot_check_max_listings", rules.spotCheckMaxListings],
    ["spot_check_budget_listings", rules.spotCheckBudgetListings],
  ] as const) {
    const must = `be at least spot_check_listings, ${rules.spotCheckListings}`;
    if (value < rules.spotCheckListings) tell(at(field), `is ${value}`, must);
  }
  if (rules.readMiners > 0 && rules.readMiners < rules.spotCheckBudgetMiners) {
    const must = `be 0, or at least spot_check_budget_miners, ${rules.spotCheckBudgetMiners}`;
    tell(at("read_miners"), `is ${rules.readMiners}`, must);
  }
};

/** Rules. */
export const rules = constraintsOn(
  RulesSchema,
  {
    targetListings: integer(1, 10_000_000),
    toleranceBps: integer(1, 5_000),
    minExpectedListings: integer(1, 1_000_000),
    maxExpectedListings: integer(1, 1_000_000),
    cooldownEpochs: integer(0, 10_000),
    includeStates: states,
    excludeStates: states,
    speedWeightBps: basisPoints,
    qualityWeightBps: basisPoints,
    volumeWeightBps: basisPoints,
    speedGraceMs: integer(0, 86_400_000),
    speedBuckets: integer(1, 1_000),
    winnerShareBps: list(1, 10, basisPoints),
    participationShareBps: basisPoints,
    unearnedShare: specified(UnearnedShareRule),
    spotCheckListings: integer(1, 10_000),
    spotCheckMiners: integer(1, 256),
    toleratedFailBps: integer(1, 5_000),
    accusationChancePpm: integer(1, 100_000),
    maxUnknownBps: basisPoints,
    spotCheckBudgetMiners: integer(1, 256),
    readMiners: integer(0, 65_536),
    readSampleMiners: integer(0, 65_536),
    fabricatedFailBps: integer(2, 10_000),
    missedFabricationPpm: integer(1, 500_000),
    spotCheckMaxListings: integer(1, 10_000),
    failPenalty: integer(1, 100),
    spotCheckBudgetListings: integer(1, 1_000_000),
    spotCheckRandomMiners: integer(0, 256),
    maxEarnersPerColdkey: integer(0, 256),
    maxListingsPerSecond: integer(1, 1_000_000),
    stateWeights: every(
      list(0, 100, stateWeight.check),
      ascending((weight) => weight.state, "state"),
    ),
  },
  checkRules,
);
