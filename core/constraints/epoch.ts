/** Constraints of zipnet/v1/epoch.proto. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  AssignedZipCodeSchema,
  CatalogueEntrySchema,
  CatalogueSchema,
  type Epoch,
  EpochSchema,
  type Rules,
  RulesSchema,
  UnearnedShareRule,
} from "../../gen/zipnet/v1/epoch_pb.js";
import { epochIdOf } from "../epoch-time.js";
import { ascending, type CrossCheck, constraintsOn, every, hex, integer, list, moment } from "./combinators.js";
import { required, show, showTime, specified, text, that } from "./combinators.js";
import { basisPoints, epochId, netuid, network, sha256, state, version, zipCode } from "./common.js";
import { seedBlock } from "./record.js";

const states = every(
  list(0, 100, state),
  ascending<string>((value) => value),
);

const isoDay = that<string>((value) => {
  const timeMs = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(value) : Number.NaN;
  return !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(value);
}, 'be a day such as "2026-08-01"');

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
    toleratedFailBps: integer(0, 5_000),
    accusationChancePpm: integer(1, 100_000),
    maxUnknownBps: basisPoints,
    spotCheckBudgetMiners: integer(1, 256),
  },
  checkRules,
);

/** AssignedZipCode. */
export const assignedZipCode = constraintsOn(AssignedZipCodeSchema, {
  zipCode,
  expectedListings: integer(1, 1_000_000),
  state,
  place: text(0, 100),
});

const checkTimes: CrossCheck<Epoch> = (epoch, at, tell) => {
  if (epoch.startTime === undefined || epoch.closeTime === undefined) return;
  const startMs = timestampMs(epoch.startTime);
  const lengthMs = timestampMs(epoch.closeTime) - startMs;
  const start = showTime(epoch.startTime);
  if (lengthMs <= 0 || lengthMs > 86_400_000) {
    const must = `be 1 to 86,400 seconds after start_time, ${start}`;
    tell(at("close_time"), `is ${showTime(epoch.closeTime)}`, must);
  } else if (epoch.number * lengthMs !== startMs) {
    const must = `be start_time divided by the length, ${startMs / 1000} by ${lengthMs / 1000} seconds`;
    tell(at("number"), `is ${epoch.number}`, must);
  }
  if (Math.abs(startMs) <= 8.64e15 && epoch.id !== epochIdOf(startMs)) {
    tell(at("id"), `is ${show(epoch.id)}`, `be the start_time, "${epochIdOf(startMs)}"`);
  }
  if (lengthMs > 0 && epoch.rules !== undefined && epoch.rules.speedGraceMs > lengthMs) {
    tell(at("rules.speed_grace_ms"), `is ${epoch.rules.speedGraceMs}`, `be at most the epoch's length, ${lengthMs}`);
  }
  const blockTime = epoch.seedBlock?.time;
  if (blockTime !== undefined && timestampMs(blockTime) < startMs) {
    tell(at("seed_block.time"), `is ${showTime(blockTime)}`, `be at or after start_time, ${start}`);
  }
};

const checkSum: CrossCheck<Epoch> = (epoch, at, tell) => {
  const sum = epoch.zipCodes.reduce((total, entry) => total + entry.expectedListings, 0);
  if (epoch.expectedListings !== sum) {
    tell(
      at("expected_listings"),
      `is ${epoch.expectedListings}`,
      `be the sum of the zip codes' expected listings, ${sum}`,
    );
  }
  if (epoch.rules === undefined) return;
  const { targetListings: target, toleranceBps } = epoch.rules;
  if (Math.abs(epoch.expectedListings - target) * 10_000 > toleranceBps * target) {
    const must = `be within ${toleranceBps} basis points of the target, ${target}`;
    tell(at("expected_listings"), `is ${epoch.expectedListings}`, must);
  }
};

/** Epoch. */
export const epoch = constraintsOn(
  EpochSchema,
  {
    number: integer(0),
    id: epochId,
    network,
    netuid,
    startTime: required(moment("seconds")),
    closeTime: required(moment("seconds")),
    zipCodes: every(
      list(1, 100_000, assignedZipCode.check),
      ascending((entry) => entry.zipCode, "zip_code"),
    ),
    expectedListings: integer(1),
    nonce: hex(32),
    seedBlock: required(seedBlock.check),
    catalogueSha256: sha256,
    selectionVersion: version,
    rules: required(rules.check),
  },
  (message, at, tell) => {
    checkTimes(message, at, tell);
    checkSum(message, at, tell);
  },
);

/** CatalogueEntry. */
export const catalogueEntry = constraintsOn(CatalogueEntrySchema, {
  zipCode,
  state,
  county: text(0, 100),
  place: text(0, 100),
  latitudeMicrodegrees: integer(-90_000_000, 90_000_000),
  longitudeMicrodegrees: integer(-180_000_000, 180_000_000),
  expectedListings: integer(0, 1_000_000),
  source: text(1, 100),
  asOf: isoDay,
});

/** Catalogue. */
export const catalogue = constraintsOn(CatalogueSchema, {
  entries: every(
    list(1, 100_000, catalogueEntry.check),
    ascending((entry) => entry.zipCode, "zip_code"),
  ),
});
