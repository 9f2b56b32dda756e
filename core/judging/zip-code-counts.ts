/**
 * What the verified miners found per zip code: what the catalogue's expectations are calibrated by.
 */
import { create } from "@bufbuild/protobuf";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { type ZipCodeCount, ZipCodeCountSchema } from "../../gen/zipnet/v1/report_pb.js";
import { type SubmissionCheck, deliveredCount } from "./submission-check.js";

/**
 * The counts of the assigned zip codes that at least one of these submissions delivered, in the epoch's order. Does not
 * depend on the order of the submissions.
 *
 * @param verified the submissions of the miners that were spot checked and found honest.
 */
export function zipCodeCounts(verified: readonly SubmissionCheck[], epoch: Epoch): ZipCodeCount[] {
  return epoch.zipCodes.flatMap(({ zipCode }) => {
    const counts = verified.flatMap((check) => deliveredCount(check, zipCode) ?? []).sort((a, b) => a - b);
    if (counts.length === 0) return [];
    const lowerMedianListings = counts[Math.floor((counts.length - 1) / 2)] ?? 0;
    const upperMedianListings = counts[Math.floor(counts.length / 2)] ?? 0;
    const found = { zipCode, lowerMedianListings, upperMedianListings, miners: counts.length };
    return [create(ZipCodeCountSchema, found)];
  });
}
