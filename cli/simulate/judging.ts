/** How the validators of a simulated network judge an epoch: with the code of the real ones, on what they see. */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { epochIdOf } from "../../core/epoch-time.js";
import { type OthersReport, adoptingFrom, isUnanswered } from "../../core/judging/adoption.js";
import { comparedChecks } from "../../core/judging/compared-checks.js";
import { evidenceId } from "../../core/judging/comparison.js";
import { fileFacts, rowContext } from "../../core/judging/row-facts.js";
import { scoreTable } from "../../core/judging/scoring.js";
import { checkSubmission } from "../../core/judging/structure.js";
import { type SubmissionCheck, unseenSubmission } from "../../core/judging/submission-check.js";
import { listingsById } from "../../core/judging/tally.js";
import { type Epoch, EpochSchema, type Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { type Evidence, ListingVerdict, type ScoreTable } from "../../gen/zipnet/v1/report_pb.js";
import { ManifestSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { type RowsOfSample, type SpotCheckBestOptions, spotCheckBest } from "../../validator/judge/spot-check-best.js";
import { chanceOf, hashOf } from "./chance.js";
import { drivenClock, faultySource } from "./faulty-source.js";
import type { OpenEpoch, Submission } from "./miners.js";
import { silentLog } from "./silent-log.js";
import type { World } from "./world.js";

/** An epoch as it is judged. */
export interface ClosedMarket {
  readonly epoch: Epoch;
  readonly rules: Rules;
  readonly open: OpenEpoch;
  readonly world: World;
  /** Hash of the block that seeds the samples; nobody knew it before the close. */
  readonly seedBlockHash: string;
  readonly submissions: ReadonlyMap<string, Submission>;
  /** The rows that stand for a submission's listings, by id: as every validator reads them from its file of a zip code. */
  readonly rowsById: (hotkey: string, zipCode: string) => ReadonlyMap<string, Listing>;
  /** What the cheap checks find of every submission, in the order of the receipts: the same for all validators. */
  readonly checks: readonly SubmissionCheck[];
  /** ... and what is left of it once they were held against each other. */
  readonly compared: readonly SubmissionCheck[];
}

/** How an honest validator fares in an epoch. */
export interface Visit {
  readonly validator: string;
  readonly startMs: number;
  /** Requests to the source that fail, of 10,000. */
  readonly failBps: number;
  /** Submissions that the store never gives it, of 10,000. */
  readonly lostSubmissionsBps: number;
  readonly seed: string;
}

/** What a validator found. */
export interface Judgement {
  readonly validator: string;
  readonly checks: readonly SubmissionCheck[];
  readonly evidence: ReadonlyMap<string, readonly Evidence[]>;
  readonly table: ScoreTable;
}

/** The owner's hotkey. */
export const OWNER = "owner";

/** Closes an epoch: everybody's submissions get the cheap checks. */
export async function closeMarket(
  open: OpenEpoch,
  submissions: readonly Submission[],
  world: World,
  rules: Rules,
  seed: string,
): Promise<ClosedMarket> {
  const epoch = epochOf(open, rules);
  const checks: SubmissionCheck[] = [];
  for (const submission of submissions) checks.push(await checkOf(submission, epoch));
  const byHotkey = new Map(submissions.map((submission) => [submission.miner.hotkey, submission]));
  const seedBlockHash = hashOf(seed, "after", open.number);
  const rowsById = rememberedRows(epoch, byHotkey);
  const compared = comparedChecks(checks, rules, seedBlockHash);
  return { epoch, rules, open, world, seedBlockHash, submissions: byHotkey, rowsById, checks, compared };
}

function rememberedRows(epoch: Epoch, submissions: ClosedMarket["submissions"]): ClosedMarket["rowsById"] {
  const known = new Map<string, ReadonlyMap<string, Listing>>();
  return (hotkey, zipCode) => {
    const key = `${hotkey}/${zipCode}`;
    const submission = submissions.get(hotkey);
    const listings = submission?.rows.get(zipCode) ?? [];
    const rows = known.get(key) ?? listingsById(listings, rowContext(epoch, submission?.receivedMs ?? 0, zipCode));
    known.set(key, rows);
    return rows;
  };
}

function epochOf(open: OpenEpoch, rules: Rules): Epoch {
  return create(EpochSchema, {
    number: open.number,
    id: epochIdOf(open.startMs),
    nonce: open.seedBlockHash.slice(0, 32),
    startTime: timestampFromMs(open.startMs),
    closeTime: timestampFromMs(open.closeMs),
    zipCodes: open.zips.map(({ zipCode, expectedListings }) => ({ zipCode, expectedListings, state: "WA" })),
    expectedListings: open.zips.reduce((sum, zip) => sum + zip.expectedListings, 0),
    rules,
  });
}

function manifestSha256Of({ miner, receivedMs }: Submission, epoch: Epoch): string {
  return hashOf("manifest", miner.hotkey, epoch.id, receivedMs);
}

function checkOf(submission: Submission, epoch: Epoch): Promise<SubmissionCheck> {
  const { miner, rows, receivedMs } = submission;
  const { hotkey } = miner;
  const head = { epochId: epoch.id, nonce: epoch.nonce, hotkey };
  const objects = [...rows].map(([zipCode, listings]) => ({ zipCode, rows: listings.length }));
  const manifest = create(ManifestSchema, { ...head, objects });
  return checkSubmission({
    epoch,
    manifest,
    coldkey: miner.coldkey,
    manifestSha256: manifestSha256Of(submission, epoch),
    receivedMs,
    read: ({ zipCode }) => {
      const facts = fileFacts(rows.get(zipCode) ?? [], rowContext(epoch, receivedMs, zipCode));
      return Promise.resolve({ kind: "read", head: { ...head, zipCode }, ...facts });
    },
  });
}

/** Judges an epoch as an honest validator does, by what it sees itself. */
export function judge(closed: ClosedMarket, visit: Visit): Promise<Judgement> {
  return judgeWith(closed, visit, rememberedEvidence([]), {});
}

/**
 * Judges an epoch as judge does, and then takes over what the source did not answer and the others' reports have. The same
 * judgement where the source answered everything.
 */
export async function judgeTogether(
  closed: ClosedMarket,
  visit: Visit,
  own: Judgement,
  others: readonly OthersReport[],
): Promise<Judgement> {
  const pieces = [...own.evidence.values()].flat();
  const adopt = adoptingFrom(others);
  // An unanswered listing counts as not failed: without a failure, and with everybody decided, nothing would change.
  const fails = pieces.some((piece) => isUnanswered(piece) && adopt(piece).verdict === ListingVerdict.FAIL);
  const isOpen = [...own.evidence.values()].some((found) => {
    return found.filter(isUnanswered).length * 10_000 > closed.rules.maxUnknownBps * found.length;
  });
  if (!fails && !isOpen) return own;
  // The judging period is over: what was not asked before is asked once.
  const startMs = 2 * closed.open.closeMs - closed.open.startMs;
  return judgeWith(closed, { ...visit, startMs }, rememberedEvidence(pieces), { adopt });
}

async function judgeWith(
  closed: ClosedMarket,
  visit: Visit,
  work: SpotCheckBestOptions["work"],
  how: Pick<SpotCheckBestOptions, "adopt">,
): Promise<Judgement> {
  const { epoch, rules, seedBlockHash, open } = closed;
  const checks = checksSeenBy(closed, visit);
  const clock = drivenClock(visit.startMs);
  const source = faultySource(closed.world, clock, visit.failBps, `${visit.seed}/${visit.validator}/${epoch.id}`);
  const checking: SpotCheckBestOptions = {
    parts: { clock, source, log: silentLog },
    work,
    concurrency: 1,
    closed: { epoch, rules, seedBlockHash, judgingEndMs: open.closeMs + (open.closeMs - open.startMs) },
    rowsOfMiner: (check: SubmissionCheck) => Promise.resolve(rowsOfMiner(check, closed)),
    ...how,
  };
  const evidence = await spotCheckBest(checks, checking, new AbortController().signal);
  return { validator: visit.validator, checks, evidence, table: tableOf(closed, checks, evidence) };
}

/** Evidence kept in memory as it is: thousands of epochs are judged, and none is taken up again. */
function rememberedEvidence(pieces: readonly Evidence[]): SpotCheckBestOptions["work"] {
  const known = new Map(pieces.map((piece) => [piece.id, piece]));
  return {
    evidence: (hotkey, zipCode, listingId) => Promise.resolve(known.get(evidenceId(hotkey, zipCode, listingId))),
    saveEvidence: (_hotkey, _zipCode, _listingId, piece) => {
      known.set(piece.id, piece);
      return Promise.resolve();
    },
    doubt: () => Promise.resolve(undefined),
    saveDoubt: () => Promise.resolve(),
  };
}

/** The table that follows from evidence. */
export function tableOf(
  { epoch, rules, seedBlockHash }: ClosedMarket,
  checks: readonly SubmissionCheck[],
  evidence: ReadonlyMap<string, readonly Evidence[]>,
): ScoreTable {
  const snapshotSha256 = hashOf("snapshot", epoch.id);
  return scoreTable({ epoch, rules, snapshotSha256, seedBlockHash, ownerHotkey: OWNER, checks, evidence });
}

/** What a validator goes by: the same for all who were given every submission, which is worked out once. */
function checksSeenBy(closed: ClosedMarket, visit: Visit): readonly SubmissionCheck[] {
  const { epoch, rules, seedBlockHash, compared } = closed;
  const isLost = ({ hotkey }: SubmissionCheck): boolean =>
    chanceOf(visit.seed, visit.validator, epoch.id, "store", hotkey).happens(visit.lostSubmissionsBps);
  if (!closed.checks.some(isLost)) return compared;
  const seen = closed.checks.map((check) => (isLost(check) ? unseenSubmission({ ...check, epoch }) : check));
  return comparedChecks(seen, rules, seedBlockHash);
}

function rowsOfMiner({ hotkey }: SubmissionCheck, { rowsById }: ClosedMarket): RowsOfSample {
  return (sample) =>
    Promise.resolve(
      sample.flatMap(({ zipCode, listingId }) => {
        const submitted = rowsById(hotkey, zipCode).get(listingId);
        return submitted === undefined ? [] : [{ zipCode, listingId, submitted }];
      }),
    );
}
