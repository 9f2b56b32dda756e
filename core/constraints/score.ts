/** Constraints of ScoreTable in zipnet/v1/report.proto. */
import {
  HotkeyWeightSchema,
  LossReason,
  LostPointsSchema,
  type MinerScore,
  MinerScoreSchema,
  MinerVerdict,
  type ScoreTable,
  ScoreTableSchema,
  type ZipCodeCount,
  ZipCodeCountSchema,
} from "../../gen/zipnet/v1/report_pb.js";
import { anything, ascending, emptyOr, every, integer, list, specified, text } from "./combinators.js";
import { basisPoints, epochId, hotkey, sha256, version, zipCode } from "./common.js";
import { constraintsOn, type CrossCheck } from "./message.js";
import { show } from "./show.js";

/** HotkeyWeight. */
export const hotkeyWeight = constraintsOn(HotkeyWeightSchema, { hotkey, weightBps: integer(1, 10_000) });

/** LostPoints. */
export const lostPoints = constraintsOn(LostPointsSchema, {
  reason: specified(LossReason),
  lostBps: basisPoints,
  zipCode: emptyOr(zipCode),
  listingId: anything(),
  detail: text(0, 300),
  evidenceId: anything(),
});

const checkScore: CrossCheck<MinerScore> = (score, at, tell) => {
  if (score.verdict === MinerVerdict.LIAR || score.verdict === MinerVerdict.COPY) {
    const earned = { rank: score.rank, score_bps: score.scoreBps, share_bps: score.shareBps };
    for (const [field, value] of Object.entries(earned)) {
      if (value !== 0) tell(at(field), `is ${value}`, "be 0 for a liar and for a copy");
    }
  }
  const counts = new Map<LossReason, number>();
  for (const { reason } of score.lost) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  for (const [reason, count] of counts) {
    const must = "have at most 100 and one that sums up the rest";
    if (count > 101) tell(at("lost"), `has ${count} entries for ${LossReason[reason] ?? reason}`, must);
  }
};

/** MinerScore. */
export const minerScore = constraintsOn(
  MinerScoreSchema,
  {
    hotkey,
    rank: integer(0),
    verdict: specified(MinerVerdict),
    speedBps: basisPoints,
    qualityBps: basisPoints,
    volumeBps: basisPoints,
    scoreBps: basisPoints,
    shareBps: basisPoints,
    acceptedListings: integer(0),
    lost: list(0, 2_000, lostPoints.check),
    coldkey: emptyOr(hotkey),
    countedListings: integer(0),
    timeBps: basisPoints,
    heuristicScoreBps: basisPoints,
    copyOf: emptyOr(hotkey),
  },
  checkScore,
);

const checkMedians: CrossCheck<ZipCodeCount> = (count, at, tell) => {
  const { lowerMedianListings: lower, upperMedianListings: upper } = count;
  if (upper < lower) {
    tell(at("upper_median_listings"), `is ${upper}`, `be at least lower_median_listings, ${lower}`);
  } else if (upper !== lower && count.miners % 2 === 1) {
    tell(at("upper_median_listings"), `is ${upper}`, `be lower_median_listings, ${lower}, for ${count.miners} miners`);
  }
};

/** ZipCodeCount. */
export const zipCodeCount = constraintsOn(
  ZipCodeCountSchema,
  {
    zipCode,
    lowerMedianListings: integer(0, 1_000_000),
    upperMedianListings: integer(0, 1_000_000),
    miners: integer(1, 65_536),
  },
  checkMedians,
);

/** The counts of an epoch. */
export const zipCodeCounts = every(
  list(0, 100_000, zipCodeCount.check),
  ascending<ZipCodeCount>((count) => count.zipCode, "zip_code"),
);

const checkTable: CrossCheck<ScoreTable> = (table, at, tell) => {
  const seen = new Set<string>();
  table.scores.forEach((score, i) => {
    const before = table.scores[i - 1];
    const path = at(`scores[${i}]`);
    if (seen.has(score.hotkey)) tell(`${path}.hotkey`, `is ${show(score.hotkey)} again`, "stand there once");
    seen.add(score.hotkey);
    if (before === undefined) return;
    const inOrder =
      score.rank === 0
        ? before.rank !== 0 || score.hotkey > before.hotkey
        : before.rank !== 0 && score.rank > before.rank;
    const fact = `is rank ${score.rank} after rank ${before.rank}`;
    if (!inOrder) tell(path, fact, "stand by rank, then the ones without a rank by hotkey");
  });
  const sum = table.weights.reduce((total, weight) => total + weight.weightBps, 0);
  if (table.weights.length > 0 && sum !== 10_000) tell(at("weights"), `adds up to ${sum}`, "add up to 10,000");
};

/** ScoreTable. */
export const scoreTable = constraintsOn(
  ScoreTableSchema,
  {
    epochId,
    snapshotSha256: sha256,
    scoringVersion: version,
    scores: list(0, 65_536, minerScore.check),
    weights: every(
      list(0, 65_536, hotkeyWeight.check),
      ascending((weight) => weight.hotkey, "hotkey"),
    ),
    zipCodes: zipCodeCounts,
  },
  checkTable,
);
