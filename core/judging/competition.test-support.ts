/** Whole epochs of miners for the tests of what pays. */
import assert from "node:assert/strict";
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { type Evidence, ListingVerdict, type ScoreTable } from "../../gen/zipnet/v1/report_pb.js";
import {
  CLOSE_MS,
  SEED_HASH,
  START_MS,
  checkFiles,
  exampleEpoch,
  exampleListings,
  exampleRules,
  readFile,
  sampleEvidence,
} from "./examples.test-support.js";
import { scoreTable } from "./scoring.js";
import type { SubmissionCheck } from "./submission-check.js";

/** The zip codes of the epoch, each expected to hold 20 listings. */
export const ZIP_CODES = ["02134", "98101", "98102"];

/** A submission as a test varies it. */
export interface Miner {
  readonly hotkey: string;
  readonly coldkey?: string;
  /** Listings per zip code; the first so many of those that exist. */
  readonly counts: readonly number[];
  /** Id of its first listing; others than 1 for what nobody else has. */
  readonly first?: number;
  readonly minute: number;
  /** Checked, with so many failures. */
  readonly failed?: number;
}

/** What the cheap checks find of it. */
export function checkOf({ hotkey, coldkey = hotkey, counts, first = 1, minute }: Miner): Promise<SubmissionCheck> {
  const receivedMs = START_MS + minute * 60_000;
  const files = ZIP_CODES.flatMap((zipCode, index): [string, ReturnType<typeof readFile>][] => {
    const count = counts[index] ?? 0;
    return count === 0 ? [] : [[zipCode, readFile(hotkey, zipCode, exampleListings(zipCode, count, first), CLOSE_MS)]];
  });
  return checkFiles({ hotkey, coldkey, files: new Map(files), receivedMs });
}

/** The result of an epoch of these miners. */
export async function tableOf(miners: readonly Miner[], rules: Rules = exampleRules()): Promise<ScoreTable> {
  const checks = await Promise.all(miners.map(checkOf));
  const evidence = new Map<string, Evidence[]>();
  checks.forEach((check, index) => {
    const failed = miners[index]?.failed;
    if (failed === undefined || check.accepted.size === 0) return;
    const verdictOf = (place: number) => (place < failed ? ListingVerdict.FAIL : ListingVerdict.PASS);
    evidence.set(check.hotkey, sampleEvidence(check, rules, verdictOf));
  });
  return scoreTable({
    epoch: exampleEpoch(rules),
    rules,
    snapshotSha256: "cd".repeat(32),
    seedBlockHash: SEED_HASH,
    ownerHotkey: "owner",
    checks,
    evidence,
  });
}

/** A miner's score. */
export function scoreOf(table: ScoreTable, hotkey: string) {
  return table.scores.find((score) => score.hotkey === hotkey) ?? assert.fail(`${hotkey} is not in the table`);
}
