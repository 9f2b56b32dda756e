/**
 * The lost points of miners of whom one thing is said.
 */
import { create } from "@bufbuild/protobuf";
import { LossReason, type LostPoints, LostPointsSchema } from "../../gen/zipnet/v1/report_pb.js";
import type { SubmissionCheck } from "./submission-check.js";

/** What is said of a submission of which no listing is left. */
export const NOTHING_COUNTS = "the submission holds no listing that counts";

/**
 * The single entry of a liar or a copy. What a liar was convicted by stands in the report's evidence, not here: one validator may
 * have been refused a page that another one saw, and both must write the same table.
 */
export function lossOfDishonest(reason: LossReason, zipCode: string, detail: string): LostPoints[] {
  return [create(LostPointsSchema, { reason, lostBps: 10_000, zipCode, detail })];
}

/** The single entry of a miner that delivered nothing. */
export function lossOfNothing(check: SubmissionCheck): LostPoints[] {
  const unreadable = check.unreadable.size > 0;
  const reason = unreadable ? LossReason.UNREADABLE : LossReason.COVERAGE;
  const detail = unreadable ? "none of the files can be read" : NOTHING_COUNTS;
  return [create(LostPointsSchema, { reason, lostBps: 10_000, detail })];
}

/** The single entry of a miner whose submission the rules leave unread. */
export function lossOfLeftOut(): LostPoints[] {
  const detail = "the rules of the epoch have other submissions read; this one was not among those drawn";
  return [create(LostPointsSchema, { reason: LossReason.NOT_READ, lostBps: 10_000, detail })];
}
