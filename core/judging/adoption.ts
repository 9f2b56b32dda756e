/**
 * Taking over what other validators found, where the source did not answer oneself.
 */
import { create } from "@bufbuild/protobuf";
import { type Evidence, EvidenceSchema, ListingVerdict } from "../../gen/zipnet/v1/report_pb.js";
import { byText } from "./apportion.js";

/** So many others must agree, however much stake one of them has. */
const MIN_VALIDATORS = 2;

/** Another validator's signed report of the epoch, opened. */
export interface OthersReport {
  readonly validator: string;
  /** Its stake, above 0. */
  readonly stakeRao: bigint;
  readonly evidence: readonly Evidence[];
}

/** Whether a piece of evidence says nothing because the source was out of reach, and not because the listing may have changed. */
export function isUnanswered({ verdict, differences }: Evidence): boolean {
  return verdict === ListingVerdict.UNKNOWN && differences.length === 0;
}

/** What one validator says of one listing. */
interface Finding {
  readonly validator: string;
  readonly stakeRao: bigint;
  readonly piece: Evidence;
}

/**
 * What to hold of a piece of evidence when others' reports are taken into account: the piece itself where the source
 * answered; else PASS or FAIL where at least two others say so, who have more than half of the stake of all others that
 * had an answer for this listing; else the piece itself. What others took over themselves does not count. The result does
 * not depend on the order of the reports.
 *
 * @param reports at most one per validator, one's own not among them.
 */
export function adoptingFrom(reports: readonly OthersReport[]): (own: Evidence) => Evidence {
  const findings = new Map<string, Finding[]>();
  for (const { validator, stakeRao, evidence } of reports) {
    for (const piece of evidence) {
      if (isUnanswered(piece) || piece.adoptedFrom.length > 0) continue;
      const known = findings.get(piece.id) ?? [];
      findings.set(piece.id, [...known, { validator, stakeRao, piece }]);
    }
  }
  return (own) => (isUnanswered(own) ? adopted(own, findings.get(own.id) ?? []) : own);
}

function adopted(own: Evidence, findings: readonly Finding[]): Evidence {
  const stakeOf = (some: readonly Finding[]): bigint => some.reduce((sum, { stakeRao }) => sum + stakeRao, 0n);
  for (const verdict of [ListingVerdict.PASS, ListingVerdict.FAIL]) {
    const agreeing = findings.filter(({ piece }) => piece.verdict === verdict);
    if (agreeing.length < MIN_VALIDATORS || 2n * stakeOf(agreeing) <= stakeOf(findings)) continue;
    const [first, ...others] = agreeing.toSorted((a, b) => byText(a.validator, b.validator));
    if (first === undefined) continue;
    const adoptedFrom = [first, ...others].map(({ validator }) => validator);
    // The row that was submitted is known here; what else a piece says is the first validator's word.
    return create(EvidenceSchema, { ...first.piece, hotkey: own.hotkey, submitted: own.submitted, adoptedFrom });
  }
  return own;
}
