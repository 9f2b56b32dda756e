/** Constraints of zipnet/v1/report.proto. */
import { ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import {
  type Evidence,
  EvidenceSchema,
  FieldDifferenceSchema,
  HotkeyWeightSchema,
  ListingVerdict,
  LossReason,
  LostPointsSchema,
  type MinerScore,
  MinerScoreSchema,
  MinerVerdict,
  type Report,
  ReportSchema,
  type ScoreTable,
  ScoreTableSchema,
} from "../../gen/zipnet/v1/report_pb.js";
import { anything, ascending, type CrossCheck, constraintsOn, emptyOr, every, integer, list } from "./combinators.js";
import { moment, required, show, specified, text, that } from "./combinators.js";
import { basisPoints, epochId, hotkey, netuid, network, sha256, version, zipCode } from "./common.js";

const listingFields = new Map(ListingSchema.fields.map((field) => [field.name, field.number]));

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
  if (score.verdict === MinerVerdict.LIAR) {
    const earned = { rank: score.rank, score_bps: score.scoreBps, share_bps: score.shareBps };
    for (const [field, value] of Object.entries(earned)) {
      if (value !== 0) tell(at(field), `is ${value}`, "be 0 for a liar");
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
  },
  checkScore,
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
  },
  checkTable,
);

/** FieldDifference. */
export const fieldDifference = constraintsOn(FieldDifferenceSchema, {
  field: that((value) => listingFields.has(value), "be the name of a field of Listing"),
  submitted: text(0, 300),
  observed: text(0, 300),
  mayHaveChanged: anything(),
});

const checkEvidence: CrossCheck<Evidence> = (evidence, at, tell) => {
  const [head, zip, ...rest] = evidence.id.split("/");
  const named =
    head === evidence.hotkey && /^\d{5}$/.test(zip ?? "") && rest.join("/") === evidence.submitted?.listingId;
  if (!named) tell(at("id"), `is ${show(evidence.id)}`, 'be "<hotkey>/<zip code>/<listing id>"');
  evidence.differences.forEach((difference, i) => {
    const before = listingFields.get(evidence.differences[i - 1]?.field ?? "") ?? 0;
    const here = listingFields.get(difference.field) ?? before + 1;
    if (here <= before)
      tell(at(`differences[${i}].field`), `is ${show(difference.field)}`, "come in the order of Listing");
  });
};

/** Evidence. */
export const evidence = constraintsOn(
  EvidenceSchema,
  {
    id: anything(),
    hotkey,
    // A judgement quotes what was submitted even where it breaks the rules for listings; a liar must not be able to
    // keep a report from being sealed.
    submitted: required(anything()),
    verdict: specified(ListingVerdict),
    url: text(0, 500),
    fetchedTime: required(moment("nanoseconds")),
    pageSha256: emptyOr(sha256),
    httpStatus: that(
      (value) => value === 0 || (Number.isInteger(value) && value >= 100 && value <= 999),
      "be an HTTP status or 0",
    ),
    differences: list(0, ListingSchema.fields.length, fieldDifference.check),
    note: text(0, 300),
  },
  checkEvidence,
);

const checkReport: CrossCheck<Report> = (report, at, tell) => {
  const ids = new Set<string>();
  report.evidence.forEach((piece, i) => {
    if (ids.has(piece.id)) tell(at(`evidence[${i}].id`), `is ${show(piece.id)} again`, "stand there once");
    ids.add(piece.id);
    const before = report.evidence[i - 1];
    const listingId = piece.submitted?.listingId ?? "";
    const beforeId = before?.submitted?.listingId ?? "";
    const sinks =
      before !== undefined &&
      (piece.hotkey < before.hotkey || (piece.hotkey === before.hotkey && compareIds(listingId, beforeId) < 0));
    if (sinks) tell(at(`evidence[${i}]`), `is ${show(piece.id)}`, "ascend by hotkey, then by listing id");
  });
  const { table } = report;
  if (table === undefined) return;
  if (table.epochId !== report.epochId) {
    tell(at("table.epoch_id"), `is ${show(table.epochId)}`, `be the report's, ${show(report.epochId)}`);
  }
  table.scores.forEach((score, i) =>
    score.lost.forEach(({ evidenceId }, j) => {
      const path = at(`table.scores[${i}].lost[${j}].evidence_id`);
      if (evidenceId !== "" && !ids.has(evidenceId))
        tell(path, `is ${show(evidenceId)}`, "be the id of a piece of evidence");
    }),
  );
};

function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Report. */
export const report = constraintsOn(
  ReportSchema,
  {
    epochId,
    network,
    netuid,
    validator: hotkey,
    judgedTime: required(moment("nanoseconds")),
    softwareVersion: text(1, 32),
    table: required(scoreTable.check),
    evidence: list(0, 1_000_000, evidence.check),
  },
  checkReport,
);
