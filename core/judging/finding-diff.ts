/**
 * What two validators found differently of one miner.
 */
import {
  type Evidence,
  ListingVerdict,
  LossReason,
  type LostPoints,
  type MinerScore,
  MinerVerdict,
} from "../../gen/zipnet/v1/report_pb.js";
import { byText } from "./apportion.js";

/** A thing that two reports say differently: what the first and what the second says. */
export type Pair<T> = readonly [first: T, second: T];

/** Something that two validators found differently of a miner. */
export interface CheckDifference {
  /** Which check, for example "spot check" or "rows". */
  readonly check: string;
  /** Zip code and listing concerned, or empty. */
  readonly zipCode: string;
  readonly listingId: string;
  /** What each found, for people. */
  readonly found: Pair<string>;
}

/** The same taken from each of the two. */
export function both<T, R>([first, second]: Pair<T>, take: (each: T) => R): Pair<R> {
  return [take(first), take(second)];
}

/** Whether the two are not the same. */
export function differs<T>([first, second]: Pair<T>): boolean {
  return first !== second;
}

/** What the scores themselves say of what was found. Parts, rank and share follow from it and from the others. */
export function diffFacts(scores: Pair<MinerScore | undefined>): CheckDifference[] {
  const facts: readonly [string, (score: MinerScore) => string][] = [
    ["verdict", ({ verdict }) => MinerVerdict[verdict]],
    ["structure", ({ acceptedListings }) => `${acceptedListings} listings accepted`],
    ["cross-check", ({ countedListings }) => `${countedListings} listings counted`],
    ["receipt", ({ timeBps }) => `${timeBps} basis points for its time`],
    ["coldkey", ({ coldkey }) => coldkey],
    ["copies", ({ copyOf }) => copyOf],
  ];
  return facts
    .map(([check, take]) => {
      const found = both(scores, (score) => (score === undefined ? "not judged" : take(score)));
      return { check, zipCode: "", listingId: "", found };
    })
    .filter(({ found }) => differs(found));
}

/** Listings on which the spot checks came to different verdicts, or that only one of them asked for. */
export function diffEvidence(evidence: Pair<readonly Evidence[]>): CheckDifference[] {
  const byId = both(evidence, (pieces) => new Map(pieces.map((piece) => [piece.id, piece])));
  const ids = [...new Set(evidence.flatMap((pieces) => pieces.map(({ id }) => id)))].sort(byText);
  return ids.flatMap((id) => {
    const pieces = both(byId, (map) => map.get(id));
    if (pieces[0]?.verdict === pieces[1]?.verdict) return [];
    const [, zipCode = "", ...listing] = id.split("/");
    return [{ check: "spot check", zipCode, listingId: listing.join("/"), found: both(pieces, evidenceText) }];
  });
}

function evidenceText(piece: Evidence | undefined): string {
  if (piece === undefined) return "not asked for";
  const adopted = piece.adoptedFrom.length === 0 ? "" : `, adopted from ${piece.adoptedFrom.length} validators`;
  return `${ListingVerdict[piece.verdict]}${adopted}: ${piece.note}`;
}

const CHECKS: Readonly<Partial<Record<LossReason, string>>> = {
  [LossReason.LATE]: "receipt",
  [LossReason.COVERAGE]: "coverage",
  [LossReason.UNREADABLE]: "structure",
  [LossReason.WRONG_NONCE]: "structure",
  [LossReason.CONTRADICTION]: "structure",
  [LossReason.UNCONFIRMED]: "cross-check",
  [LossReason.STALE]: "cross-check",
  [LossReason.COLDKEY]: "coldkey",
  [LossReason.COPY]: "copies",
  [LossReason.NOT_READ]: "reading",
};

/** Lost points that stand in one report alone. What spot checks cost is told by their evidence. */
export function diffLosses(scores: Pair<MinerScore | undefined>): CheckDifference[] {
  const spot: ReadonlySet<LossReason> = new Set([LossReason.SPOT_CHECK, LossReason.FABRICATED]);
  const keyOf = ({ reason, zipCode, listingId, detail }: LostPoints): string =>
    [reason, zipCode, listingId, detail].join("\n");
  const maps = both(
    scores,
    (score) => new Map(score?.lost.filter(({ reason }) => !spot.has(reason)).map((lost) => [keyOf(lost), lost])),
  );
  return [0, 1].flatMap((side) => {
    const [mine, theirs] = side === 0 ? maps : [maps[1], maps[0]];
    return [...mine].flatMap(([key, { reason, zipCode, listingId, detail }]) => {
      if (theirs.has(key)) return [];
      const found: Pair<string> = side === 0 ? [detail, ""] : ["", detail];
      return [{ check: CHECKS[reason] ?? "rows", zipCode, listingId, found }];
    });
  });
}
