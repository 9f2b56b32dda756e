/**
 * Every point that a miner did not get, with its reason. The entries add up to what the score lacks of 10,000.
 */
import { millisOf } from "../timestamps.js";
import { create } from "@bufbuild/protobuf";
import type { Epoch, Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import {
  type Evidence,
  ListingVerdict,
  LossReason,
  type LostPoints,
  LostPointsSchema,
} from "../../gen/zipnet/v1/report_pb.js";
import { apportion, byText } from "./apportion.js";
import type { ScoreParts } from "./candidates.js";
import { MAX_TOLD_PER_REASON, type SubmissionCheck } from "./submission-check.js";
import { NOTHING_COUNTS } from "./sole-losses.js";
import type { Volume } from "./volume.js";

/** A loss before it is known what it costs. */
interface Loss {
  readonly reason: LossReason;
  readonly zipCode?: string;
  readonly listingId?: string;
  readonly detail: string;
  readonly evidenceId?: string;
  /** How much of its group's loss this is, against the other entries of the group. */
  readonly size: number;
}

/** What the losses of an honest miner are told from. */
export interface LossFacts {
  readonly check: SubmissionCheck;
  readonly parts: ScoreParts;
  readonly volume: Volume;
  /** What the rows are worth without a spot check, and with it, 0 to 10,000 basis points. */
  readonly rowsBps: number;
  readonly qualityBps: number;
  /** Absent for the unchecked. */
  readonly spot?: { readonly bps: number; readonly evidence: readonly Evidence[] };
}

/**
 * Where an honest miner lost points: time, then quality, then volume, each by zip code and listing id. What is missing of
 * the volume takes with it the part of speed and quality that it would have had.
 */
export function lostPoints(facts: LossFacts, epoch: Epoch, rules: Rules): LostPoints[] {
  const { parts, spot, qualityBps } = facts;
  const { speedWeightBps, qualityWeightBps, volumeWeightBps } = rules;
  const atFullVolume = parts.timeBps * speedWeightBps + qualityBps * qualityWeightBps + 10_000 * volumeWeightBps;
  const half = qualityWeightBps * 10_000;
  const groups = [
    { size: (10_000 - parts.timeBps) * speedWeightBps * 20_000, losses: speedLosses(facts.check, epoch) },
    { size: (10_000 - facts.rowsBps) * half * (spot === undefined ? 2 : 1), losses: rowLosses(facts.check) },
    { size: spot === undefined ? 0 : (10_000 - spot.bps) * half, losses: spotLosses(spot?.evidence ?? []) },
    { size: (10_000 - parts.volumeBps) * atFullVolume * 2, losses: volumeLosses(facts) },
  ];
  const costs = apportion(
    10_000 - parts.scoreBps,
    groups.map((group) => group.size),
  );
  return groups.flatMap((group, index) => (group.size === 0 ? [] : costed(group.losses, costs[index] ?? 0)));
}

function costed(losses: readonly Loss[], cost: number): LostPoints[] {
  const costs = apportion(
    cost,
    losses.map((loss) => loss.size),
  );
  return losses.map(({ reason, zipCode = "", listingId = "", detail, evidenceId = "" }, index) =>
    create(LostPointsSchema, { reason, lostBps: costs[index] ?? 0, zipCode, listingId, detail, evidenceId }),
  );
}

function speedLosses(check: SubmissionCheck, epoch: Epoch): Loss[] {
  const startMs = millisOf(epoch.startTime);
  const lateSeconds = Math.floor((check.receivedMs - startMs) / 1000);
  return [{ reason: LossReason.LATE, detail: `received ${lateSeconds} seconds after the start`, size: 1 }];
}

function rowLosses(check: SubmissionCheck): Loss[] {
  const told = check.findings.map(({ lostRowBps, ...finding }) => ({ ...finding, size: lostRowBps }));
  const untold = [...check.untold].map(([reason, rest]) => ({
    reason,
    detail: `${rest.count} more rows`,
    size: rest.lostRowBps,
  }));
  return [...told.sort(byPlace), ...untold.sort((a, b) => a.reason - b.reason)];
}

// The detail names no fields: two validators that read the source at different moments must write the same.
function spotLosses(evidence: readonly Evidence[]): Loss[] {
  const failed = evidence
    .filter((piece) => piece.verdict === ListingVerdict.FAIL)
    .map((piece) => ({
      reason: LossReason.SPOT_CHECK,
      zipCode: piece.submitted?.zipCode ?? "",
      listingId: piece.submitted?.listingId ?? "",
      detail: "the source does not show this listing as submitted",
      evidenceId: piece.id,
      size: 1,
    }));
  return summedUp(failed.sort(byPlace), "listings");
}

function volumeLosses({ check, volume }: LossFacts): Loss[] {
  if (volume.shortfalls.length === 0) return [{ reason: LossReason.COVERAGE, detail: NOTHING_COUNTS, size: 1 }];
  const losses = volume.shortfalls.map(({ zipCode, accepted, held }) => {
    const size = held - accepted;
    if (check.unreadable.has(zipCode))
      return { reason: LossReason.UNREADABLE, zipCode, detail: "the file cannot be read", size };
    return { reason: LossReason.COVERAGE, zipCode, detail: `${accepted} of ${held} listings`, size };
  });
  const told = [LossReason.UNREADABLE, LossReason.COVERAGE].flatMap((reason) =>
    summedUp(
      losses.filter((loss) => loss.reason === reason),
      "zip codes",
    ),
  );
  return told.sort((a, b) => Number(a.zipCode === undefined) - Number(b.zipCode === undefined) || byPlace(a, b));
}

/** The first losses of one reason one by one, the rest in one entry. */
function summedUp(losses: readonly Loss[], what: string): Loss[] {
  const first = losses[MAX_TOLD_PER_REASON];
  if (first === undefined) return [...losses];
  const rest = losses.slice(MAX_TOLD_PER_REASON);
  const size = rest.reduce((sum, loss) => sum + loss.size, 0);
  return [
    ...losses.slice(0, MAX_TOLD_PER_REASON),
    { reason: first.reason, detail: `${rest.length} more ${what}`, size },
  ];
}

function byPlace(a: Pick<Loss, "zipCode" | "listingId">, b: Pick<Loss, "zipCode" | "listingId">): number {
  return byText(a.zipCode ?? "", b.zipCode ?? "") || byText(a.listingId ?? "", b.listingId ?? "");
}
