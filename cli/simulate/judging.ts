/** How the validators of a simulated network judge an epoch: with the code of the real ones, on what they see. */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { memoryState } from "../../adapters/state/memory-state.js";
import { epochIdOf } from "../../core/epoch-time.js";
import { nextToCheck, provisionalOrder } from "../../core/judging/candidates.js";
import { countVerdicts } from "../../core/judging/comparison.js";
import { type SpotCheckDecision, decide } from "../../core/judging/decision.js";
import { sampleListings } from "../../core/judging/sampling.js";
import { scoreTable } from "../../core/judging/scoring.js";
import { checkSubmission } from "../../core/judging/structure.js";
import { type SubmissionCheck, unseenSubmission } from "../../core/judging/submission-check.js";
import { listingsById } from "../../core/judging/tally.js";
import { type Epoch, EpochSchema, type Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import type { Evidence, ScoreTable } from "../../gen/zipnet/v1/report_pb.js";
import { ManifestSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { spotCheck } from "../../validator/judge/spot-check.js";
import { workStore } from "../../validator/judge/work-store.js";
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
  /** What the cheap checks find of every submission, in the order of the receipts: the same for all validators. */
  readonly checks: readonly SubmissionCheck[];
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
  return { epoch, rules, open, world, seedBlockHash, submissions: byHotkey, checks };
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
    manifestSha256: manifestSha256Of(submission, epoch),
    receivedMs,
    read: ({ zipCode }) => {
      return Promise.resolve({ kind: "read", head: { ...head, zipCode }, listings: rows.get(zipCode) ?? [] });
    },
  });
}

/** Judges an epoch as an honest validator does. */
export async function judge(closed: ClosedMarket, visit: Visit): Promise<Judgement> {
  const { epoch, rules, seedBlockHash } = closed;
  const checks = closed.checks.map((check) => seenBy(check, closed, visit));
  const clock = drivenClock(visit.startMs);
  const luck = `${visit.seed}/${visit.validator}/${epoch.id}`;
  const source = faultySource(closed.world, clock, visit.failBps, luck);
  const work = workStore(memoryState(), epoch.id);
  const deadlineMs = 2 * closed.open.closeMs - closed.open.startMs;
  const options = { parts: { clock, source, log: silentLog }, work, concurrency: 1, deadlineMs };
  const byHotkey = new Map(checks.map((check) => [check.hotkey, check]));
  const order = provisionalOrder(checks, epoch, rules, seedBlockHash);
  const decided = new Map<string, SpotCheckDecision>();
  const evidence = new Map<string, Evidence[]>();
  const signal = new AbortController().signal;
  for (;;) {
    const check = byHotkey.get(nextToCheck(order, decided, rules) ?? "");
    if (check === undefined) break;
    const sample = sampleListings(check, seedBlockHash, rules.spotCheckListings);
    const found = await spotCheck(check.hotkey, rowsOf(check, sample, closed), options, signal);
    evidence.set(check.hotkey, found);
    decided.set(check.hotkey, decide(countVerdicts(found), rules));
  }
  return { validator: visit.validator, checks, evidence, table: tableOf(closed, checks, evidence) };
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

function seenBy(check: SubmissionCheck, closed: ClosedMarket, visit: Visit): SubmissionCheck {
  const { hotkey, manifestSha256, receivedMs } = check;
  const isLost = chanceOf(visit.seed, visit.validator, closed.epoch.id, "store", hotkey).happens(visit.lostSubmissionsBps);
  return isLost ? unseenSubmission({ epoch: closed.epoch, hotkey, manifestSha256, receivedMs }) : check;
}

function rowsOf(check: SubmissionCheck, sample: ReturnType<typeof sampleListings>, { epoch, submissions }: ClosedMarket) {
  const rows = submissions.get(check.hotkey)?.rows;
  const byZip = new Map<string, ReturnType<typeof listingsById>>();
  return sample.flatMap(({ zipCode, listingId }) => {
    const known =
      byZip.get(zipCode) ??
      listingsById({ epoch, receivedMs: check.receivedMs, zipCode, listings: rows?.get(zipCode) ?? [] });
    byZip.set(zipCode, known);
    const submitted = known.get(listingId);
    return submitted === undefined ? [] : [{ zipCode, listingId, submitted }];
  });
}
